"""The walk of somebody who is new here: sign in, find a customer by pinyin, log a call, write an offer, move it, narrow, share.

In Chinese, with the mouse and with the keyboard alone, as one visit: what one step leaves behind the next one finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import system_clock
from patron_engine.record.change import Change
from patron_testing.browser import Site, Visit
from patron_testing.web import WORKSPACE

CUSTOMER = "杭州云帆科技有限公司"
PRODUCTS = {"Walk Alpha Basic": "1000", "Walk Beta": "200", "Walk Gamma": "30"}


@pytest.fixture(scope="module")
def small(site: Site) -> Iterator[None]:
    """A customer, three products, and two deals of which one was lost last quarter over 1,000."""
    today = system_clock().date()
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    lost = {"stage": "lost", "lost_reason": "price", "close_date": str(quarter - timedelta(days=9))}
    changes = [
        _new("account", name=CUSTOMER),
        *(_new("product", name=name, list_price=price) for name, price in PRODUCTS.items()),
        _new("opportunity", name="步行输单大", amount="5000", **lost),
        _new("opportunity", name="步行输单小", amount="500", **lost),
    ]
    made = site.service.runtime.workspace(WORKSPACE).save(
        SYSTEM, changes, mode="each", cause=Cause(kind="import")
    )
    assert [o.problems for o in made if o.action == "refused"] == []
    yield


def _new(object: str, **values: Any) -> Change:
    return Change(action="create", object=object, set=values)


def test_the_walk(site: Site, small: None) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.page.context.clear_cookies()
        visit.sign_in()
        expect(visit.page.locator(".page-head h1")).to_be_visible()
        for typed in ("yunfan", "hzyf"):
            _found_everywhere(visit, typed)
        _call_logged(visit)
        for by_keyboard in (False, True):
            _deal_written(visit, by_keyboard)
        _moved(visit)
        address = _narrowed(visit)
        visit.calm()
    with site.visit(language="en") as other:  # the address is the view, for somebody else too
        other.page.goto(address)
        expect(other.page.locator("tbody .list-title", has_text="步行")).to_have_count(1)
        expect(other.page.locator("tbody .list-title", has_text="步行输单大")).to_have_count(1)
        expect(other.page.locator(".list-chip")).to_have_count(3)
        other.calm()


def _found_everywhere(visit: Visit, typed: str) -> None:
    page = visit.page
    visit.open("/o/account")
    page.get_by_placeholder("在列表中搜索").press_sequentially(typed)  # narrows without Enter
    expect(page.locator("tbody .list-title")).to_have_count(1)
    expect(page.locator("tbody .list-title")).to_contain_text(CUSTOMER)
    expect(page.get_by_placeholder("在列表中搜索")).to_be_focused()
    page.wait_for_url(f"**q={typed}")
    page.keyboard.press("Control+k")
    page.keyboard.type(typed)
    expect(page.locator("#palette-list [aria-selected=true]")).to_contain_text(CUSTOMER)
    page.keyboard.press("Enter")
    page.wait_for_url("**/o/account/*")


def _call_logged(visit: Visit) -> None:
    """Three acts: what was said, when again, saved."""
    page = visit.page
    page.get_by_placeholder("沟通了什么").fill("客户关心交付周期")
    page.get_by_role("button", name="3 天后").click()
    page.get_by_placeholder("沟通了什么").press("Control+Enter")
    expect(page.locator("#timeline-entries")).to_contain_text("客户关心交付周期")
    again = (system_clock().date() + timedelta(days=3)).isoformat()
    visit.open("/o/task")
    expect(page.locator("tbody tr", has_text="客户关心交付周期")).to_contain_text(again[:8])


def _deal_written(visit: Visit, by_keyboard: bool) -> None:
    page = visit.page
    visit.open("/o/opportunity/new?type=standard")
    page.keyboard.type("键盘商机" if by_keyboard else "鼠标商机")
    if by_keyboard:
        page.keyboard.press("Tab")
    else:
        page.locator("[data-field=account] .ts-control").click()
    _chosen(page, "hzyf", CUSTOMER, by_keyboard)
    for n, name in enumerate(PRODUCTS):
        if n and by_keyboard:
            page.keyboard.press("Control+Enter")
        elif n:
            _lines(page).get_by_role("button", name="添加一行").click()
        row = _lines(page).locator("tbody tr").nth(n)
        expect(row).to_be_visible()
        product = row.locator(".ts-control input").first
        if n == 0 and by_keyboard:
            _tabbed_to(page, product)
        elif n == 0:
            row.locator(".ts-control").first.click()
        expect(product).to_be_focused()  # a new row is where one writes on
        _chosen(page, name.lower()[:7], name, by_keyboard)
        if by_keyboard:
            page.keyboard.press("Tab")
            page.keyboard.type("2")
        else:
            row.locator("[name$='.quantity']:not([type=hidden])").fill("2")
    expect(_lines(page).locator("tfoot [data-column=subtotal]")).to_contain_text("2,460.00")
    if by_keyboard:
        page.keyboard.press("Control+s")
    else:
        page.locator(".form-actions button").first.click()
    page.wait_for_url(lambda url: "/new" not in url)
    expect(page.locator("main")).to_contain_text("2,460.00")


def _lines(page: Page) -> Locator:
    return page.locator(".sheet[data-set=lines]")


def _chosen(page: Page, typed: str, text: str, by_keyboard: bool) -> None:
    page.keyboard.type(typed)
    option = page.locator("[role=option]:visible", has_text=text)
    expect(option).to_be_visible()
    if by_keyboard:
        expect(option).to_have_class("option active")
        page.keyboard.press("Enter")
    else:
        option.click()
    expect(option).to_be_hidden()


def _tabbed_to(page: Page, field: Locator) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            return
    raise AssertionError("the tab key does not lead there")


def _moved(visit: Visit) -> None:
    """By drag out of a stage that waits for a call, which is logged on the spot; then without a mouse to one that asks."""
    page = visit.page
    visit.open("/o/opportunity?view=all_opportunities&type=kanban&q=键盘商机")
    card = page.locator(".board-card", has_text="键盘商机")
    here, there = (part.bounding_box() for part in (card, page.locator("#head-qualification")))
    assert here and there
    page.mouse.move(here["x"] + 60, here["y"] + 12)
    page.mouse.down()
    page.mouse.move(here["x"] + 80, here["y"] + 40, steps=5)
    page.mouse.move(there["x"] + 90, there["y"] + 160, steps=12)
    page.mouse.up()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("首次电话沟通")
    dialog.get_by_placeholder("沟通了什么").fill("首次电话")
    dialog.get_by_role("button", name="明天").click()
    dialog.get_by_role("button", name="保存").click()
    expect(page.locator("[data-column=qualification] .board-card")).to_have_count(1)
    visit.settle()
    page.locator(".board-title", has_text="键盘商机").focus()
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)
    expect(dialog).to_contain_text("方案报价")
    page.keyboard.type("2460")
    dialog.locator("input[type=date]").fill("2030-01-31")
    page.keyboard.press("Enter")
    expect(page.locator("[data-column=proposal] .board-card")).to_have_count(1)
    visit.wrong = [said for said in visit.wrong if "422" not in said]  # the question of the stage


def _narrowed(visit: Visit) -> str:
    """Last quarter's lost ones over 1,000; their address."""
    page = visit.page
    visit.open("/o/opportunity")
    page.get_by_role("link", name="筛选").click()
    panel = page.locator("#list-panel")
    for n, (field, op) in enumerate([("预计成交日期", "上季度"), ("销售阶段", "属于"), ("商机金额", "大于")]):
        if n:
            panel.get_by_role("button", name="添加条件", exact=True).click()
        rows = panel.locator(".filter-row")
        expect(rows).to_have_count(n + 1)
        rows.nth(n).locator("[name=field]").select_option(label=field)
        visit.settle()  # the row is drawn anew for its field, and again for its operator
        ops = rows.nth(n).locator("[name=op]")
        ops.select_option(label=next(o for o in ops.locator("option").all_inner_texts() if o.startswith(op)))
        visit.settle()
    rows.nth(1).locator(".filter-value .ts-control").click()
    _chosen(page, "输", "输单", False)
    rows.nth(2).locator("[name=value]").fill("1000")
    page.keyboard.press("Enter")
    expect(page.locator("tbody .list-title", has_text="步行")).to_have_count(1)
    expect(page.locator(".list-chip")).to_have_count(3)
    return page.url
