"""Lists as people use them: narrowing, sharing an address, choosing many, changing a cell, columns, both sides at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import system_clock
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site
from patron_testing.web import WORKSPACE

LOST = 12


@pytest.fixture(scope="module")
def pipeline(site: Site) -> Iterator[None]:
    """300 opportunities, 12 of them lost last quarter over 1,000; a hostile name among them."""
    today = system_clock().date()
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    ended = first - timedelta(days=20)
    workspace = site.service.runtime.workspace(WORKSPACE)

    def deal(n: int) -> Change:
        lost = n < LOST * 2
        values = {"name": "<img src=x onerror=alert(1)>" if n == 0 else f"Deal {n:03}", "amount": str(1_500 if n % 2 == 0 else 500),
                  "close_date": str(ended if lost else today), "stage": "lost" if lost else "prospecting"}  # fmt: skip
        return Change(
            action="create",
            object="opportunity",
            set={**values, **({"lost_reason": "price"} if lost else {})},
        )

    made = workspace.save(SYSTEM, [deal(n) for n in range(300)], mode="each", cause=Cause(kind="import"))
    refused = [o.problems for o in made if o.action == "refused"]
    assert refused == []
    yield


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_lists_are_calm(site: Site, pipeline: None, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        for name, path in (
            ("full", "/o/opportunity?view=all_opportunities"),
            ("groups", "/o/opportunity?view=all_opportunities&group=stage"),
            ("none", "/o/contract"),
        ):
            visit.open(path)
            visit.calm()
            visit.accessible()
            visit.picture(f"list-{name}-{language}-{scheme}-{width}")


def test_last_quarters_lost_ones_over_a_thousand_and_the_address_is_shared(
    site: Site, pipeline: None
) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/opportunity?view=all_opportunities")
        page.keyboard.press("f")
        panel = page.locator("#list-panel")
        panel.locator("select[name=field]").first.select_option("stage")
        page.wait_for_selector("#list-panel select[name=op]")
        panel.locator("select[name=op]").first.select_option("is")
        visit.settle()
        panel.locator(".filter-row").first.locator(".filter-value .ts-control").click()
        panel.locator(".ts-dropdown .option", has_text="Lost").click()
        for place, field, operator in ((1, "close_date", "last_quarter"), (2, "amount", "more")):
            panel.locator("button[value='add:']").click()
            expect(panel.locator("select[name=field]")).to_have_count(place + 1)
            panel.locator("select[name=field]").nth(place).select_option(field)
            expect(panel.locator("select[name=op]")).to_have_count(place + 1)
            panel.locator("select[name=op]").nth(place).select_option(operator)
            visit.settle()
        expect(panel.locator("select[name=op]").nth(2)).to_have_value("more")
        panel.locator(".filter-row").nth(2).locator("input[name=value]").fill("1000")
        visit.accessible()
        visit.picture("list-builder")
        panel.locator(".filter-end .button-primary").click()
        chips = ["Stage is Lost", "Close date: last quarter", "Amount > 1,000"]
        expect(page.locator(".list-chip span")).to_have_text(chips, timeout=30_000)
        expect(page.locator("#list-count")).to_have_text(str(LOST))
        expect(page.locator("tbody tr[data-id]")).to_have_count(LOST)
        visit.settle()
        address = page.url
        visit.calm()
    with site.visit(language="zh-CN", scripts=False) as other:
        other.page.goto(address)
        expect(other.page.locator("tbody tr[data-id]")).to_have_count(LOST)
        expect(other.page.locator("tbody")).to_contain_text("<img src=x")


def test_scrolling_brings_the_rest(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        visit.open("/o/opportunity?view=all_opportunities")
        expect(visit.page.locator("tbody tr[data-id]")).to_have_count(50)
        visit.page.locator(".list-next").scroll_into_view_if_needed()
        expect(visit.page.locator("tbody tr[data-id]")).to_have_count(100)
        visit.calm()
    with site.visit(scripts=False) as visit:
        visit.open("/o/opportunity?view=all_opportunities")
        first = visit.page.locator("tbody .title-link").first.inner_text()
        visit.page.locator(".list-next a").click()
        assert visit.page.locator("tbody .title-link").first.inner_text() != first


def test_a_cell_is_changed_with_the_keyboard(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open(
            "/o/opportunity?view=all_opportunities&columns=name,amount&where=" + quote("name == 'Deal 100'")
        )
        cell = page.locator('tbody td[data-label="Amount"]')
        cell.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".list-cell input[name=value]")
        page.keyboard.press("Escape")
        assert page.locator(".list-cell").count() == 0 and "1,500" in cell.inner_text()
        page.keyboard.press("e")
        field = page.locator(".list-cell input[name=value]")
        field.fill("x")
        field.press("Enter")
        page.wait_for_selector(".list-cell .field-error")
        page.keyboard.press("Escape")
        expect(cell).to_contain_text("1,500")
        page.keyboard.press("e")
        page.locator(".list-cell input[name=value]").fill("2750")
        page.locator(".list-cell input[name=value]").press("Enter")
        expect(cell).to_contain_text("2,750")
        expect(page.locator(".list-cell")).to_have_count(0)
        visit.wrong = [w for w in visit.wrong if "422" not in w]
        visit.calm()


def test_several_are_deleted_and_taken_back(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/opportunity?view=all_opportunities&where=" + quote("STARTS_WITH(name, 'Deal 20')"))
        boxes = page.locator('tbody input[name="id"]')
        boxes.nth(0).click()
        boxes.nth(3).click(modifiers=["Shift"])
        expect(page.locator(".list-acts-count")).to_have_text("4 selected")
        page.locator(".list-acts button[value=delete]").click()
        page.locator("button[name=sure]").click()
        page.wait_for_selector(".flash")
        page.wait_for_load_state("networkidle")
        expect(page.locator("#list-count")).to_have_text("6")
        visit.picture("list-undo")
        page.locator(".flash form button").click()
        page.wait_for_selector(".flash:has-text('4 as before')")
        page.wait_for_load_state("networkidle")
        expect(page.locator("#list-count")).to_have_text("10")
        visit.calm()


def test_several_are_changed_in_a_dialog_over_the_list(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/opportunity?view=all_opportunities&where=" + quote("STARTS_WITH(name, 'Deal 1')"))
        address = page.url
        page.locator('tbody input[name="id"]').first.click()
        page.locator(".list-acts button[value=edit]").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("select[name=field]").select_option("next_step")
        dialog.locator("[name=value]").fill("Call again")
        visit.accessible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        assert page.url == address
        page.locator(".list-acts button[value=edit]").click()
        dialog.locator("select[name=field]").select_option("next_step")
        dialog.locator("[name=value]").fill("Call again")
        dialog.locator("button[name=sure]").click()
        expect(page.locator(".flash")).to_be_visible()
        visit.settle()
        visit.calm()


def test_columns_are_made_wider_and_stay_so(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/opportunity?view=all_opportunities")
        grip = page.locator('th[data-path="account"] .list-grip')
        before = page.locator('th[data-path="account"]').bounding_box()
        grip.focus()
        with page.expect_response("**/widths?**"):
            page.keyboard.press("ArrowRight")
        visit.open("/o/opportunity?view=all_opportunities")
        after = page.locator('th[data-path="account"]').bounding_box()
        assert before is not None and after is not None and after["width"] >= before["width"] + 12
        visit.calm()


def test_a_link_in_a_cell_is_looked_up_and_saved_with_the_mouse(site: Site, pipeline: None) -> None:
    workspace = site.service.runtime.workspace(WORKSPACE)
    accounts = [Change(action="create", object="account", set={"name": f"Firm {n:02}"}) for n in range(30)]
    workspace.save(SYSTEM, accounts, cause=Cause(kind="import"))
    with site.visit() as visit:
        page = visit.page
        visit.open(
            "/o/opportunity?view=all_opportunities&columns=name,account&where=" + quote("name == 'Deal 101'")
        )
        cell = page.locator('tbody td[data-label="Account"]')
        cell.dblclick()
        page.wait_for_selector(".list-cell .ts-wrapper.focus")
        page.keyboard.type("Firm 27")
        page.wait_for_selector(".ts-dropdown .option:has-text('Firm 27')")
        expect(page.locator(".ts-dropdown .option")).to_have_count(1)
        page.keyboard.press("Enter")
        page.locator(".list-cell .button-primary").click()
        expect(cell).to_have_text("Firm 27")
        visit.calm()


def test_the_heads_of_groups_get_their_figures(site: Site, pipeline: None) -> None:
    with site.visit() as visit:
        visit.open("/o/opportunity?view=all_opportunities&group=stage&where=" + quote("stage == 'lost'"))
        expect(visit.page.locator(".list-band .count")).to_contain_text(str(LOST * 2))
        expect(visit.page.locator(".list-figures")).to_have_count(0)
        visit.calm()


def test_a_folded_group_is_stepped_over_and_comes_back(site: Site, pipeline: None) -> None:
    """300 deals: prospecting fills more than a part, lost stands behind it."""
    with site.visit() as visit:
        page = visit.page
        visit.open(
            "/o/opportunity?view=all_opportunities&group=stage&where=" + quote("STARTS_WITH(name, 'Deal')")
        )
        lines, bands = page.locator("tbody tr[data-id]:visible"), page.locator(".list-band")
        expect(lines).to_have_count(50)
        lines.first.locator("input").check()
        page.locator("[data-key=prospecting] .list-fold").press("Enter")
        expect(
            page.locator("[data-key=lost]")
        ).to_be_visible()  # what follows came without the other 250 of the group
        expect(lines).to_have_count(LOST * 2 - 1)
        expect(page.locator(".list-acts")).to_be_hidden()  # nothing is chosen that cannot be seen
        page.locator("[data-key=lost]").click()
        expect(lines).to_have_count(0)
        visit.accessible()
        visit.picture("list-folded")
        visit.settle()
        page.reload()
        visit.settle()
        expect(lines).to_have_count(0)
        expect(bands).to_have_count(2)
        page.locator("[data-key=prospecting] .list-fold").click()
        expect(lines).to_have_count(50)
        page.locator(".list-next").scroll_into_view_if_needed()
        expect(lines).to_have_count(100)
        page.locator("[data-key=lost]").click()
        # Scrolling to the band may bring more of the group above it; what stands behind the band is its own.
        expect(page.locator("[data-key=lost] ~ tr[data-id]:visible")).to_have_count(LOST * 2 - 1)
        visit.calm()


def test_options_are_found_by_pinyin_and_initials(site: Site) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.open("/o/lead")
        page = visit.page
        page.keyboard.press("f")
        panel = page.locator("#list-panel")
        panel.locator("select[name=field]").first.select_option("status")
        panel.locator(".filter-value .ts-control").click()
        for typed, text in (("genjinzhong", "跟进中"), ("gjz", "跟进中")):
            page.keyboard.type(typed)
            expect(panel.locator(".ts-dropdown .option")).to_have_text([text])
            for _ in typed:
                page.keyboard.press("Backspace")
        visit.calm()


def test_a_line_of_a_tree_is_carried_and_put_with_the_keyboard(site: Site) -> None:
    workspace = site.service.runtime.workspace(WORKSPACE)
    made: dict[str, str] = {}
    for name, above in (("Arbor", None), ("Branch", "Arbor"), ("Crown", None)):
        values = {"name": name, "code": name.lower(), "parent": made.get(above or "")}
        made[name] = str(
            workspace.save(SYSTEM, [Change(action="create", object="department", set=values)])[0].id
        )
    with site.visit() as visit:
        page = visit.page
        visit.open("/o/department?type=tree&columns=name")
        page.click(f"tr[data-id='{made['Arbor']}'] .tree-open")
        branch = page.locator(f"tr[data-id='{made['Branch']}']")
        branch.hover()
        at, onto = (
            branch.locator("[data-carry]").bounding_box(),
            page.locator(f"tr[data-id='{made['Crown']}']").bounding_box(),
        )
        assert at is not None and onto is not None
        page.mouse.move(at["x"] + 8, at["y"] + 8)
        page.mouse.down()
        page.mouse.move(onto["x"] + 80, onto["y"] + onto["height"] / 2, steps=4)
        page.mouse.up()
        expect(page.locator(f"tr[data-id='{made['Crown']}'] + tr[data-depth='1']")).to_have_attribute(
            "data-id", made["Branch"]
        )
        expect(page.locator(".flash")).to_contain_text("Crown")
        branch.locator(
            "[data-carry]"
        ).focus()  # without a mouse: the form, where what is written takes the place of what stood there
        page.keyboard.press("Enter")
        expect(page.locator("dialog .ts-control input")).to_be_focused()
        page.keyboard.type("Arb")
        expect(page.locator("dialog .ts-dropdown .option")).to_have_text(["Arbor"])
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(f"tr[data-id='{made['Arbor']}'] + tr[data-depth='1']")).to_have_attribute(
            "data-id", made["Branch"]
        )
        visit.accessible()
        visit.calm()
