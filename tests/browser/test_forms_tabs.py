"""Forms of a document in a browser: tabs by the keyboard, errors on a hidden tab, long tables, look-ups through the document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from patron_engine.actor import SYSTEM
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_testing.browser import Site, served_site
from patron_testing.pg import Server
from patron_testing.web import WORKSPACE

NEW = "/o/fm_order/new?type=plain"


@pytest.fixture(scope="module")
def orders(server: Server, browser: Browser) -> Iterator[Site]:
    with served_site(server, browser, ("forms",)) as running:
        yield running


def keep(site: Site, object: str, **values: object) -> str:
    workspace = site.service.runtime.workspace(WORKSPACE)
    return str(workspace.save(SYSTEM, [Change(action="create", object=object, set=values)])[0].id)


def long_order(site: Site, rows: int) -> str:
    lines = [{"what": f"L{n}", "quantity": "1", "price": "10", "position": n} for n in range(1, rows + 1)]
    return keep(site, "fm_order", name="Long", lines=lines)


def test_tabs_are_gone_through_by_the_keyboard(orders: Site) -> None:
    with orders.visit() as visit:
        visit.open(NEW)
        page = visit.page
        first, second = page.locator("[role=tab]").all()
        expect(first).to_have_attribute("aria-selected", "true")
        expect(page.locator("#panel-more")).to_be_hidden()
        first.focus()
        page.keyboard.press("ArrowRight")
        expect(second).to_be_focused()
        expect(page.locator("#panel-more")).to_be_visible()
        expect(page.locator("#panel-lines")).to_be_hidden()
        page.keyboard.press("Home")
        expect(page.locator("#panel-lines")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator("#panel-more")).to_be_visible()  # on paper all of them
        page.emulate_media(media="screen")
        visit.calm()
        visit.accessible()


def test_an_error_on_a_hidden_tab_marks_it_and_opens_it(orders: Site) -> None:
    with orders.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.fill("[name=name]", "Wrong")
        page.get_by_role("tab", name="More").click()
        page.fill("[name=fee]", "12")
        page.get_by_role("tab", name="Lines").click()
        page.click("[name=_save]")
        expect(page.locator(".form-summary")).to_be_visible()
        expect(page.locator("#panel-more")).to_be_visible()
        expect(page.locator("#tab-more .tab-wrong")).to_have_text("1")
        page.get_by_role("tab", name="Lines").click()
        page.locator(".form-summary a").first.click()
        expect(page.locator("[name=code]")).to_be_focused()
        page.fill("[name=code]", "C-1")
        page.locator("[name=code]").blur()
        expect(page.locator("#tab-more .tab-wrong")).to_be_hidden()
        visit.picture("tabs-wrong")


def test_a_section_of_a_tab_comes_and_goes(orders: Site) -> None:
    with orders.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.get_by_role("tab", name="More").click()
        expect(page.locator("[data-section=notes]")).to_be_hidden()
        page.fill("[name=fee]", "1")
        page.locator("[name=fee]").blur()
        expect(page.locator("[data-section=notes]")).to_be_visible()
        expect(page.locator("#panel-more")).to_be_visible()


def test_a_long_table_sends_only_what_was_touched(orders: Site) -> None:
    id = long_order(orders, 250)
    with orders.visit() as visit:
        visit.open(f"/o/fm_order/{id}/edit")
        page = visit.page
        expect(page.locator("[data-set=lines] tbody tr")).to_have_count(200)
        page.click("[name=_more]")
        expect(page.locator("[data-set=lines] tbody tr")).to_have_count(250, timeout=30_000)
        last = page.locator("[data-set=lines] tbody tr").last.locator("input[type=text][name$='.price']")
        last.fill("99")
        last.blur()
        expect(page.locator("[data-total='lines.subtotal']")).to_contain_text("2,589", timeout=30_000)
        sent: list[str] = []
        page.on(
            "request",
            lambda r: (
                sent.append(r.post_data or "") if r.method == "POST" and r.url.endswith("/edit") else None
            ),
        )
        page.click("[name=_save]")
        page.wait_for_url(f"**/o/fm_order/{id}")
        assert sent[0].count(".price=") == 2  # the value and what it was, of one row
        visit.calm()
    rows = orders.service.runtime.workspace(WORKSPACE).read(
        SYSTEM, Ask(object="fm_line", where=f"order == '{id}' and price == 10", count="exact", limit=1)
    )
    assert rows.count == 249


def test_a_row_of_a_new_order_offers_what_fits_the_order(orders: Site) -> None:
    here, there = keep(orders, "account", name="Pier North"), keep(orders, "account", name="Pier South")
    keep(orders, "contact", name="Ann Pier", account=here, mobile="13200000001")
    keep(orders, "contact", name="Bo Pier", account=there, mobile="13200000002")
    with orders.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.locator("[data-field=account] .ts-control input").click()
        page.keyboard.type("Pier North")
        page.locator(".ts-dropdown .option", has_text="Pier North").first.click()
        page.locator("[data-set=lines] tbody tr").first.locator(
            "[data-column=contact] .ts-control input"
        ).click()
        expect(page.locator("body > .ts-dropdown .option")).to_have_count(1)
        expect(page.locator("body > .ts-dropdown .option")).to_contain_text("Ann Pier")


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh-CN", "dark")])
def test_forms_of_every_kind_of_field_are_calm(orders: Site, language: str, scheme: str, width: int) -> None:
    id = long_order(orders, 3)
    with orders.visit(language=language, width=width, scheme=scheme) as visit:
        for name, path in (
            ("order", NEW),
            ("order-edit", f"/o/fm_order/{id}/edit"),
            ("order-page", f"/o/fm_order/{id}"),
            ("thing", "/o/fm_thing/new"),
        ):
            visit.open(path)
            visit.calm()
            visit.accessible()
            visit.page.set_viewport_size(
                {
                    "width": width,
                    "height": max(900, visit.page.evaluate("document.documentElement.scrollHeight")),
                }
            )
            visit.picture(f"{name}-{language}-{scheme}-{width}")
            visit.page.set_viewport_size({"width": width, "height": 900})


def test_without_scripts_everything_stands_there_and_records_are_found(orders: Site) -> None:
    keep(orders, "account", name="Quay Street")
    with orders.visit(scripts=False) as visit:
        visit.open(NEW)
        page = visit.page
        expect(page.locator("#panel-more")).to_be_visible()
        page.fill("[name=name]", "Plain")
        page.fill("[name='_find.account']", "quay")
        page.locator("[name=_search][value=account]").click()
        expect(page.locator("[name=name]")).to_have_value("Plain")
        found = page.locator("[name=account] option", has_text="Quay Street")
        page.select_option("[name=account]", value=found.get_attribute("value"))
        visit.picture("finder")
        page.click("[name=_save]")
        page.wait_for_url("**/o/fm_order/*-*")
        expect(page.locator("h1")).to_have_text("Plain")
