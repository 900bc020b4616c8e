"""Forms in a browser: an opportunity with three lines by the keyboard alone, live conditions, leaving, two languages, a telephone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from patron_engine.actor import SYSTEM
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import WORKSPACE

NEW = "/o/opportunity/new?type=standard"


def keep(site: Site, object: str, **values: Any) -> str:
    """Puts a record into the workspace."""
    workspace = site.service.runtime.workspace(WORKSPACE)
    return str(workspace.save(SYSTEM, [Change(action="create", object=object, set=values)])[0].id)


def keeps(site: Site, object: str, where: str) -> int:
    """How many records there are."""
    return len(site.service.runtime.workspace(WORKSPACE).read(SYSTEM, Ask(object=object, where=where)).rows())


@pytest.fixture(scope="module")
def goods(site: Site) -> list[str]:
    keep(site, "account", name="上海海洋科技有限公司")
    return [
        keep(site, "product", name=f"Winch {n}", code=f"W-{n}", status="on_sale", list_price=str(n * 100))
        for n in (1, 2, 3)
    ]


def settled(page: Page) -> None:
    """Until the open form has been looked at and drawn anew."""
    page.wait_for_timeout(750)
    expect(page.locator("form[data-asking]")).to_have_count(0)


def pick(visit: Visit, text: str) -> None:
    """Types into the box of records that has the focus and takes the first that is found."""
    visit.page.keyboard.type(text)
    expect(visit.page.locator(".ts-dropdown .option").filter(has_text=text).first).to_be_visible()
    visit.page.keyboard.press("Enter")


def test_an_opportunity_with_three_lines_by_the_keyboard(site: Site, goods: list[str]) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        expect(page.locator("#f-name")).to_be_focused()
        page.keyboard.type("Three winches")
        page.keyboard.press("Tab")
        page.keyboard.type("haiyang")
        expect(page.locator(".ts-dropdown .option").first).to_contain_text("上海海洋")
        page.keyboard.press("Enter")
        settled(page)
        page.locator("[data-set=lines] td[data-column=product] .ts-control input").first.focus()
        for n in (1, 2, 3):
            if n > 1:
                page.keyboard.press("Control+Enter")
            pick(visit, f"Winch {n}")
            page.keyboard.press("Tab")
            page.keyboard.type(str(n))
        settled(page)
        page.keyboard.press("Tab")
        settled(page)
        expect(page.locator('[data-total="lines.subtotal"]')).to_contain_text("1,400.00")
        visit.accessible()
        visit.picture("opportunity-three-lines")
        page.keyboard.press("Control+s")
        page.wait_for_url(lambda address: "/new" not in address)
        id = page.url.rpartition("/")[2]
        visit.open(f"/o/opportunity/{id}/edit")
        expect(page.locator("[data-set=lines] tbody tr:not([hidden])")).to_have_count(3)
        expect(page.locator("#f-name")).to_have_value("Three winches")
        visit.wrong = [w for w in visit.wrong if "404" not in w]
        visit.calm()


def test_fields_come_and_go_with_the_stage(site: Site) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        expect(page.locator("[data-section=why]")).to_be_hidden()
        page.select_option("#f-stage", "lost")
        expect(page.locator("[data-section=why]")).to_be_visible()
        expect(page.locator("[data-field=lost_reason] .field-required")).to_be_visible()
        page.fill("#f-amount", "1000")
        page.fill("#f-probability", "50")
        page.locator("#f-next_step").focus()
        expect(page.locator("[data-field=expected]")).to_contain_text("500")
        page.select_option("#f-stage", "won")
        expect(page.locator("[data-section=why]")).to_be_hidden()
        expect(page.locator("[data-field=close_date] .field-required")).to_be_visible()
        visit.calm()


def test_leaving_with_unsaved_changes_asks(site: Site) -> None:
    with site.visit() as visit:
        visit.open("/o/account/new")
        asked: list[str] = []
        visit.page.on("dialog", lambda d: (asked.append(d.type), d.dismiss()))
        visit.page.fill("#f-name", "Half")
        visit.page.click("a[data-cancel]")
        visit.until(lambda: asked == ["beforeunload"])
        expect(visit.page.locator("#f-name")).to_have_value("Half")
        visit.page.on("dialog", lambda d: None)


def test_cells_of_a_spreadsheet_are_pasted_into_rows(site: Site, goods: list[str]) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.evaluate("""() => {
            const input = document.querySelector('[name="lines.n1.quantity"]');
            const data = new DataTransfer();
            data.setData('text/plain', '2\\n3\\n4');
            input.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
        }""")
        expect(page.locator("[data-set=lines] tbody tr")).to_have_count(3)
        assert [page.input_value(f'[name="lines.n{n}.quantity"]') for n in (1, 2, 3)] == ["2", "3", "4"]
        page.locator("[data-set=lines] [data-act=remove]").first.click()
        expect(page.locator("[data-set=lines] tbody tr")).to_have_count(2)
        visit.calm()


def test_a_new_account_is_made_while_one_writes_and_twins_are_told(site: Site, goods: list[str]) -> None:
    with site.visit() as visit:
        visit.open(NEW)
        page = visit.page
        page.locator("[data-field=account] .ts-control input").focus()
        page.keyboard.type("Fresh Harbour")
        page.locator(".option-new .button").click()
        expect(page.locator("dialog[open] #f-name")).to_be_visible()
        assert page.locator("dialog[open] [name=name]").input_value() == "Fresh Harbour"
        page.locator("dialog[open] [name=_save]").click()
        expect(page.locator("[data-field=account] .ts-control .item")).to_have_text("Fresh Harbour")
        visit.calm()
        page.on("dialog", lambda d: d.accept())
        visit.open("/o/account/new")
        page.fill("#f-name", "上海海洋科技公司")
        page.keyboard.press("Tab")
        expect(page.locator(".similar a")).to_contain_text("上海海洋科技有限公司")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_forms_are_calm(site: Site, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        for path in ("/o/account/new", NEW, "/o/yd_job/new", "/o/quote/new"):
            visit.open(path)
            visit.calm()
            visit.accessible()
            visit.picture(f"form-{path.split('/')[2]}-{language}-{scheme}-{width}")


def test_the_gallery_is_calm(site: Site) -> None:
    with site.visit() as visit:
        visit.open("/design/gallery")
        visit.calm()
        visit.accessible()
        visit.picture("gallery")


def test_a_wrong_form_is_mended_without_scripts(site: Site) -> None:
    with site.visit(scripts=False) as visit:
        visit.open("/o/yd_place/new")
        page = visit.page
        page.fill("#f-size", "large")
        page.click("[name=_save]")
        expect(page.locator(".form-summary")).to_be_visible()
        page.fill("#f-name", "Quay without scripts")
        page.fill("#f-size", "12.5")
        page.click("[name=_save]")
        page.wait_for_url(lambda address: "/new" not in address)
        assert keeps(site, "yd_place", "name == 'Quay without scripts'") == 1
