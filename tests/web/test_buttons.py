"""Buttons: automations that people start from a record, from a list, over the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_platform.jobs.flow import work_flows
from patron_testing.web import REP, WORKSPACE, Opened

RULES = """
kind: role
name: c_presser
label: {en: Presser}
objects: {yd_job: {read: all, update: all, bulk: true}}
---
kind: automation
name: c_close
label: {en: Close job, zh-CN: 结束工单}
object: yd_job
on: {event: button, name: close_job, label: {en: Close job, zh-CN: 结束工单}, roles: [c_presser], confirm: true, ask: [{field: crew, required: "urgent"}, note]}
when: "share == 50"
run_as: system
steps:
  - {name: shut, do: update, set: {share: 100, hours: "=IF(event.crew > 5, 7200, 3600)"}}
  - {name: tell, do: update, set: {name: "=CONCAT('closed: ', event.note)"}}
---
kind: automation
name: c_raise
label: {en: Raise}
object: yd_job
on: [{event: button, label: {en: Raise the crew}}]
run_as: causer
steps: [{name: more, do: update, set: {crew: "=COALESCE(crew, 0) + 200"}}]
---
kind: automation
name: c_later
label: {en: Later}
object: yd_job
on: {event: button, label: {en: Later}}
once: per_record
steps: [{name: pause, do: wait, for: 2 days}, {name: mark, do: update, set: {marks: [late]}}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> None:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    rep = next(u for u in opened.admin.rows("user") if u["email"] == REP)
    assert opened.admin.patch(f"/records/user/{rep['id']}", {"roles": ["c_presser"]}).status_code == 200


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def job(opened: Opened, **values: Any) -> str:
    said = opened.admin.post("/records/yd_job", {"name": "press", **values}, params={"confirm": "big_crew"})
    assert said.status_code == 201, said.text
    return str(said.json()["id"])


def press(opened: Opened, id: str, name: str, body: Any = None) -> Any:
    return opened.rep.post(f"/records/yd_job/{id}/buttons/{name}", body)


def test_a_button_runs_at_once_and_says_what_became_of_it(opened: Opened) -> None:
    id = job(opened)
    offered = {b["name"]: b for b in opened.rep.get(f"/records/yd_job/{id}/buttons").json()["buttons"]}
    assert set(offered) == {"close_job", "c_raise", "c_later"}
    assert offered["close_job"]["confirm"] is True
    assert [a["field"] for a in offered["close_job"]["ask"]] == ["crew", "note"]
    said = press(opened, id, "close_job", {"fields": {"crew": 9, "note": "all done"}})
    assert said.status_code == 200 and said.json()["state"] == "done", said.text
    now = opened.admin.get(f"/records/yd_job/{id}?fields=crew,note,hours").json()
    assert (now["crew"], now["note"], now["hours"]) == (9, "all done", 7200)
    assert opened.admin.read("yd_job", id)["name"] == "closed: all done"
    run = opened.admin.get(f"/runs/{said.json()['run']}").json()
    assert run["event"] == "button" and [t["outcome"] for t in run["taken"]] == ["done", "done"]
    again = press(opened, id, "close_job", {"fields": {}})
    assert again.status_code == 409 and again.json()["code"] == "button_unfit"
    assert "close_job" not in opened.rep.get(f"/records/yd_job/{id}/buttons").text


def test_what_is_asked_for_is_asked_and_nothing_else_taken(opened: Opened) -> None:
    id = job(opened, urgent=True)
    missing = press(opened, id, "close_job", {"fields": {"note": "x"}})
    assert missing.status_code == 422 and missing.json()["problems"][0]["field"] == "crew"
    assert opened.admin.get(f"/records/yd_job/{id}?fields=note").json()["note"] in (None, "")
    other = press(opened, id, "close_job", {"fields": {"crew": 1, "name": "stolen"}})
    assert other.status_code == 422 and other.json()["problems"][0]["code"] == "not_asked"
    bad = press(opened, id, "close_job", {"fields": {"crew": -1}})
    assert bad.status_code == 422 and opened.admin.read("yd_job", id)["share"] != "100.00"
    for body in ({"fields": []}, {"confirm": 3}, {"x": 1}):
        assert press(opened, id, "close_job", body).status_code == 422, body
    assert press(opened, id, "close_job", {"fields": {"crew": 2}}).json()["state"] == "done"


def test_what_the_first_step_refuses_is_refused_whole(opened: Opened) -> None:
    id = job(opened, crew=400)
    said = press(opened, id, "c_raise")
    assert said.status_code == 422 and "500" in said.text
    assert opened.admin.read("yd_job", id)["crew"] == 400
    assert opened.admin.get(f"/runs?record={id}").json()["runs"] == []


def test_buttons_are_for_their_roles_and_records_one_may_read(opened: Opened) -> None:
    id = job(opened)
    assert opened.foreign.post(f"/records/yd_job/{id}/buttons/c_raise").status_code == 404
    assert press(opened, id, "nothing").status_code == 404
    assert opened.stranger.post(f"/records/yd_job/{id}/buttons/c_raise").status_code == 401
    missing = "00000000-0000-7000-8000-000000000000"
    assert press(opened, missing, "c_raise").status_code == 404


def test_what_waits_says_so_and_goes_on_by_itself_once(opened: Opened) -> None:
    id = job(opened)
    said = press(opened, id, "c_later").json()
    assert said["state"] == "waiting"
    again = press(opened, id, "c_later")
    assert again.status_code == 409 and again.json()["code"] == "button_once"
    work_flows(opened.service.runtime.workspace(WORKSPACE))
    assert opened.admin.get(f"/runs/{said['run']}").json()["state"] == "waiting"


def test_the_page_asks_and_comes_back_with_what_was_done(opened: Opened) -> None:
    id = job(opened, urgent=True)
    person = opened.person(REP, "zh-CN")
    page = person.page(f"/o/yd_job/{id}")
    assert (
        page.select_one(f"a.record-button[href$='/o/yd_job/{id}/buttons/close_job']").text.strip()
        == "结束工单"
    )
    form = person.page(f"/o/yd_job/{id}/buttons/close_job")
    assert form.select_one("h1").text == "结束工单"
    assert {n["data-field"] for n in form.select("[data-field]")} == {"crew", "note"}
    assert form.select_one("[data-field=crew] .field-required") is not None
    wrong = person.post(f"/o/yd_job/{id}/buttons/close_job", {"note": "typed"})
    assert wrong.status_code == 422 and "typed" in wrong.text
    done = person.post(f"/o/yd_job/{id}/buttons/close_job", {"crew": "3", "note": "typed", "_save": "1"})
    assert done.status_code == 303 and "?run=" in done.headers["location"]
    assert opened.admin.read("yd_job", id)["crew"] == 3
    landed = person.page(done.headers["location"].partition(f"/w/{WORKSPACE}")[2])
    assert "已执行" in landed.select_one(".flash").text
    raised = person.post(f"/o/yd_job/{id}/buttons/c_raise")
    assert raised.status_code == 303 and opened.admin.read("yd_job", id)["crew"] == 203
    opened.admin.patch(f"/records/yd_job/{id}", {"crew": 450}, params={"confirm": "big_crew"})
    refused = person.post(f"/o/yd_job/{id}/buttons/c_raise")
    assert refused.status_code == 422 and "500" in refused.text


def test_a_button_is_pressed_for_chosen_records_of_a_list(opened: Opened) -> None:
    ids = [job(opened, name=f"bulk {n}", crew=n) for n in (1, 2, 450)]
    person = opened.person(REP)
    assert "c_raise" in [b.get("value") for b in person.page("/o/yd_job").select("button[name=button]")]
    chosen = [("button", "c_raise"), *(("id", id) for id in ids)]
    asked = person.post("/list/yd_job/press", chosen)
    assert asked.status_code == 200 and "for 3 records" in asked.text
    done = person.post("/list/yd_job/press", [*chosen, ("sure", "1")])
    assert done.status_code == 200 and "bulk 450" in done.text and "bulk 2<" not in done.text
    assert [opened.admin.read("yd_job", id)["crew"] for id in ids] == [201, 202, 450]
    closing = [("button", "close_job"), *(("id", id) for id in ids[:2])]
    form = person.post("/list/yd_job/press", closing)
    assert 'name="crew"' in form.text and 'name="note"' in form.text
    assert person.post("/list/yd_job/press", [*closing, ("sure", "1"), ("note", "n"), ("crew", "4")]).status_code == 303  # fmt: skip
    assert opened.admin.get(f"/records/yd_job/{ids[0]}?fields=note").json()["note"] == "n"
    fake = [("id", f"00000000-0000-7000-8000-{n:012}") for n in range(201)]
    assert person.post("/list/yd_job/press", [("button", "c_raise"), *fake[:200]]).status_code == 200
    over = person.post("/list/yd_job/press", [("button", "c_raise"), *fake])
    assert over.status_code == 422 and "200" in over.text
