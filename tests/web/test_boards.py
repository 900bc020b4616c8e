"""Boards, calendars, plans and places over HTTP, as somebody without scripts meets them, and as somebody who means ill."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from patron_engine.query.fetch import run
from patron_testing.web import REP, Api, Opened, Person

BOARD = "/o/yd_job?type=kanban&group=class&sort=name&columns=name,budget,begun_on"


@pytest.fixture(scope="module")
def person(opened: Opened) -> Person:
    return opened.person()


@pytest.fixture(scope="module")
def jobs(opened: Opened) -> list[dict[str, Any]]:
    """25 repairs of 100 each and one ship to build."""
    made = [opened.admin.make("yd_job", name=f"Repair {n:02}", budget="100") for n in range(25)]
    return [*made, opened.admin.make("yd_job", name="Ship", budget="1500.5", **{"class": "build"})]


def heads(page: Any) -> dict[str, str]:
    return {
        h["id"].removeprefix("head-"): " ".join(h.get_text(" ").split()) for h in page.select(".board-head")
    }


def move(person: Person, record: dict[str, Any], object: str = "yd_job", **values: Any) -> Any:
    form = {"version": record["version"], "back": f"/w/acme{BOARD}", **values}
    return person.post(f"/moves/{object}/{record['id']}", form)


def test_columns_tell_of_all_their_records_and_show_the_first(person: Person, jobs: Any) -> None:
    page = person.page(BOARD)
    found = heads(page)
    assert "Repair 25" in found["repair"] and "2,500.00" in found["repair"]
    assert "Build 1" in found["build"] and "1,500.50" in found["build"]
    assert len(page.select("#cards-repair .board-card")) == 20
    more = page.select_one("#cards-repair .board-more a")["href"]
    rest = person.page(more.removeprefix("/w/acme"))
    titles = [
        c.get_text(strip=True) for p in (page, rest) for c in p.select("[data-column=repair] .board-title")
    ]
    assert titles == [f"Repair {n:02}" for n in range(25)]
    assert rest.select_one(".board-more") is None


def test_without_an_amount_among_the_columns_that_of_the_object_is_summed(person: Person, jobs: Any) -> None:
    page = person.page("/o/yd_job?type=kanban&group=class&columns=name")
    assert "1,500.50" in heads(page)["build"]
    assert "Budget" in page.select_one("#head-build .board-figure")["title"]


def test_a_card_is_moved_by_its_menu_and_brought_back(person: Person, jobs: Any, admin: Api) -> None:
    page = person.page(BOARD)
    form = page.select_one("#cards-build .board-menu form")
    fields = {i["name"]: i["value"] for i in form.select("input") if i["name"] != "_csrf"}
    button = form.select_one("button")
    said = person.post(form["action"].removeprefix("/w/acme"), {**fields, button["name"]: button["value"]})
    assert said.status_code == 303
    after = person.page(said.headers["location"].removeprefix("/w/acme"))
    assert "Repair 26" in heads(after)["repair"] and admin.read("yd_job", jobs[-1]["id"])["class"] == "repair"
    undo = after.select_one(".flash form")
    assert "Ship" in after.select_one(".flash").get_text()
    back = {i["name"]: i["value"] for i in undo.select("input") if i["name"] != "_csrf"}
    assert person.post("/moves/undo", back).status_code == 303
    assert admin.read("yd_job", jobs[-1]["id"])["class"] == "build"
    assert person.post("/moves/undo", back).status_code == 409  # it was taken back already


def test_what_was_changed_since_is_not_taken_back(person: Person, admin: Api) -> None:
    job = admin.make("yd_job", name="Changed since")
    said = move(person, job, **{"set.class": "build"})
    token = re.search(r"done=([^&]+)", said.headers["location"])
    assert token is not None
    admin.patch(f"/records/yd_job/{job['id']}", {"crew": 3})
    assert person.post("/moves/undo", {"token": token[1]}).status_code == 409
    assert admin.read("yd_job", job["id"])["class"] == "build"


def test_a_move_is_taken_back_by_who_made_it_alone(opened: Opened, admin: Api) -> None:
    job = admin.make("yd_job", name="Token")
    said = move(opened.person(), job, **{"set.class": "build"})
    token = said.headers["location"].partition("done=")[2]
    assert opened.person(REP).post("/moves/undo", {"token": token}).status_code in (404, 409)
    for given in (token[:-2] + "zz", "", "x" * 5_000, "é"):
        assert opened.person().post("/moves/undo", {"token": given}).status_code == 409
    assert admin.read("yd_job", job["id"])["class"] == "build"


def test_the_second_mover_is_told(person: Person, admin: Api) -> None:
    job = admin.make("yd_job", name="Twice")
    admin.patch(f"/records/yd_job/{job['id']}", {"crew": 2})
    said = move(person, job, **{"set.class": "build"})
    assert said.status_code == 409 and "changed this record meanwhile" in said.text
    assert admin.read("yd_job", job["id"])["class"] == "repair"


def test_a_warning_asks_and_goes_through_when_it_is_confirmed(person: Person, admin: Api) -> None:
    task = admin.make("task", title="Whole")
    admin.make("task", title="Part", parent=task["id"])
    task = admin.read("task", task["id"])
    said = move(person, task, "task", **{"set.status": "done"})
    assert said.status_code == 422 and "Some subtasks are still open" in said.text
    confirmed = {"set.status": "done", "confirm": "subtasks_open"}
    assert move(person, task, "task", **confirmed).status_code == 303
    assert admin.read("task", task["id"])["status"] == "done"


def test_a_value_that_is_none_is_refused_in_words(person: Person, admin: Api) -> None:
    job = admin.make("yd_job", name="Nowhere")
    said = move(person, job, **{"set.class": "sunk"})
    assert said.status_code == 422 and "Class: Choose one of the options" in said.text
    assert move(person, job, **{"set.total": "1"}).status_code == 422
    assert move(person, job, **{"set.nothing": "1"}).status_code == 422


@pytest.mark.parametrize(
    "form",
    [{"set.class": "build"}, {"version": "x", "set.class": "build"}, {"version": "9" * 30, "set.class": "build"},
     {"version": "1", "fields": "begun_on", "shift": "one"}, {"version": "1", "fields": "begun_on", "shift": "99999999"}],
)  # fmt: skip
def test_forms_that_are_none(person: Person, admin: Api, jobs: Any, form: dict[str, str]) -> None:
    said = person.post(f"/moves/yd_job/{jobs[0]['id']}", form)
    assert said.status_code == 422
    after = admin.read("yd_job", jobs[0]["id"])
    assert (after["class"], after["begun_on"]) == ("repair", jobs[0]["begun_on"])


def test_nobody_moves_for_another_site_or_leads_away(person: Person, admin: Api) -> None:
    job = admin.make("yd_job", name="Led away")
    path, kind = f"/moves/yd_job/{job['id']}", {"Content-Type": "application/x-www-form-urlencoded"}
    assert person.call("POST", path, content="version=1&set.class=build", headers=kind).status_code == 403
    said = move(person, job, **{"set.class": "build", "back": "https://evil.example/w/acme/o/yd_job"})
    assert said.headers["location"].startswith("/w/acme/o/yd_job?done=")


@pytest.mark.parametrize(
    "path",
    ["/boards/yd_job/cards?column=repair", "/boards/yd_job/choices/berth", "/moves/undo", "/moves/yd_job/1"],
)
def test_strangers_and_people_without_rights(opened: Opened, path: str) -> None:
    method = "POST" if path.startswith("/moves") else "GET"
    said = opened.client.request(method, f"/w/acme{path}", follow_redirects=False)
    assert said.status_code == 303 and said.headers["location"].startswith("/login")
    rep = opened.person(REP)
    if method == "GET":
        assert rep.get(path).status_code == 404
    elif path != "/moves/undo":
        assert rep.post(path, {"version": "1", "set.class": "build"}).status_code == 404


def test_choices_of_a_small_form_are_found_by_words(person: Person, admin: Api) -> None:
    admin.make("yd_place", name="Dock")
    admin.make("yd_place", name="Slip")
    said = person.get("/boards/yd_job/choices/berth?q=sli")
    assert [o["text"] for o in said.json()["options"]] == ["Slip"]
    for field in ("name", "pass", "nothing", "about"):
        assert person.get(f"/boards/yd_job/choices/{field}").status_code == 404


def test_what_people_write_stays_text(person: Person, admin: Api) -> None:
    evil = "<script>alert(1)</script>"
    stay = {"from": "2026-11-26", "to": "2026-11-27"}  # a plan begins with a range, a calendar with a day
    admin.make("yd_job", name=evil, **{"class": "build"}, begun_on="2026-11-26", stay=stay)
    for drawing in ("kanban", "calendar", "gantt"):
        said = person.get(f"/o/yd_job?type={drawing}&group=class&at=2026-11-26")
        assert evil not in said.text and "&lt;script&gt;" in said.text
        assert not re.search(r"\sstyle=|\son\w+=", said.text)


def test_a_bar_moves_by_days_and_keeps_its_hours(person: Person, admin: Api) -> None:
    job = admin.make(
        "yd_job",
        name="Moved",
        due_at="2026-11-26T10:30:00+08:00",
        stay={"from": "2026-11-01", "to": "2026-11-03"},
    )
    assert move(person, job, fields="due_at,stay", shift="-3").status_code == 303
    after = admin.read("yd_job", job["id"])
    assert after["due_at"] == "2026-11-23T02:30:00Z" and after["stay"] == {
        "from": "2026-10-29",
        "to": "2026-10-31",
    }


def test_a_calendar_shows_days_holidays_and_more(person: Person, admin: Api) -> None:
    for n in range(6):
        admin.make("task", title=f"Call {n}", due="2026-10-12")
    page = person.page("/o/task?view=task_calendar&at=2026-10-05")
    day = page.select_one("[data-day='2026-10-12']")
    assert len(day.select(".bar")) == 3 and "+3 more" in day.get_text()
    assert "day-off" in page.select_one("[data-day='2026-10-01']")["class"]
    assert "day-works" in page.select_one("[data-day='2026-10-10']")["class"]
    assert page.select_one(".month-week .day")["data-day"] == "2026-09-28"
    whole = person.page("/o/task?view=task_calendar&at=2026-10-12&scale=day")
    assert len(whole.select(".day-line")) == 6
    assert "fill.due=2026-10-12" in whole.select_one(".day-add")["href"]
    assert person.page("/o/task?view=task_calendar&at=nonsense&scale=century").select(".month")


def test_places_lead_to_a_map(person: Person, admin: Api) -> None:
    admin.make("yd_place", name="Bund", spot={"lat": "31.2400", "lng": "121.4900"})
    page = person.page("/o/yd_place?type=map")
    assert [p.select_one(".title-link").get_text() for p in page.select(".place")] == ["Bund"]
    assert "mlat=31.24&mlon=121.49" in page.select_one(".place .button")["href"]


def test_an_object_without_any_of_it_says_so(person: Person) -> None:
    assert "no location" in person.page("/o/yd_line?type=map").get_text()
    assert "no choice" in person.page("/o/yd_place?type=kanban").get_text()
    assert person.page("/o/yd_place?type=calendar").select(".month")  # by when it was made
    days = person.page("/o/yd_job?type=calendar&columns=name,created_at").select(".day-add")
    assert days and all(
        "fill.begun_on=" in day["href"] for day in days
    )  # its own days come before when it was made
    plan = person.page("/o/yd_job?type=gantt&columns=name,begun_on,created_at").select_one("#gantt")
    assert plan["data-fields"] == "stay"  # what has a beginning and an end comes first in a plan


def test_of_very_many_records_figures_and_cards_come_after_the_page(
    opened: Opened, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Very many are here as many as these are: the page waits for nothing that reads them all."""
    monkeypatch.setattr("patron_engine.query.counts.COUNTED", -2)
    person = opened.person()
    page = person.page(BOARD)
    assert heads(page)["repair"] == "Repair" and not page.select(".board-card")
    cards = page.select_one("#cards-repair .board-more a")["hx-get"].removeprefix("/w/acme")
    assert len(person.page(cards).select(".board-title")) == 20
    address = page.select_one("#board-figures")["hx-get"].removeprefix("/w/acme")
    later = person.page(address)
    assert "Figures of" in later.get_text(), (
        "a script puts nothing in the place of words where there are none"
    )
    after = heads(later)
    assert re.match(r"Repair 2\d CN¥2,5", after["repair"]) and "CN¥1,500.50" in after["build"]
    by_owner = person.page("/o/yd_job?type=kanban&group=owner&columns=name,budget")
    assert len(by_owner.select(".board-column")) == 2  # who has any, and nobody

    # What took long is given again to the same person, and says of when it is; what he does is seen at once.
    monkeypatch.setattr("patron_platform.web.figured.QUICK", 0)
    monkeypatch.setattr("patron_platform.web.figured.AGAIN", 10_000)
    counting, build = "/list/yd_job/count?where=class+%3D%3D+%27build%27", {"class": "build"}
    before = int(person.page(counting).get_text(strip=True))
    opened.admin.make("yd_job", name="By another", **build)
    kept = person.page(counting).select_one("#list-count")
    assert kept.get_text(strip=True) == str(before) and kept["title"].startswith("Figures of")
    move(person, opened.admin.make("yd_job", name="Own"), **{"set.class": "build"})
    assert person.page(counting).get_text(strip=True) == str(before + 2)

    # What takes longer than figures may is said in words.
    sleep = SimpleNamespace(text="SELECT pg_sleep(30)", values=lambda _: (), prepare=False)
    monkeypatch.setattr("patron_platform.web.list_figures.read", lambda conn, *_, **__: run(conn, sleep, {}))
    monkeypatch.setattr("patron_platform.web.figured.LONGEST", 0.05)
    late = person.page("/list/yd_job/count?where=crew+%3E+900")
    assert late.get_text(strip=True) == "very many" and "Narrow the list" in str(late)
