"""Automations over HTTP: tried, replayed over records that are there, started by an address of their own."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_engine.ways import hooks, replaying
from patron_platform.api import hooks as api
from patron_platform.jobs.flow import work_flows
from patron_testing.web import V1, WORKSPACE, Opened

RULES = """
kind: automation
name: c_grows
label: {en: Grows}
object: yd_job
on: {event: updated, fields: [crew]}
when: "crew > 3 and old.crew != crew"
steps: [{name: up, do: update, set: {care: "=MIN(5, COALESCE(care, 0) + 1)"}}, {name: told, do: share, to: {role: c_seer}}]
---
kind: role
name: c_seer
label: {en: Seer}
objects: {yd_job: {read: own}}
---
kind: automation
name: c_called
label: {en: Called}
on: {event: webhook}
when: "event.body.kind == 'order' and event.body.customer.code != 'bad'"
steps: [{name: make, do: create, object: yd_job, set: {name: "=event.body.title", note: "=CONCAT(event.query.source, event.headers.x_shop_event)"}}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> None:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def work(opened: Opened) -> None:
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass


def call(opened: Opened, address: str, body: Any, **more: Any) -> Any:
    return opened.client.post(address, json=body, **more)


def test_a_trial_tells_what_would_happen_and_leaves_nothing(opened: Opened) -> None:
    job = opened.admin.make("yd_job", name="try me", crew=1)
    said = opened.admin.post("/automations/c_grows/try", {"records": [job["id"]], "set": {"crew": 9}})
    assert said.status_code == 200, said.text
    (made,) = said.json()["tried"]
    assert made["began"] and [p["holds"] for p in made["parts"]] == [True, True]
    steps = made["runs"][0]["steps"]
    assert steps[0]["changes"][0]["set"] == {"care": 1} and steps[0]["outcome"] == "done"
    assert steps[1]["commands"] == [
        {"do": "GiveRecord", "object": "yd_job", "id": job["id"], "to": {"role": "c_seer"}, "reason": "share",
         "level": "read", "until": None},
    ]  # fmt: skip
    after = opened.admin.read("yd_job", job["id"])
    assert after["crew"] == 1 and after["version"] == job["version"]
    assert opened.admin.get(f"/runs?record={job['id']}").json()["runs"] == []
    low = opened.admin.post("/automations/c_grows/try", {"records": [job["id"]], "set": {"crew": 2}}).json()["tried"][0]  # fmt: skip
    assert not low["began"] and low["why"] == "when" and low["parts"][0]["read"] == {"crew": 2}


def test_trials_are_for_administrators_and_have_limits(opened: Opened) -> None:
    assert opened.rep.post("/automations/c_grows/try", {"records": []}).status_code == 403
    assert opened.rep.get("/automations").status_code == 403
    assert opened.admin.post("/automations/none/try", {"records": []}).status_code == 404
    many = ["00000000-0000-7000-8000-000000000000"] * 21
    over = opened.admin.post("/automations/c_grows/try", {"records": many})
    assert over.status_code == 422 and over.json()["code"] == "limit_try_records"
    for body in ({"records": "x"}, {"set": []}, {"event": 3}, {"other": 1}):
        assert opened.admin.post("/automations/c_grows/try", body).status_code == 422, body
    missing = opened.admin.post("/automations/c_grows/try", {"records": many[:1]})
    assert missing.status_code == 404
    names = {a["name"]: a for a in opened.admin.get("/automations").json()["automations"]}
    assert names["c_called"]["events"] == ["webhook"] and names["c_grows"]["runs"] is True


def test_a_replay_goes_through_records_that_are_there(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [opened.admin.make("yd_job", name=f"replay {n}", crew=n) for n in range(8)]
    work(opened)
    where = {"where": "STARTS_WITH(name, 'replay')"}
    seen = opened.admin.post("/automations/c_grows/replay/preview", where).json()
    assert (seen["total"], seen["looked_at"], seen["fits"]) == (8, 8, 4)
    assert set(seen["first"]) == {j["id"] for j in jobs[4:]}
    monkeypatch.setattr(replaying, "AT_ONCE", 3)
    begun = opened.admin.post("/automations/c_grows/replay", where)
    assert begun.status_code == 201 and begun.json()["total"] == 8
    again = opened.admin.post("/automations/c_grows/replay", where)
    assert again.status_code == 409 and again.json()["code"] == "replay_under_way"
    here = f"/automations/c_grows/replays/{begun.json()['id']}"
    assert opened.admin.post(f"{here}/pause").json()["state"] == "paused"
    work(opened)
    assert opened.admin.read("yd_job", jobs[7]["id"]).get("care") is None
    assert opened.admin.post(f"{here}/pause").status_code == 409
    assert opened.admin.post(f"{here}/resume").json()["state"] == "running"
    work(opened)
    (done,) = opened.admin.get("/automations/c_grows/replays").json()["replays"]
    assert (done["state"], done["seen"], done["begun"]) == ("done", 8, 4)
    assert [opened.admin.read("yd_job", j["id"]).get("care") for j in jobs] == [None] * 4 + [1] * 4
    assert opened.admin.post(f"{here}/stop").status_code == 409
    more = opened.admin.post("/automations/c_grows/replay", where).json()
    assert opened.admin.post(f"/automations/c_grows/replays/{more['id']}/stop").json()["state"] == "stopped"
    work(opened)
    assert opened.admin.read("yd_job", jobs[7]["id"])["care"] == 1


def test_replays_are_for_who_may_change_the_automation(opened: Opened) -> None:
    assert opened.rep.post("/automations/c_grows/replay").status_code == 403
    assert opened.rep.post("/automations/c_grows/replay/preview").status_code == 403
    assert opened.admin.post("/automations/c_called/replay").status_code == 404
    bad = opened.admin.post("/automations/c_grows/replay", {"where": "nothing == 1"})
    assert bad.status_code == 422 and bad.json()["problems"][0]["field"] == "where"
    assert opened.admin.post("/automations/c_grows/replay", {"where": 4}).status_code == 422
    missing = "00000000-0000-7000-8000-000000000000"
    assert opened.admin.post(f"/automations/c_grows/replays/{missing}/pause").status_code == 404
    assert opened.admin.post(f"/automations/c_grows/replays/{missing}/jump").status_code == 422


def test_an_address_starts_an_automation(opened: Opened) -> None:
    hook = opened.admin.get("/automations/c_called/hook").json()
    said = call(opened, f"{hook['address']}?source=shop", {"kind": "order", "title": "Ordered"}, headers={"X-Shop-Event": "!"})  # fmt: skip
    assert said.status_code == 202 and said.json()["run"], said.text
    other = call(opened, hook["address"], {"kind": "order", "title": "x", "customer": {"code": "bad"}})
    assert other.status_code == 202 and other.json()["run"] is None
    key = {"Idempotency-Key": "once"}
    twice = [call(opened, hook["address"], {"kind": "order", "title": "Twice"}, headers=key).json()["run"] for _ in range(2)]  # fmt: skip
    assert twice[0] == twice[1]
    work(opened)
    rows = opened.admin.rows("yd_job", where="name in ('Ordered', 'Twice')", fields="name,note")
    assert sorted((r["name"], r["note"]) for r in rows) == [("Ordered", "shop!"), ("Twice", None)]
    form = opened.client.post(hook["address"], data={"kind": "order", "title": "By form"})
    text = opened.client.post(hook["address"], content="plain", headers={"Content-Type": "text/plain"})
    assert form.json()["run"] and text.json()["run"] is None


def test_an_address_is_secret_and_can_be_changed(opened: Opened) -> None:
    before = opened.admin.get("/automations/c_called/hook").json()
    after = opened.admin.post("/automations/c_called/hook/rotate").json()
    assert after["address"] != before["address"] and after["secret"] != before["secret"]
    assert call(opened, before["address"], {"kind": "order", "title": "x"}).status_code == 404
    for token in (
        "x",
        "acme.c_called.",
        "none.c_called.aa",
        "acme.c_grows.aa",
        "a" * 400,
        "acme.c_called.%00",
    ):
        assert call(opened, f"{V1}/hooks/{token}", {}).status_code == 404, token
    assert opened.rep.get("/automations/c_called/hook").status_code == 403
    assert opened.admin.get("/automations/c_grows/hook").status_code == 404
    assert opened.admin.put("/automations/c_called/hook", {"signed": "yes"}).status_code == 422
    assert opened.admin.put("/automations/c_called/hook", {"signed": True}).json()["signed"] is True
    body = b'{"kind": "order", "title": "signed"}'
    kind = {"Content-Type": "application/json"}
    assert opened.client.post(after["address"], content=body, headers=kind).status_code == 401
    right = "sha256=" + hmac.digest(after["secret"].encode(), body, sha256).hex()
    signed = {**kind, "Patron-Signature": right}
    assert opened.client.post(after["address"], content=body, headers=signed).status_code == 202
    assert opened.client.post(after["address"], content=body + b" ", headers=signed).status_code == 401
    assert opened.admin.put("/automations/c_called/hook", {"signed": False}).json()["signed"] is False


def test_limits_of_an_address(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = opened.admin.get("/automations/c_called/hook").json()
    monkeypatch.setattr(api, "LARGEST", 60)
    body = {"kind": "order", "title": "x" * 10}
    assert call(opened, hook["address"], body).status_code == 202
    large = call(opened, hook["address"], {**body, "more": "y" * 60})
    assert large.status_code == 422 and large.json()["code"] == "limit_hook_body"
    begun = len(opened.admin.get("/runs?rule=c_called").json()["runs"])
    monkeypatch.setattr(hooks, "MOST", begun)
    fast = call(opened, hook["address"], body)
    assert fast.status_code == 422 and fast.json()["code"] == "limit_hook_rate"
    for content, kind in ((b"{", "application/json"), (b"\xff", "text/plain"), (b"a\x00", "text/plain")):
        said = opened.client.post(hook["address"], content=content, headers={"Content-Type": kind})
        assert 400 <= said.status_code < 500, (content, said.status_code)
