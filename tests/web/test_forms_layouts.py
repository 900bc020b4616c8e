"""Layouts over HTTP: tabs, variants by type, secrets in their place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup

from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.forms import saved, sent, told
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, Api, Opened, Person, Template, serving

ORDERS = "orders"  # the workspace
NEW = "/o/fm_order/new?type=plain"


@pytest.fixture(scope="module")
def orders(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, ORDERS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        yield opened


@pytest.fixture
def person(orders: Opened) -> Person:
    return Person(orders.client, ORDERS, ADMIN)


@pytest.fixture(scope="module")
def api(orders: Opened) -> Api:
    with orders.service.databases.system() as conn:
        return Api(orders.client, create_key(conn, ADMIN, ORDERS))


def sections(page: BeautifulSoup) -> list[str]:
    return [str(s["data-section"]) for s in page.select("form.form [data-section]")]


def test_sections_stand_on_their_tabs_and_all_are_there_without_scripts(person: Person) -> None:
    page = person.page(NEW)
    assert sections(page) == ["basic", "lines", "fees", "notes"]
    panels = page.select("form.form .tab-panel")
    assert [p["id"] for p in panels] == ["panel-lines", "panel-more"]
    assert not any(p.has_attr("hidden") for p in panels)
    assert [p.select_one(".tab-name").get_text() for p in panels if p.select_one(".tab-name")] == [
        "Lines",
        "More",
    ]  # type: ignore[union-attr]
    assert page.select_one(".tab-panel [data-section=basic]") is None


def test_what_is_wrong_on_a_tab_is_told_on_it(person: Person) -> None:
    said = person.post(NEW, sent(person.page(NEW), {"name": "Wrong", "fee": "12"}))
    assert "code" in told(said)  # the layout asks for it
    page = BeautifulSoup(said.text, "html.parser")
    link = page.select_one(".form-summary a")
    assert link is not None and page.select_one(f"#panel-more {link['href']}") is not None


def test_a_record_page_has_the_same_tabs(person: Person) -> None:
    id = saved(person, NEW, {"name": "Tabbed", "lines.n1.what": "One", "fee": "5", "code": "C"})
    page = person.page(f"/o/fm_order/{id}")
    assert [t.get_text(strip=True) for t in page.select(".record-sheets [role=tab]")] == ["Lines", "More"]
    assert page.select_one("#panel-lines table") is not None
    assert "Fees" in page.select_one("#panel-more").get_text()  # type: ignore[union-attr]


def test_a_type_has_its_own_layout(person: Person) -> None:
    urgent = person.page("/o/fm_order/new?type=urgent")
    assert sections(urgent) == ["basic"]
    assert "At once" in urgent.get_text()
    id = saved(person, "/o/fm_order/new?type=urgent", {"name": "Now"})
    assert "At once" in person.page(f"/o/fm_order/{id}/edit").get_text()
    assert "At once" in person.page(f"/o/fm_order/{id}").get_text()


def test_a_secret_stands_where_the_layout_puts_it_and_is_never_shown(person: Person) -> None:
    page = person.page(NEW)
    assert (
        page.select_one("#panel-more [data-section=fees] [data-field=key] input[type=password]") is not None
    )
    assert len(page.select("[data-field=key]")) == 1
    id = saved(person, NEW, {"name": "Hidden", "key": "s3cr3t-words", "fee": "1", "code": "K"})
    for path in (f"/o/fm_order/{id}", f"/o/fm_order/{id}/edit"):
        assert "s3cr3t-words" not in str(person.page(path))
    assert person.page(f"/o/fm_order/{id}").find(string="Key") is None
