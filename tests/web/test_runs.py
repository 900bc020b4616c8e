"""Runs of automations: a worker carries them on, administrators see what they did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_engine.record.change import Change
from patron_platform.jobs import flow
from patron_platform.jobs.flow import work_flows
from patron_testing.web import WORKSPACE, Opened

RULES = """
kind: automation
name: c_reports
label: {en: Reports crews, zh-CN: 班组上报}
object: yd_job
on: {event: created}
when: "name == 'flow'"
steps:
  - {name: size, do: branch, cases: [{name: big, when: "crew > 3", steps: [{name: small, do: update, set: {crew: 3}}]}, {name: else, steps: []}]}
---
kind: automation
name: c_breaks
label: {en: Breaks}
object: yd_job
on: {event: created}
when: "name == 'breaks'"
run_as: causer
steps: [{name: bad, do: update, set: {crew: "=crew - 1000000"}}]
---
kind: automation
name: c_waits
object: yd_job
on: {event: created}
when: "name == 'waits'"
steps: [{name: pause, do: wait, for: 1 days, until: "crew == 2"}, {name: size, do: update, set: {crew: 11}}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> Iterator[None]:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    yield


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def work(opened: Opened) -> None:
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass


def make(opened: Opened, name: str, crew: int) -> str:
    said = opened.admin.post("/records/yd_job", {"name": name, "crew": crew})
    assert said.status_code == 201, said.text
    return str(said.json()["id"])


def test_a_run_is_listed_and_opened_step_by_step(opened: Opened) -> None:
    job = make(opened, "flow", 7)
    work(opened)
    assert opened.admin.get(f"/records/yd_job/{job}").json()["crew"] == 3
    run = opened.admin.get(f"/runs?record={job}").json()["runs"][0]
    assert (run["rule"], run["state"], run["event"]) == ("c_reports", "done", "created")
    taken = opened.admin.get(f"/runs/{run['id']}").json()["taken"]
    assert [(t["step"], t["outcome"]) for t in taken] == [
        ("steps.size", "chosen"), ("steps.size.cases.big.steps.small", "done"),
    ]  # fmt: skip
    person = opened.person()
    row = person.page("/runs?rule=c_reports").select_one(".audit-rows tbody tr")
    assert "Reports crews" in row.text and "Done" in row.text and "flow" in row.text
    page = person.page(f"/runs/{run['id']}")
    assert "Branch / big / Change the record" in page.text and "Branch: big" in page.text
    assert page.select_one(f".audit-rows a[href$='/o/yd_job/{job}']") is not None


def test_a_run_that_cannot_go_on_is_parked_and_replayed_or_given_up(opened: Opened) -> None:
    make(opened, "breaks", 1)
    work(opened)
    place = opened.service.runtime.workspace(WORKSPACE)
    run = opened.admin.get("/runs?rule=c_breaks").json()["runs"][0]
    assert run["state"] == "ready" and run["attempts"] == 1 and run["due_at"]
    assert opened.admin.post(f"/runs/{run['id']}/replay").status_code == 409
    with place.connection("write") as conn, conn.transaction():
        conn.execute(f"UPDATE {place.schema}.sys__run SET state = 'parked' WHERE id = %s", (run["id"],))  # type: ignore[arg-type]
    person = opened.person()
    page = person.page(f"/runs/{run['id']}")
    assert page.select_one("form[action$='/replay']") is not None
    assert person.post(f"/runs/{run['id']}/replay").status_code == 303
    work(opened)
    again = opened.admin.get(f"/runs/{run['id']}").json()
    assert again["state"] == "ready" and again["attempts"] == 1
    with place.connection("write") as conn, conn.transaction():
        conn.execute(f"UPDATE {place.schema}.sys__run SET state = 'parked' WHERE id = %s", (run["id"],))  # type: ignore[arg-type]
    assert opened.admin.post(f"/runs/{run['id']}/give_up").status_code == 204
    assert opened.admin.get(f"/runs/{run['id']}").json()["state"] == "given_up"
    assert person.post(f"/runs/{run['id']}/give_up").status_code == 409
    noted = [e for e in opened.admin.get("/audit").json()["entries"] if e["about"] == "c_breaks"]
    assert [(e["action"], e["detail"]["run"]) for e in noted] == [
        ("run_given_up", run["id"]),
        ("run_replayed", run["id"]),
    ]
    assert "Gave a run up" in person.page("/audit").text


def test_a_run_that_waits_ends_on_its_version_and_what_nobody_foresaw_puts_off_it_alone(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make(opened, "waits", 1)
    work(opened)
    place = opened.service.runtime.workspace(WORKSPACE)
    newer, problems = read_documents(RULES.replace("crew: 11", "crew: 22"), "c.yaml")
    assert not problems
    place.publish(SYSTEM, place.plan_own(newer))
    assert opened.admin.patch(f"/records/yd_job/{job}", {"crew": 2}).status_code == 200

    def broken(*given: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(flow, "load_model", broken)
        work(opened)
    run = opened.admin.get(f"/runs?record={job}").json()["runs"][0]
    assert (run["state"], run["attempts"]) == ("ready", 1), "it is tried again later, and holds up nobody"
    with place.connection("write") as conn, conn.transaction():
        conn.execute(f"UPDATE {place.schema}.sys__run SET due_at = NULL WHERE id = %s", (run["id"],))  # type: ignore[arg-type]
    work(opened)
    assert opened.admin.read("yd_job", job)["crew"] == 11


def test_runs_are_not_for_others(opened: Opened) -> None:
    assert opened.rep.get("/runs").status_code == 403
    assert opened.stranger.get("/runs").status_code in (401, 403)
    missing = "00000000-0000-7000-8000-000000000000"
    assert opened.admin.get(f"/runs/{missing}").status_code == 404
    assert opened.person().get(f"/runs/{missing}").status_code == 404
    assert opened.admin.get("/runs?before=x").status_code == 422


def test_changes_of_an_automation_say_so_in_the_history(opened: Opened) -> None:
    job = make(opened, "flow", 9)
    work(opened)
    history = opened.admin.get(f"/records/yd_job/{job}/history").json()
    cause = history["entries"][0]["cause"] if "entries" in history else history["history"][0]["cause"]
    assert cause["kind"] == "automation" and cause["rule"] == "c_reports"


def test_a_save_that_starts_nothing_leaves_nothing(opened: Opened) -> None:
    place = opened.service.runtime.workspace(WORKSPACE)
    place.save(SYSTEM, [Change(action="create", object="yd_job", set={"name": "quiet"})])
    with place.connection("read") as conn:
        assert conn.execute(f"SELECT count(*) FROM {place.schema}.sys__event").fetchone() == (0,)  # type: ignore[arg-type]


def test_the_character_nul_in_an_address_is_refused(opened: Opened) -> None:
    person = opened.person()
    for path in ("/runs?rule=%00", "/audit?who=%00", "/o/yd_job?q=%00", "/search?q=%00"):
        assert person.get(path).status_code in (200, 303, 422), path
