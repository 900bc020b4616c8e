"""What one presses in an open form is what is clicked: nothing moves or is drawn anew under a hand, tables go on in sight."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_testing.browser import Site
from patron_testing.web import WORKSPACE

NEW = "/o/opportunity/new?type=standard"
LONG = "Capstan with a name that is longer than the box it is chosen in, for ships of every size"


def keep(site: Site, object: str, **values: Any) -> str:
    """Puts a record into the workspace."""
    workspace = site.service.runtime.workspace(WORKSPACE)
    return str(workspace.save(SYSTEM, [Change(action="create", object=object, set=values)])[0].id)


@pytest.fixture(scope="module")
def capstan(site: Site) -> str:
    return keep(site, "product", name=LONG, code="CAP-1", status="on_sale", list_price="100")


def choose_by_mouse(page: Page, text: str) -> None:
    """A product in the first line, typed for and clicked."""
    page.locator("[data-set=lines] td[data-column=product] .ts-control").first.click()
    page.keyboard.type(text)
    page.locator(".ts-dropdown .option").filter(has_text=text).first.click()


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_first_click_after_a_choice_by_mouse_counts(site: Site, capstan: str) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.locator("[data-set=lines] [data-act=add]").scroll_into_view_if_needed()
        choose_by_mouse(page, "Capstan")
        before = middle(page, "[data-set=lines] [data-act=add]")
        page.mouse.move(*before)
        page.mouse.down()
        page.wait_for_timeout(400)  # as a hand does; the form asks and is answered meanwhile
        assert middle(page, "[data-set=lines] [data-act=add]") == before, "nothing moves under the press"
        page.mouse.up()
        expect(page.locator("[data-set=lines] tbody tr")).to_have_count(2)
        visit.settle()
        expect(page.locator("[data-set=lines] [data-column=product] .item").first).to_have_text(LONG)
        visit.calm()


def test_an_answer_that_comes_while_one_presses_waits(site: Site, capstan: str) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        held: list[Route] = []
        page.route("**/new/preview*", lambda route: held.append(route))
        page.select_option("#f-stage", "won")
        visit.until(lambda: bool(held))
        page.mouse.move(*middle(page, "h1"))
        page.mouse.down()
        with page.expect_response("**/new/preview*"):
            for route in held:
                route.continue_()
        page.wait_for_timeout(400)
        expect(
            page.locator("[data-field=close_date] .field-required"), "not yet: it is pressed"
        ).to_have_count(0)
        page.mouse.up()
        expect(page.locator("[data-field=close_date] .field-required")).to_be_visible()
        page.unroute("**/new/preview*")
        visit.calm()


def test_what_is_there_already_is_told_without_moving_the_form(site: Site) -> None:
    keep(site, "account", name="吴淞口拖轮有限公司")
    with site.visit() as visit:
        visit.open("/o/account/new")
        page = visit.page
        before = middle(page, "#f-short_name")
        page.fill("#f-name", "吴淞口拖轮公司")
        page.keyboard.press("Tab")
        expect(page.locator(".similar a")).to_contain_text("吴淞口拖轮有限公司")
        assert middle(page, "#f-short_name") == before
        page.on("dialog", lambda d: d.accept())
        visit.calm()


def test_a_table_wider_than_the_page_keeps_what_a_row_is_and_what_is_done_with_it(
    site: Site, capstan: str
) -> None:
    with site.visit() as visit:
        visit.open("/o/quote/new")
        page = visit.page
        wrap = page.locator("[data-set=lines] .sheet-wrap")
        wide = wrap.evaluate("e => e.scrollWidth - e.clientWidth")
        assert wide > 0, "a quote has many columns"
        frame = wrap.bounding_box()
        assert frame is not None
        for far in (0, wide):
            wrap.evaluate("(e, far) => { e.scrollLeft = far; }", far)
            page.wait_for_timeout(100)
            for selector in ("td[data-column=product]", ".row-acts"):
                box = page.locator(f"[data-set=lines] tbody tr {selector}").first.bounding_box()
                assert box is not None
                assert (
                    frame["x"] - 1 <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
                )
            edges = [
                page.locator(f"[data-set=lines] tbody tr {selector}").first.evaluate(
                    "e => getComputedStyle(e).boxShadow"
                )
                for selector in ("td[data-column=product]", ".row-acts")
            ]
            assert [edge != "none" and "rgba(0, 0, 0, 0)" not in edge for edge in edges] == (
                [False, True] if far == 0 else [True, False]
            ), "an edge on the side where there is more"
        visit.calm()
