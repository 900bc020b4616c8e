"""Boards, calendars and plans without a mouse: with the keyboard alone, with a finger, and what a stage path says on the board."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_engine.ways.read import read_one
from patron_testing.browser import Site, Visit
from patron_testing.web import WORKSPACE

BOARD = "/o/opportunity?view=all_opportunities&type=kanban&group=stage&folded=-none-&columns=name,amount&where=campaign+%3D%3D+"
HELD = 500  # milliseconds a finger rests


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    return str(site.service.runtime.workspace(WORKSPACE).save(SYSTEM, [change])[0].id)


def found(site: Site, object: str, id: str) -> dict[str, Any]:
    workspace = site.service.runtime.workspace(WORKSPACE)
    return workspace.reading(SYSTEM, lambda conn, call: dict(read_one(conn, call, object, id).record()))


def deal(site: Site, campaign: str, **values: Any) -> str:
    """A deal, after the call that its first stage asks for."""
    made = make(
        site, "opportunity", name=f"{campaign} deal", campaign=campaign, **{"stage": "prospecting", **values}
    )
    make(site, "activity", kind="call", subject="First call", about={"object": "opportunity", "id": made})
    return made


def said(visit: Visit) -> str:
    return visit.page.inner_text("[data-said]")


def finger(visit: Visit, source: str, target: str, inside: float = 0.5) -> None:
    """A finger that rests on one element, then goes to another and lets go."""
    a, b = visit.page.locator(source).bounding_box(), visit.page.locator(target).bounding_box()
    assert a is not None and b is not None
    x, y = a["x"] + a["width"] * inside, a["y"] + min(a["height"] / 2, 12)
    to_x, to_y = b["x"] + b["width"] / 2, b["y"] + min(b["height"] / 2, 60)
    touch(visit, [(x, y), *((x + (to_x - x) * n / 8, y + (to_y - y) * n / 8) for n in range(1, 9))])


def touch(visit: Visit, points: list[tuple[float, float]]) -> None:
    devtools = visit.page.context.new_cdp_session(visit.page)

    def send(kind: str, *at: tuple[float, float]) -> None:
        devtools.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]}
        )

    send("touchStart", points[0])
    visit.page.wait_for_timeout(HELD)
    for point in points[1:]:
        send("touchMove", point)
        visit.page.wait_for_timeout(30)
    send("touchEnd")


def test_a_card_is_carried_with_the_keyboard_alone(site: Site) -> None:
    id = deal(site, "Carried")
    with site.visit() as visit:
        visit.open(f"{BOARD}'Carried'")
        visit.page.focus(f"#card-{id} .board-title")
        visit.page.keyboard.press("Space")
        assert "Carried deal is picked up" in said(visit)
        visit.page.keyboard.press("ArrowRight")
        assert said(visit) == "Qualification" and visit.page.locator(".board-aim #head-qualification").count()
        visit.accessible()
        visit.page.keyboard.press("Escape")
        assert "stays where it was" in said(visit) and not visit.page.locator(".board-aim").count()
        for key in ("Space", "ArrowRight", "Space"):
            visit.page.keyboard.press(key)
        visit.page.wait_for_selector(f"#cards-qualification #card-{id}")
        expect(visit.page.locator(".flash").first).to_contain_text("is now Qualification")
        assert visit.page.evaluate("document.activeElement.textContent") == "Carried deal"
        assert found(site, "opportunity", id)["probability"] == "30"
        visit.page.keyboard.press("Enter")  # nothing is carried: the link leads to the record
        visit.page.wait_for_url(f"**/o/opportunity/{id}")
        visit.calm()


def test_the_path_refuses_on_the_board_and_says_why(site: Site) -> None:
    quay = make(site, "account", name="Quay")
    id = deal(site, "Refused", account=quay, amount="5", close_date="2027-01-05")
    with site.visit() as visit:
        visit.open(f"{BOARD}'Refused'")
        visit.page.focus(f"#card-{id} .board-title")
        for key in ("Space", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
            visit.page.keyboard.press(key)
        expect(visit.page.locator("dialog[open] .stage-unmet")).to_have_text("Make a quote first")
        offered = visit.page.locator("dialog[open] a.button").first
        assert offered.inner_text() == "Make a quote" and (offered.get_attribute("href") or "").endswith(
            "/convert/opportunity_to_quote"
        )
        visit.picture("board-refused")
        visit.page.click("dialog[open] [data-cancel]")
        visit.page.wait_for_selector(f"#cards-prospecting #card-{id}")
    with site.visit(language="zh-CN") as visit:
        visit.open(f"{BOARD}'Refused'")
        visit.page.focus(f"#card-{id} summary")
        visit.page.keyboard.press("Enter")
        visit.page.click(f"#card-{id} .menu-list button[value=negotiation]")
        expect(visit.page.locator("dialog[open] .stage-unmet")).to_have_text("请先创建报价单")


def test_what_a_stage_needs_is_asked_on_the_board(site: Site) -> None:
    id = deal(
        site, "Asked", need="Pumps", account=make(site, "account", name="Mole"), close_date="2027-01-05"
    )
    with site.visit() as visit:
        visit.open(f"{BOARD}'Asked'")
        visit.page.focus(f"#card-{id} .board-title")
        for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
            visit.page.keyboard.press(key)
        visit.page.wait_for_selector("dialog[open]")
        visit.page.fill("dialog [name='set.amount']", "1200")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(f"#cards-proposal #card-{id}")
        visit.page.click(".flash button")
        visit.page.wait_for_selector(f"#cards-prospecting #card-{id}")
        kept = found(site, "opportunity", id)
        assert (kept["amount"], kept["probability"]) == (None, "10"), "what came with the move goes with it"


def test_a_card_is_carried_with_a_finger(site: Site) -> None:
    id = deal(site, "Finger")
    with site.visit(has_touch=True, width=1000) as visit:
        visit.open(f"{BOARD}'Finger'")
        finger(visit, f"#card-{id}", "#cards-qualification")
        visit.page.wait_for_selector(f"#cards-qualification #card-{id}")
        visit.page.wait_for_selector(".flash")
        visit.calm()


def test_days_are_changed_with_the_keyboard(site: Site) -> None:
    id = make(site, "task", title="Keyed task", due="2026-09-07")
    with site.visit() as visit:
        visit.open("/o/task?view=task_calendar&at=2026-09-01")
        visit.page.focus(f"[data-day='2026-09-07'] [data-id='{id}'] a")
        for key in ("Space", "ArrowRight", "ArrowDown"):
            visit.page.keyboard.press(key)
        assert said(visit) == "Tuesday, September 15, 2026"
        assert visit.page.locator(".day-target").get_attribute("data-day") == "2026-09-15"
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(f".day[data-day='2026-09-15'] .bar[data-id='{id}']")
        expect(visit.page.locator("[data-id] a:focus")).to_have_count(1)
        for key in ("Space", "ArrowLeft", "Tab"):
            visit.page.keyboard.press(key)
        assert "stays where it was" in said(visit) and not visit.page.locator(".day-target").count()
        assert found(site, "task", id)["due"] == "2026-09-15"
        visit.calm()


def test_the_end_of_a_stay_is_changed_with_the_keyboard(site: Site) -> None:
    id = make(
        site, "visit", subject="Long stay", account=make(site, "account", name="Inn"),
        planned_at="2026-09-07T01:00:00Z", planned_until="2026-09-08T08:00:00Z",
    )  # fmt: skip
    with site.visit() as visit:
        visit.open("/o/visit?view=visit_calendar&at=2026-09-01")
        expect(visit.page.locator(f".bar[data-id='{id}']")).to_have_count(2)
        visit.page.locator(f".bar[data-id='{id}'] a").first.focus()
        for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight"):
            visit.page.keyboard.press(key)
        assert said(visit) == "until Thursday, September 10, 2026"
        visit.page.keyboard.press("Space")
        visit.page.wait_for_selector(f".day[data-day='2026-09-10'] .bar[data-id='{id}']")
        kept = found(site, "visit", id)
        assert (kept["planned_at"][:10], kept["planned_until"][:10]) == ("2026-09-07", "2026-09-10")


def test_a_full_day_opens_and_a_line_tells_now(site: Site) -> None:
    for n in range(7):
        make(site, "task", title=f"Crowd {n}", due="2026-10-14")
    with site.visit() as visit:
        visit.open("/o/task?view=task_calendar&at=2026-10-01")
        day = visit.page.locator(".day[data-day='2026-10-14']")
        day.locator("summary").click()
        expect(day.locator(".day-all .day-line")).to_have_count(7)
        visit.accessible()
        visit.picture("calendar-full-day")
        visit.open("/o/visit?view=visit_calendar&scale=week")
        expect(visit.page.locator(".day-today .week-now")).to_have_count(1)
        visit.picture("calendar-now")
        visit.calm()


def test_days_are_changed_with_a_finger(site: Site) -> None:
    id = make(site, "task", title="Touched task", due="2026-09-22")
    with site.visit(has_touch=True, width=1000) as visit:
        visit.open("/o/task?view=task_calendar&at=2026-09-01")
        finger(visit, f".bar[data-id='{id}']", ".day[data-day='2026-09-24']")
        visit.page.wait_for_selector(f".day[data-day='2026-09-24'] .bar[data-id='{id}']")
        assert found(site, "task", id)["due"] == "2026-09-24"
        # A finger that only rests does nothing, one that goes at once scrolls.
        finger(visit, f".bar[data-id='{id}']", f".bar[data-id='{id}']")
        visit.calm()
        assert found(site, "task", id)["due"] == "2026-09-24"


def test_a_plan_is_changed_with_keyboard_and_finger(site: Site) -> None:
    id = make(site, "task", title="Planned task", starts_on="2026-06-08", due="2026-06-12")
    row = f".gantt-row:has([data-id='{id}'])"
    with site.visit(has_touch=True, width=1200) as visit:
        visit.open("/o/task?view=task_timeline&at=2026-06-08&scale=days")
        visit.page.focus(f"{row} .gantt-title")
        for key in ("Space", "ArrowRight", "ArrowRight"):
            visit.page.keyboard.press(key)
        assert said(visit) == "Wednesday, June 10, 2026"
        visit.page.keyboard.press("Space")
        visit.page.wait_for_selector(
            f".gantt-bar[data-id='{id}'][data-day='2026-06-10'][data-last='2026-06-14']"
        )
        for key in ("Space", "Shift+ArrowLeft", "Enter"):
            visit.page.keyboard.press(key)
        visit.page.wait_for_selector(
            f".gantt-bar[data-id='{id}'][data-day='2026-06-10'][data-last='2026-06-13']"
        )
        box = visit.page.locator(f".gantt-bar[data-id='{id}']").bounding_box()
        assert box is not None
        day, x, y = box["width"] / 4, box["x"] + box["width"] / 2, box["y"] + 10
        touch(visit, [(x, y), (x + day / 2, y), (x + day * 2, y)])
        visit.page.wait_for_selector(
            f".gantt-bar[data-id='{id}'][data-day='2026-06-12'][data-last='2026-06-15']"
        )
        visit.accessible()
        visit.calm()
