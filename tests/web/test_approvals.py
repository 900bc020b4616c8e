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
