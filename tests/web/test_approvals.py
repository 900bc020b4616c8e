"""Approvals over HTTP: submitted, listed, decided; what waits is answered with 202 and its instance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_testing.web import ADMIN, REP, WORKSPACE, Opened

RULES = f"""
kind: approval
name: c_job
label: {{en: Job approval, zh-CN: 任务审批}}
object: yd_job
on: [submit, {{update: [crew]}}, delete]
when: "name != 'free'"
withdraw: any
nodes:
  - {{name: first, label: {{en: Foreman, zh-CN: 工长}}, type: approve, who: {{user: {REP}}}, comment: required_to_reject, fields: {{crew: edit}}, summary: [name, crew]}}
  - {{name: second, label: {{en: Office}}, type: approve, who: {{user: {ADMIN}}}}}
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> Iterator[None]:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    yield


def job(opened: Opened, name: str, **values: object) -> str:
    return str(opened.admin.make("yd_job", name=name, **values)["id"])


def test_before_and_after_submitting(opened: Opened) -> None:
    id = job(opened, "a")
    ahead = opened.admin.get(f"/records/yd_job/{id}/approval").json()
    assert ahead["instance"] is None and ahead["submit"]["may"] and ahead["submit"]["label"] == "Job approval"
    assert [(s["label"], s["state"], len(s["people"])) for s in ahead["submit"]["route"]] == [
        ("Foreman", "ahead", 1), ("Office", "ahead", 1),
    ]  # fmt: skip
    said = opened.admin.post(f"/records/yd_job/{id}/submit")
    assert said.status_code == 202, said.text
    it = said.json()
    assert it["state"] == "running" and it["steps"] == ["first"] and it["acts"]["withdraw"] is None
    assert it["acts"]["revoke"] and [line["kind"] for line in it["log"]] == ["submitted"]
    again = opened.admin.post(f"/records/yd_job/{id}/submit")
    assert (again.status_code, again.json()["code"]) == (409, "approval_running")
    assert opened.admin.patch(f"/records/yd_job/{id}", {"name": "b"}).json()["code"] == "locked"


def test_the_box_and_a_decision(opened: Opened) -> None:
    id = job(opened, "box", crew=2)
    opened.admin.post(f"/records/yd_job/{id}/submit")
    listed = opened.rep.get("/approvals?box=waiting").json()
    item = next(i for i in listed["items"] if i["record"] == id)
    assert item["node_label"] == "Foreman" and listed["counts"]["waiting"] >= 1
    seen = opened.rep.get(f"/approvals/{item['task']}").json()
    (mine,) = seen["mine"]
    assert mine["acts"]["approve"] is None and mine["comment"] == "required_to_reject"
    refused = opened.rep.post(f"/approvals/{item['task']}/reject", {})
    assert refused.status_code == 422 and refused.json()["problems"][0]["field"] == "comment"
    done = opened.rep.post(f"/approvals/{item['task']}/approve", {"comment": "go", "fields": {"crew": 3}})
    assert done.status_code == 200, done.text
    assert done.json()["steps"] == ["second"] and opened.admin.read("yd_job", id)["crew"] == 3
    assert opened.rep.post(f"/approvals/{item['task']}/approve", {}).status_code == 409
    task = opened.admin.get(f"/records/yd_job/{id}/approval").json()["instance"]["mine"][0]["task"]
    ended = opened.admin.post(f"/approvals/{task}/approve", {}, headers={"Idempotency-Key": "once"})
    assert ended.json()["state"] == "approved"
    assert (
        opened.admin.post(f"/approvals/{task}/approve", {}, headers={"Idempotency-Key": "once"}).status_code
        == 200
    )
    found = opened.admin.rows(
        "yd_job",
        where=f"approval.state == 'approved' and id == '{id}'",
        fields="name,approval.state,approval.step",
    )
    assert found[0]["approval.state"] == "approved", found


def test_an_update_waits_and_is_carried_out_as_whoever_asked(opened: Opened) -> None:
    id = job(opened, "later", crew=1)
    said = opened.admin.patch(f"/records/yd_job/{id}", {"crew": 9})
    assert said.status_code == 202, said.text
    assert said.json()["trigger"] == "update" and said.json()["intent"]["set"] == {"crew": 9}
    assert opened.admin.read("yd_job", id)["crew"] == 1
    task = next(i["task"] for i in opened.rep.get("/approvals").json()["items"] if i["record"] == id)
    opened.rep.post(f"/approvals/{task}/approve", {})
    office = next(i["task"] for i in opened.admin.get("/approvals").json()["items"] if i["record"] == id)
    opened.admin.post(f"/approvals/{office}/approve", {})
    assert opened.admin.read("yd_job", id)["crew"] == 9


def test_the_description_has_what_there_is(opened: Opened) -> None:
    described = opened.admin.get("/openapi.json").json()
    assert {"/records/yd_job/{id}/submit", "/approvals", "/approvals/{id}/{act}"} <= set(described["paths"])
    assert (
        "/records/yd_boat/{id}/submit" not in described["paths"]
        and "Approval" in described["components"]["schemas"]
    )


def test_what_is_wrong_is_told_and_changes_nothing(opened: Opened) -> None:
    id = job(opened, "wrong")
    nowhere = "01a219fa-d648-70a2-932e-830c02e00f3c"
    for method, path, body, status in (
        ("post", f"/records/yd_job/{id}/submit", {"chosen": []}, 422),
        ("post", f"/records/yd_job/{id}/submit", {"why": 1}, 422),
        ("post", f"/records/yd_job/{nowhere}/submit", {}, 404),
        ("post", f"/records/nothing/{id}/submit", {}, 404),
        ("post", f"/records/yd_job/{id}/approval/withdraw", {}, 404),
        ("post", f"/records/yd_job/{id}/approval/explode", {}, 422),
        ("get", "/approvals?box=mine", None, 422),
        ("get", "/approvals?before=x", None, 422),
        ("get", f"/approvals/{nowhere}", None, 404),
        ("get", "/approvals/none", None, 404),
        ("post", f"/approvals/{nowhere}/approve", {}, 404),
        ("post", "/approvals/batch", {"tasks": "all", "act": "approve"}, 422),
        ("post", "/approvals/batch", {"tasks": ["x"] * 201, "act": "approve"}, 422),
        ("post", "/approvals/substitutes", {"substitute": "x"}, 422),
        ("post", "/approvals/hand-over", {"from": nowhere}, 422),
        ("get", "/approvals/statistics?by=week", None, 422),
        ("post", "/approvals/definitions/none/take-over", {}, 404),
    ):
        call = opened.admin.get(path) if method == "get" else opened.admin.post(path, body)
        assert call.status_code == status, (path, call.status_code, call.text)
        assert call.json()["detail"]
    assert opened.admin.get(f"/records/yd_job/{id}/approval").json()["instance"] is None


def test_several_at_once_and_figures(opened: Opened) -> None:
    ids = [job(opened, f"batch {n}") for n in range(3)]
    for id in ids:
        assert opened.admin.post(f"/records/yd_job/{id}/submit").status_code == 202
    tasks = [i["task"] for i in opened.rep.get("/approvals").json()["items"] if i["record"] in ids]
    said = opened.rep.post("/approvals/batch", {"tasks": [*tasks, "none"], "act": "approve"}).json()[
        "results"
    ]
    assert [r["done"] for r in said] == [True, True, True, False] and said[3]["code"] == "task_not_found"
    assert opened.rep.get("/approvals/statistics").status_code == 403
    rows = opened.admin.get("/approvals/statistics?by=both&approval=c_job").json()["rows"]
    assert any(r["node"] == "first" and r["count"] >= 3 and r["mean"] is not None for r in rows)


def test_a_newer_version_takes_running_ones_over(opened: Opened) -> None:
    id = job(opened, "versions")
    opened.admin.post(f"/records/yd_job/{id}/submit")
    place = opened.service.runtime.workspace(WORKSPACE)
    before = place.plan_own(read_documents(RULES, "c.yaml")[0])
    fresh = f"nodes:\n  - {{name: fresh, type: approve, who: {{user: {ADMIN}}}}}\n"
    newer = (
        RULES.replace("nodes:\n", fresh)
        .replace("name: first,", "name: foreman,")
        .replace("on: [submit, {update: [crew]}, delete]", "on: [submit]")
    )
    try:
        place.publish(SYSTEM, place.plan_own(read_documents(newer, "c.yaml")[0]))
        task = next(i for i in opened.rep.get("/approvals").json()["items"] if i["record"] == id)
        assert task["node"] == "first"  # it ends on its version unless somebody takes it over
        path = "/approvals/definitions/c_job/take-over"
        stays = opened.admin.post(path, {"dry_run": True}).json()["instances"]
        assert [i["goes"] for i in stays if i["record"] == id] == [False]
        pages = opened.person()
        page = pages.page("/admin/approvals/versions")
        offered = [o["value"] for o in page.select("select[name='step.first'] option")]
        assert offered == ["", "fresh", "foreman", "second"] and "Foreman" in page.select_one("main").text
        form = {"approval": "c_job", "step.first": "foreman", "_act": "try"}
        told = pages.post("/admin/approvals/versions", form)
        assert told.status_code == 200 and "goes on with today" in told.text and "Take over" in told.text
        tried = opened.admin.post(path, {"nodes": {"first": "foreman"}, "dry_run": True}).json()
        assert [i["goes"] for i in tried["instances"] if i["record"] == id] == [True]
        opened.admin.post(path, {"nodes": {"first": "foreman"}})
        states = [s["state"] for s in opened.admin.get(f"/approvals/{task['task']}").json()["route"]]
        assert states == ["skipped", "open", "ahead"], "what is new before where it stands is passed over"
        assert opened.rep.post(f"/approvals/{task['task']}/approve", {}).json()["steps"] == ["second"]
    finally:
        place.publish(SYSTEM, place.plan_own(read_documents(RULES, "c.yaml")[0]))
    assert before is not None
