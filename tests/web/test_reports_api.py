"""Reports over HTTP and from the command line: figures, the records behind one, and who gets neither."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_testing.web import WORKSPACE, Opened

DOCUMENTS = """
kind: report
name: rp_jobs
label: {en: Jobs by class, zh-CN: 工单类别}
type: matrix
object: yd_job
where: "name == 'rp' and crew >= least"
rows: [class]
columns: [{field: begun_on, by: year}]
measures:
  - {name: jobs, function: count}
  - {name: crew, function: sum, field: crew}
  - {name: mean, expression: "crew / jobs"}
totals: [rows, columns, grand]
parameters: [{name: least, type: integer, default: 1}]
keep: 10 minutes
---
kind: report
name: rp_list
type: list
object: yd_job
where: "name == 'rp'"
columns: [name, crew]
sort: [-crew]
---
kind: report
name: rp_secret
type: summary
object: yd_job
for: {roles: [nobody_has_it]}
measures: [{name: jobs, function: count}]
---
kind: role
name: nobody_has_it
label: {en: Nobody}
"""


@pytest.fixture(scope="module", autouse=True)
def reports(opened: Opened) -> None:
    documents, problems = read_documents(DOCUMENTS, "r.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    for kind, day, crew in (
        ("repair", "2026-02-01", 1),
        ("repair", "2025-02-01", 2),
        ("build", "2026-03-01", 4),
    ):
        opened.admin.make("yd_job", name="rp", begun_on=day, crew=crew, **{"class": kind})


def values(said: dict[str, Any], rows: list[Any], columns: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        c["values"] for c in said["cells"] if (c["rows"], c["columns"]) == (rows, columns)
    )
    return found


def test_figures_are_kept_until_somebody_saves_and_told_of_two_moments(opened: Opened) -> None:
    def kept(**body: Any) -> bool:
        return opened.admin.post("/reports/rp_jobs", body).json()["kept_at"] is not None

    assert [kept(), kept(), kept(anew=True), kept(parameters={"least": 3})] == [False, True, False, False]
    page = str(opened.person().page("/reports/rp_jobs"))
    assert "kept for a while" in page and "anew=1" in page
    other = opened.admin.make("yd_job", name="rp", begun_on="2026-02-02", crew=1, **{"class": "repair"})
    assert not kept()
    opened.admin.delete(f"/records/yd_job/{other['id']}")
    assert not kept()
    said = opened.admin.post("/reports/rp_jobs", {"as_of": {"from": "2020-01-01"}}).json()
    assert values(said, [], [])["jobs_then"] == "0" and values(said, [], [])["jobs_change"] == "3"
    assert opened.admin.post("/reports/rp_jobs", {"as_of": "=NOW()"}).status_code == 422


def test_figures_and_the_records_behind_them(opened: Opened) -> None:
    listed = {r["name"]: r for r in opened.admin.get("/reports").json()["reports"]}
    assert listed["rp_jobs"]["label"] == "Jobs by class"
    assert listed["rp_jobs"]["parameters"][0]["name"] == "least"
    said = opened.admin.get("/reports/rp_jobs").json()
    assert (said["row_keys"], said["column_keys"]) == (
        [["repair"], ["build"]],
        [["2025-01-01"], ["2026-01-01"]],
    )
    assert values(said, [], []) == {"jobs": "3", "crew": "7", "mean": "2.3333333333"}
    assert values(said, ["repair"], [])["crew"] == "3" and values(said, [], ["2026-01-01"])["crew"] == "5"
    assert {m["value"]: m["label"] for m in said["rows"][0]["members"]} == {
        "repair": "Repair",
        "build": "Build",
    }
    assert values(opened.admin.get("/reports/rp_jobs?least=2").json(), [], [])["jobs"] == "2"
    narrowed = opened.admin.post(
        "/reports/rp_jobs", {"parameters": {"least": 2}, "filters": ["class == 'build'"]}
    ).json()
    assert values(narrowed, [], []) == {"jobs": "1", "crew": "4", "mean": "4"}
    cell = {
        "rows": ["repair"],
        "columns": ["2026-01-01"],
        "measure": "crew",
        "fields": ["crew"],
        "count": "exact",
    }
    behind = opened.admin.post("/reports/rp_jobs/records", cell).json()
    assert (
        [r["crew"] for r in behind["records"]] == [1]
        and behind["count"] == 1
        and behind["object"] == "yd_job"
    )
    again = opened.admin.get("/records/yd_job?" + urlencode({"where": behind["where"]})).json()
    assert [r["crew"] for r in again["records"]] == [1]
    whole = opened.admin.post("/reports/rp_list/records", {}).json()
    assert [r["crew"] for r in whole["records"]] == [4, 2, 1]


@pytest.mark.parametrize(
    ("address", "body", "path"),
    [
        ("/reports/rp_jobs", {"parameters": {"least": "x"}}, "parameters.least"),
        ("/reports/rp_jobs", {"parameters": {"other": 1}}, "parameters"),
        ("/reports/rp_jobs", {"parameters": []}, "parameters"),
        ("/reports/rp_jobs", {"filters": "class"}, "filters"),
        ("/reports/rp_jobs", {"filters": ["nothing == 1"]}, "filters[0]"),
        ("/reports/rp_jobs", {"filters": ["crew > 0"] * 21}, "filters"),
        ("/reports/rp_jobs/records", {"rows": "repair"}, "rows"),
        ("/reports/rp_jobs/records", {"rows": [{"a": 1}]}, "rows"),
        ("/reports/rp_jobs/records", {"columns": ["not a day"]}, "spot"),
        ("/reports/rp_jobs/records", {"rows": ["repair", "build"]}, "spot"),
        ("/reports/rp_jobs/records", {"measure": 3}, "measure"),
        ("/reports/rp_list", {}, "type"),
    ],
)
def test_what_has_no_meaning_is_refused(opened: Opened, address: str, body: Any, path: str) -> None:
    said = opened.admin.post(address, body)
    assert said.status_code == 422, said.text
    assert path in [p["field"] for p in said.json()["problems"]], said.text


def test_a_member_that_is_none_is_refused_or_has_no_records(opened: Opened) -> None:
    said = opened.admin.post("/reports/rp_jobs/records", {"rows": ["never"]})
    assert (said.status_code in (200, 422) and "records" not in said.json()) or said.json()["records"] == []


def test_who_may_not_read_gets_nothing(opened: Opened) -> None:
    assert opened.admin.get("/reports/nothing").status_code == 404
    names = [r["name"] for r in opened.rep.get("/reports").json()["reports"]]
    assert "rp_secret" not in names and opened.rep.get("/reports/rp_secret").status_code == 404
    assert opened.stranger.get("/reports/rp_jobs").status_code in (401, 403, 404)
    described = json.dumps(opened.admin.get("/openapi.json").json()["paths"])
    assert "/reports/{name}/records" in described
