"""Boards and calendars as people use them: dragging, asking for what is missing, taking back, in both languages, at a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect
from psycopg.types.json import Jsonb

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_testing.browser import Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

BOARD = "/o/opportunity?view=all_opportunities&type=kanban&group=stage&folded=-none-&columns=name,account,amount,close_date&where="


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    return str(site.service.runtime.workspace(WORKSPACE).save(SYSTEM, [change])[0].id)


def change(site: Site, object: str, id: str, **values: Any) -> None:
    site.service.runtime.workspace(WORKSPACE).save(
        SYSTEM, [Change(action="update", object=object, id=id, set=values)]
    )


def board_of(campaign: str) -> str:
    return f"{BOARD}campaign+%3D%3D+'{campaign}'"


def called(site: Site, deal: str) -> str:
    """The deal, after the call that its first stage asks for."""
    make(site, "activity", kind="call", subject="First call", about={"object": "opportunity", "id": deal})
    return deal


def deals(site: Site, campaign: str) -> list[str]:
    return [
        called(
            site,
            make(
                site,
                "opportunity",
                name=f"{campaign} {n}",
                amount=str(n * 1000),
                stage="prospecting",
                campaign=campaign,
            ),
        )
        for n in (1, 2, 3)
    ]


def drag(visit: Visit, source: str, target: str) -> None:
    """With the mouse, in steps, as a hand does it."""
    a, b = visit.page.locator(source).bounding_box(), visit.page.locator(target).bounding_box()
    assert a is not None and b is not None
    mouse = visit.page.mouse
    mouse.move(a["x"] + a["width"] / 2, a["y"] + 12)
    mouse.down()
    mouse.move(a["x"] + a["width"] / 2 + 12, a["y"] + 16, steps=3)
    mouse.move(b["x"] + b["width"] / 2, b["y"] + 40, steps=12)
    visit.page.wait_for_timeout(150)
    mouse.up()


def head(visit: Visit, column: str) -> str:
    return " ".join(visit.page.inner_text(f"#head-{column}").split())


def test_a_lost_deal_is_asked_why_and_comes_back(site: Site) -> None:
    ids = deals(site, "Dragged")
    with site.visit() as visit:
        visit.open(board_of("Dragged"))
        assert head(visit, "prospecting").startswith("Prospecting 3 CN¥6,000.00")
        visit.page.locator("#cards-lost").scroll_into_view_if_needed()
        visit.page.evaluate("document.getElementById('board').scrollLeft = 0")
        visit.page.set_viewport_size({"width": 2600, "height": 900})
        drag(visit, f"#card-{ids[1]}", "#cards-lost")
        visit.page.wait_for_selector("dialog[open]")
        visit.accessible()
        visit.picture("board-asks-en")
        visit.page.select_option("dialog select", label="Price")
        visit.page.click("dialog button.button-primary")
        visit.page.wait_for_selector(f"#cards-lost #card-{ids[1]}")
        visit.page.wait_for_selector(".flash")
        assert head(visit, "prospecting").startswith("Prospecting 2 CN¥4,000.00")
        assert head(visit, "lost").startswith("Lost 1 CN¥2,000.00")
        visit.page.click(".flash button")
        visit.page.wait_for_selector(f"#cards-prospecting #card-{ids[1]}")
        assert head(visit, "prospecting").startswith("Prospecting 3") and head(visit, "lost").startswith(
            "Lost 0"
        )
        # The refused first try is what the browser notes by itself.
        assert all("422" in text for text in visit.wrong), visit.wrong


def test_leaving_the_question_brings_the_card_back(site: Site) -> None:
    ids = deals(site, "Left")
    with site.visit(width=2600) as visit:
        visit.open(board_of("Left"))
        drag(visit, f"#card-{ids[0]}", "#cards-lost")
        visit.page.click("dialog[open] [data-cancel]")
        visit.page.wait_for_selector(f"#cards-prospecting #card-{ids[0]}")
        assert head(visit, "lost").startswith("Lost 0")


def test_a_card_is_moved_with_the_keyboard(site: Site) -> None:
    ids = deals(site, "Keys")
    with site.visit(language="zh-CN") as visit:
        visit.open(board_of("Keys"))
        visit.page.focus(f"#card-{ids[2]} summary")
        visit.page.keyboard.press("Enter")
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(f"#cards-qualification #card-{ids[2]}")
        expect(visit.page.locator(".flash").first).to_contain_text("需求确认")
        visit.page.wait_for_selector(
            "#undo-recent summary"
        )  # without leaving the board, and on the next page
        visit.open("/search")
        visit.page.click("#undo-recent summary")
        visit.page.locator(".undo-line button").first.click()
        visit.open(board_of("Keys"))
        visit.page.wait_for_selector(f"#cards-prospecting #card-{ids[2]}")
        visit.calm()


def test_a_card_that_somebody_changed_comes_back_and_says_why(site: Site) -> None:
    ids = deals(site, "Raced")
    with site.visit() as visit:
        visit.open(board_of("Raced"))
        change(site, "opportunity", ids[0], next_step="Call them")
        drag(visit, f"#card-{ids[0]}", "#cards-qualification")
        visit.page.wait_for_selector(f"#problem-{ids[0]}:visible")
        assert "changed this record meanwhile" in visit.page.inner_text(
            f"#cards-prospecting #problem-{ids[0]}"
        )


def test_further_cards_come_as_one_scrolls(site: Site) -> None:
    for n in range(45):
        make(site, "opportunity", name=f"Many {n:02}", stage="prospecting", campaign="Many")
    with site.visit() as visit:
        visit.open(board_of("Many"))
        cards = visit.page.locator("#cards-prospecting .board-card")
        expect(cards).to_have_count(20)
        for _ in range(30):
            visit.page.evaluate(
                "(l => l.scrollTop = l.scrollHeight)(document.getElementById('cards-prospecting'))"
            )
            visit.page.wait_for_timeout(100)
            if cards.count() == 45:
                break
        expect(cards).to_have_count(45)
        assert len({c for c in cards.evaluate_all("found => found.map(e => e.id)")}) == 45
        visit.calm()


def test_a_deal_is_lost_without_scripts(site: Site) -> None:
    ids = deals(site, "Plain")
    with site.visit(scripts=False) as visit:
        visit.open(board_of("Plain"))
        visit.page.click(f"#card-{ids[0]} summary")
        visit.page.click(f"#card-{ids[0]} button[value=lost]")
        visit.page.select_option("select[name='set.lost_reason']", value="price")
        visit.page.click("main button.button-primary")
        expect(visit.page.locator(f"#cards-lost #card-{ids[0]}")).to_have_count(1)
        visit.page.click(".flash button")
        expect(visit.page.locator(f"#cards-prospecting #card-{ids[0]}")).to_have_count(1)


def test_a_small_form_asks_for_a_record_and_an_amount(site: Site) -> None:
    make(site, "account", name="Lighthouse Trading")
    id = called(site, make(site, "opportunity", name="Bare deal", stage="prospecting", campaign="Bare"))
    with site.visit(language="zh-CN") as visit:
        visit.open(board_of("Bare"))
        visit.page.click(f"#card-{id} summary")
        visit.page.click(f"#card-{id} button[value=contracting]")
        visit.page.wait_for_selector("dialog[open] .ts-control")
        visit.page.fill("dialog [name='set.amount']", "1200")
        visit.page.fill("dialog [name='set.close_date']", "2027-01-05")  # the stage's path asks for it
        visit.page.click("dialog .ts-control")
        visit.page.keyboard.type("Lighthouse")
        visit.page.click("dialog .ts-dropdown .option:has-text('Lighthouse Trading')")
        visit.picture("board-asks-zh-CN")
        visit.page.click("dialog button.button-primary")
        visit.page.wait_for_selector(f"#cards-contracting #card-{id}")
        expect(visit.page.locator(f"#card-{id}")).to_contain_text("Lighthouse Trading")
        assert "1.2" not in head(visit, "prospecting") and "合同签订 1" in head(visit, "contracting")


def test_without_a_connection_the_card_comes_back_and_says_so(site: Site) -> None:
    ids = deals(site, "Offline")
    with site.visit() as visit:
        visit.open(board_of("Offline"))
        visit.page.context.set_offline(True)
        drag(visit, f"#card-{ids[0]}", "#cards-qualification")
        visit.page.wait_for_selector(f"#cards-prospecting #problem-{ids[0]}:visible")
        expect(visit.page.locator(f"#problem-{ids[0]}")).to_contain_text("connection")


@contextmanager
def zone_of(site: Site, zone: str) -> Iterator[None]:
    """The administrator has chosen a time zone."""

    def keep(preferences: dict[str, Any]) -> None:
        with site.service.databases.system() as conn:
            conn.execute(
                "UPDATE patron.account SET preferences = %s WHERE email = %s", (Jsonb(preferences), ADMIN)
            )

    keep({"zone": zone})
    try:
        yield
    finally:
        keep({})


def test_a_visit_stands_on_the_readers_day_and_a_task_on_its_own(site: Site) -> None:
    id = make(
        site,
        "visit",
        subject="Late visit",
        account=make(site, "account", name="Harbour"),
        planned_at="2026-11-26T18:30:00Z",
        planned_until="2026-11-26T20:00:00Z",
    )
    task = make(site, "task", title="Due then", due="2026-11-26")
    for zone, day, clock in (
        ("Asia/Shanghai", "2026-11-27", "02:30"),
        ("America/New_York", "2026-11-26", "13:30"),
    ):
        with zone_of(site, zone), site.visit() as visit:
            visit.open("/o/visit?view=visit_calendar&at=2026-11-26")
            assert clock in visit.page.inner_text(f"[data-day='{day}'] .bar[data-id='{id}']")
            expect(visit.page.locator(f".bar[data-id='{id}']")).to_have_count(1)
            visit.open("/o/task?view=task_calendar&at=2026-11-26")
            expect(visit.page.locator(f".day[data-day='2026-11-26'] .bar[data-id='{task}']")).to_have_count(1)


def test_a_task_is_dragged_to_another_day_and_back(site: Site) -> None:
    id = make(site, "task", title="Dragged task", due="2026-09-08")
    with site.visit() as visit:
        visit.open("/o/task?view=task_calendar&at=2026-09-01")
        visit.page.drag_and_drop(f".bar[data-id='{id}']", ".day[data-day='2026-09-10']")
        visit.page.wait_for_selector(f".day[data-day='2026-09-10'] .bar[data-id='{id}']")
        visit.page.click(".flash button")
        visit.page.wait_for_selector(f".day[data-day='2026-09-08'] .bar[data-id='{id}']")
        visit.calm()


def test_a_day_that_a_rule_forbids_is_told(site: Site) -> None:
    id = make(site, "task", title="Begun task", starts_on="2026-08-10", due="2026-08-12")
    with site.visit() as visit:
        visit.open("/o/task?view=task_calendar&at=2026-08-01")
        visit.page.drag_and_drop(f".bar[data-id='{id}']", ".day[data-day='2026-08-05']")
        visit.page.wait_for_selector(".calendar > .alert-error")
        expect(visit.page.locator(".calendar > .alert-error")).to_contain_text("due before it starts")
        expect(visit.page.locator(f".day[data-day='2026-08-12'] .bar[data-id='{id}']")).to_have_count(1)


def test_an_end_of_a_bar_is_dragged(site: Site) -> None:
    id = make(site, "task", title="Long task", starts_on="2026-07-06", due="2026-07-12")
    with site.visit() as visit:
        visit.open("/o/task?view=task_timeline&at=2026-07-06&scale=days")
        box = visit.page.locator(f".gantt-bar[data-id='{id}']").bounding_box()
        assert box is not None
        visit.page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 10)
        visit.page.mouse.down()
        visit.page.mouse.move(box["x"] + box["width"] - 3 + 2 * box["width"] / 7, box["y"] + 10, steps=6)
        visit.page.mouse.up()
        visit.page.wait_for_selector(".flash")
        workspace = site.service.runtime.workspace(WORKSPACE)
        from patron_engine.ways.read import read_one

        found = workspace.reading(SYSTEM, lambda conn, call: read_one(conn, call, "task", id).record())
        assert (found["starts_on"], found["due"]) == ("2026-07-06", "2026-07-14")


def test_the_nearest_place_comes_first_when_one_asks(site: Site) -> None:
    make(site, "yd_place", name="Near quay", spot={"lat": "31.2310", "lng": "121.4740"})
    make(site, "yd_place", name="Far quay", spot={"lat": "39.9000", "lng": "116.4000"})
    with site.visit() as visit:
        visit.page.context.grant_permissions(["geolocation"])
        visit.page.context.set_geolocation({"latitude": 31.23, "longitude": 121.474})
        visit.open("/o/yd_place?type=map&sort=name")
        assert visit.page.locator(".place .title-link").all_inner_texts() == ["Far quay", "Near quay"]
        visit.page.click("[data-near] button")
        visit.page.wait_for_selector(".place-distance:has-text('km')")
        assert visit.page.locator(".place .title-link").all_inner_texts() == ["Near quay", "Far quay"]
        assert visit.page.locator(".place-distance").all_inner_texts() == ["111 m", "1,067 km"]
        visit.calm()


PAGES = {
    "kanban": "/o/opportunity?view=opportunity_board",
    "month": "/o/task?view=task_calendar&at=2026-11-26",
    "week": "/o/visit?view=visit_calendar&at=2026-11-26&scale=week",
    "agenda": "/o/task?view=task_calendar&at=2026-11-01&scale=agenda",
    "gantt": "/o/task?view=task_timeline&at=2026-07-06",
    "map": "/o/visit?view=visit_map",
}


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_drawing_is_calm(site: Site, page: str, width: int) -> None:
    for language, scheme in (("zh-CN", "dark"), ("en", "light")):
        with site.visit(language=language, width=width, scheme=scheme) as visit:
            visit.open(PAGES[page])
            visit.calm()
            visit.accessible()
            visit.picture(f"{page}-{language}-{scheme}-{width}")
