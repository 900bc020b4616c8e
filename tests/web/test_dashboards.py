"""Dashboards: tiles in one stream, each failing alone; filters in the address; a home page of a role, and one's own."""

from __future__ import annotations

import json

import pytest

from patron_testing.outside import Out
from patron_testing.web import ADMIN, REP, Opened, Person

RULES = """
kind: report
name: b_jobs
label: {en: Jobs by crew, zh-CN: 作业统计}
type: summary
object: yd_job
where: "STARTS_WITH(name, 'Board')"
rows: [crew]
measures:
  - {name: jobs, label: {en: Jobs}, function: count}
  - {name: hands, label: {en: Hands}, function: sum, field: crew}
totals: [grand]
---
kind: report
name: b_broken
type: summary
object: yd_job
measures: [{name: jobs, function: count}]
parameters: [{name: least, type: integer, required: true}]
where: "crew >= least"
---
kind: view
name: b_list
object: yd_job
label: {en: Board jobs}
where: "STARTS_WITH(name, 'Board')"
columns: [name, crew]
sort: [name]
---
kind: dashboard
name: b_home
label: {en: The yard, zh-CN: 船坞}
home_for: {roles: [nobody_has_it]}
filters:
  - {name: crews, label: {en: Crew}, type: integer, reaches: {b_jobs: crew, listed: crew}}
  - {name: made, label: {en: Made}, type: date_range, default: "=THIS('year')", reaches: {b_jobs: created_at}}
tiles:
  - {name: jobs, report: b_jobs, chart: table, at: {x: 0, y: 0, w: 6, h: 4}}
  - {name: broken, report: b_broken, at: {x: 6, y: 0, w: 6, h: 4}}
  - {name: listed, view: b_list, rows: 2, at: {x: 0, y: 4, w: 6, h: 4}}
  - {name: note, text: {en: "Read <b>me</b>"}, at: {x: 6, y: 4, w: 6, h: 1}}
---
kind: goal
name: b_hands
label: {en: Hands to find}
measure: b_jobs.hands
unit: count
per: [company, user]
period: month
---
kind: role
name: nobody_has_it
label: {en: Nobody}
"""


@pytest.fixture(scope="module", autouse=True)
def world(opened: Opened) -> None:
    Out(opened).publish(RULES)
    for crew in (3, 3, 4):
        opened.admin.make("yd_job", name=f"Board {crew}", crew=crew)


def tiles(person: Person, name: str = "b_home", address: str = "") -> dict[str, str]:
    """What the stream brings."""
    answer = person.get(f"/tiles/{name}{address}")
    assert answer.status_code == 200 and "content-encoding" not in answer.headers
    return {line["tile"]: line["html"] for line in map(json.loads, answer.text.splitlines())}


def test_a_dashboard_has_places_that_a_stream_fills(opened: Opened) -> None:
    person = opened.person()
    page = person.page("/dashboards/b_home")
    assert [s["id"] for s in page.select(".tile-body")] == [
        "tile-jobs",
        "tile-broken",
        "tile-listed",
        "tile-note",
    ]
    assert page.select_one(".cockpit")["data-source"].endswith("/tiles/b_home")  # type: ignore[index]
    found = tiles(person)
    assert set(found) == {"jobs", "broken", "listed", "note"}
    assert "Hands" in found["jobs"] and ">10<" in found["jobs"], "the total of all crews"
    assert found["listed"].count("<tr>") == 3 and "Read &lt;b&gt;me" in found["note"]


def test_what_fails_is_said_in_its_place(opened: Opened) -> None:
    found = tiles(opened.person())
    assert "tile-failed" in found["broken"] and "tile-failed" not in found["jobs"]


def test_filters_reach_tiles_and_what_they_lead_to(opened: Opened) -> None:
    person = opened.person()
    found = tiles(person, address="?crews=4")
    assert ">4<" in found["jobs"] and ">10<" not in found["jobs"] and "Board 3" not in found["listed"]
    assert "crew+%3D%3D+4" in found["jobs"], "every figure leads to the records under the same filters"
    page = person.page("/dashboards/b_home?crews=4&made=2001-01-01..2001-12-31")
    assert page.select_one("#filter-crews")["value"] == "4"  # type: ignore[index]
    assert "calm-empty" in tiles(person, address="?made=2001-01-01..2001-12-31")["jobs"]
    assert "calm-empty" not in tiles(person, address="?made=")["jobs"], "an empty choice asks for nothing"


def test_days_of_a_form_become_one_parameter(opened: Opened) -> None:
    answer = opened.person().get(
        "/dashboards/b_home?made=custom&made.from=2026-01-01&made.to=2026-02-01&crews=3",
        follow_redirects=False,
    )
    assert answer.status_code == 303 and answer.headers["location"].endswith(
        "?made=2026-01-01..2026-02-01&crews=3"
    )


@pytest.mark.parametrize(
    "address", ["?made=soon", "?made=2026-13-01..", "?crews=many", "?crews=" + ",".join(map(str, range(51)))]
)
def test_a_choice_that_is_none(opened: Opened, address: str) -> None:
    assert opened.person().get(f"/dashboards/b_home{address}").status_code == 422
    assert opened.person().get(f"/tiles/b_home{address}").status_code == 422


def test_fifty_values_are_not_too_many(opened: Opened) -> None:
    assert opened.person().get("/tiles/b_home?crews=" + ",".join(map(str, range(50)))).status_code == 200


def test_everything_at_once_for_who_has_no_scripts(opened: Opened) -> None:
    page = opened.person().page("/dashboards/b_home?whole=1")
    assert "Hands" in page.select_one("#tile-jobs").text and page.select_one(".tile-failed")  # type: ignore[union-attr]


def test_who_may_not_read_the_records_has_no_tile_of_them(opened: Opened) -> None:
    person = opened.person(REP)
    assert set(tiles(person)) == {"note"}
    assert person.get("/dashboards/nothing").status_code == 404
    opened.client.cookies.clear()
    assert opened.client.get("/w/acme/tiles/b_home", follow_redirects=False).status_code in (303, 401)


def test_the_home_of_a_role_is_where_one_arrives(opened: Opened) -> None:
    page = opened.person().page("/")
    assert [a.text for a in page.select(".home-tabs a")] == ["The yard", "My day"]
    assert page.select_one("h1").text == "The yard"  # type: ignore[union-attr]
    assert opened.person().page("/desk").select_one(".home")
    assert opened.person(REP).page("/").select_one(".home"), "who has no dashboard has the desk"


def test_ones_own_page_is_begun_filled_ordered_and_given_up(opened: Opened) -> None:
    person = opened.person(ADMIN)
    assert person.post("/own/begin", {"from": "b_home"}).status_code == 303
    assert _tiles(person) == ["jobs", "broken", "listed", "note"]
    person.post("/own/add", {"what": "report:b_jobs", "chart": "table"})
    assert len(_tiles(person)) == 5
    last = _tiles(person)[-1]
    for act in ("earlier", "wider", "taller"):
        assert person.post("/own/tile", {"tile": last, "act": act}).status_code == 303
    assert _tiles(person)[3] == last
    person.post("/own/tile", {"tile": "broken", "act": "remove"})
    assert "broken" not in _tiles(person) and last in tiles(person, "-")
    assert person.page("/").select_one("h1").text == "My page"  # type: ignore[union-attr]
    for bad, status in (({"what": "report:none"}, 422), ({"what": "x"}, 422)):
        assert person.post("/own/add", bad).status_code == status
    assert person.post("/own/tile", {"tile": "none", "act": "remove"}).status_code == 404
    assert person.post("/own/tile", {"tile": last, "act": "dance"}).status_code == 400
    assert person.post("/own/drop").status_code == 303
    assert person.page("/").select_one("h1").text == "The yard"  # type: ignore[union-attr]


def test_one_page_has_so_many_tiles(opened: Opened) -> None:
    person = opened.person(ADMIN)
    for _ in range(30):
        assert person.post("/own/add", {"what": "view:b_list"}).status_code == 303
    refused = person.post("/own/add", {"what": "view:b_list"})
    assert refused.status_code in (413, 422, 429) and len(_tiles(person)) == 30
    person.post("/own/drop")


def _tiles(person: Person) -> list[str]:
    return [s["id"].removeprefix("tile-") for s in person.page("/own?edit=1").select(".tile-body")]


def test_a_goal_says_how_far_it_is(opened: Opened) -> None:
    today = opened.service.runtime.clock().date()
    opened.admin.make(
        "goal_value", goal="b_hands", level="company", period_kind="month", period=today.replace(day=1).isoformat(),
        target_value=20,
    )  # fmt: skip
    person = opened.person(ADMIN)
    page = person.page("/goals/b_hands")
    text = page.select_one(".goals-one").text  # type: ignore[union-attr]
    assert "10" in text and "of 20" in text and "50.0%" in text
    assert page.select_one(".goal-bar .goal-done")["width"] == "50"  # type: ignore[index]
    assert "Hands to find" in person.page("/goals").text
    assert (
        person.get("/goals/none").status_code == 404
        and person.get("/goals/b_hands?on=soon").status_code == 422
    )
    person.post("/own/add", {"what": "goal:b_hands", "of": "company"})
    assert "of 20" in tiles(person, "-")["tile_1"]
    person.post("/own/drop")


def test_the_targets_of_a_year_are_set_as_a_grid(opened: Opened) -> None:
    person = opened.person(ADMIN)
    page = person.page("/goals/b_hands/targets?year=2031")
    names = [i["name"] for i in page.select("table.targets input")]
    user = next(n for n in names if n.startswith("user."))[: -len(".1")]
    assert "company..12" in names and len(names) % 12 == 0
    given = {
        "year": "2031",
        "what": "target_value",
        "company..1": "1,200",
        "company..2": "300.5",
        f"{user}.3": "a few",
        f"{user}.4": "-5",
    }
    refused = person.post("/goals/b_hands/targets", given)
    assert (
        refused.status_code == 422
        and "a few" in refused.text
        and refused.text.count('class="field-error"') == 2
    )
    page = person.page("/goals/b_hands/targets?year=2031")
    cells = {i["name"]: i["value"] for i in page.select("table.targets input") if i["value"]}
    assert cells == {"company..1": "1,200", "company..2": "300.5"}, "what could be saved is, nothing else"
    assert page.select_one("tbody[data-level=company] [data-total]").text == "1,500.5"  # type: ignore[union-attr]
    emptied = {"year": "2031", "what": "target_value", "company..1": "", "company..2": "400"}
    assert person.post("/goals/b_hands/targets", emptied).status_code == 303
    low = person.post(
        "/goals/b_hands/targets", {"year": "2031", "what": "baseline", "company..2": "350", "company..3": "1"}
    )
    assert low.status_code == 422 and low.text.count('class="field-error"') == 1, (
        "a baseline stands beside a target"
    )
    kept = opened.admin.rows("goal_value", where="goal == 'b_hands' and period >= DATE(2031, 1, 1)")
    assert [(r["target_value"], r["baseline"]) for r in kept] == [("400", "350")]
    assert person.get("/goals/none/targets").status_code == 404
    assert person.get("/goals/b_hands/targets?year=12").status_code == 422
    reader = opened.person(REP)
    assert reader.get("/goals/b_hands/targets?year=2031").status_code in (200, 404)
    assert reader.post("/goals/b_hands/targets", {"year": "2031", "company..5": "1"}).status_code in (
        403,
        404,
    )
