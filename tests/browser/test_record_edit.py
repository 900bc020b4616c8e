"""A field is changed where it stands on the record's page: by its pencil, a double click or the keyboard; rules hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from patron_engine.actor import Actor
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    actor = Actor(user=None, name=ADMIN, administrator=True)
    return str(site.service.runtime.workspace(WORKSPACE).save(actor, [change])[0].id)


@contextmanager
def at(site: Site, path: str, **how: Any) -> Iterator[Visit]:
    with site.visit(**how) as visit:
        visit.open(path)
        yield visit


@pytest.fixture
def deal(site: Site) -> str:
    account = make(site, "account", name=f"Pencil {uuid4().hex[:6]}")
    return make(site, "opportunity", name="Lead line", account=account, amount="1000", stage="qualification")


def test_a_double_click_and_the_keyboard_change_a_field(site: Site, deal: str) -> None:
    with at(site, f"/o/opportunity/{deal}") as visit:
        page = visit.page
        page.locator("#composer textarea").first.fill("half a sentence")
        page.locator("dd[data-edit=amount]").dblclick()
        box = page.locator("dd[data-edit=amount] input[name=amount]")
        expect(box).to_be_focused()
        box.fill("2500")
        visit.accessible()
        box.press("Enter")
        expect(page.locator("dd[data-edit=amount]")).to_contain_text("2,500")
        expect(page.locator(".highlights")).to_contain_text("2,500")
        expect(page.locator("#composer textarea").first).to_have_value("half a sentence")
        expect(page.locator("dd[data-edit=amount] .fact-edit")).to_be_focused()
        page.keyboard.press("Enter")
        expect(box).to_be_focused()
        box.fill("9")
        box.press("Escape")
        expect(page.locator("dd[data-edit=amount]")).to_contain_text("2,500")
        visit.settle()
        visit.calm()


def test_what_a_rule_refuses_stays_open_with_why(site: Site, deal: str) -> None:
    with at(site, f"/o/opportunity/{deal}") as visit:
        page = visit.page
        page.locator("dd[data-edit=probability]").dblclick()
        box = page.locator("dd[data-edit=probability] input[name=probability]")
        box.fill("990")
        box.press("Enter")
        expect(page.locator("dd[data-edit=probability] .field-error")).to_contain_text("990 is above 100")
        expect(box).to_have_value("990")
        box.fill("55")
        page.locator("dd[data-edit=probability]").get_by_role("button", name="Save").last.click()
        expect(page.locator("dd[data-edit=probability]")).to_contain_text("55%")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_it_fits(site: Site, deal: str, language: str, width: int, scheme: str) -> None:
    with at(site, f"/o/opportunity/{deal}", language=language, width=width, scheme=scheme) as visit:
        visit.page.locator("dd[data-edit=account]").hover()
        visit.page.locator("dd[data-edit=account] .fact-edit").click()
        visit.page.locator("dd[data-edit=account] .ts-control").wait_for()
        visit.settle()
        visit.calm()
        visit.accessible()
        visit.picture(f"record-edit-{language}-{width}")


def test_without_scripts_the_pencil_leads_to_a_form_of_the_field(site: Site, deal: str) -> None:
    with at(site, f"/o/opportunity/{deal}", scripts=False) as visit:
        page = visit.page
        page.goto(page.url + "/edit?only=name")
        expect(page.locator("form.form .field")).to_have_count(1)
        page.locator("input[name=name]").fill("Without scripts")
        page.get_by_role("button", name="Save").last.click()
        expect(page.locator("h1")).to_have_text("Without scripts")
