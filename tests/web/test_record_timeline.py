"""What happened with a record: follow-ups, comments, its history, and what is new since one looked."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.record.change import Change
from patron_testing.web import REP, WORKSPACE, Opened, Person


def test_a_follow_up_makes_an_activity_and_the_task_of_its_next_date(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Follow me")
    form = {"kind": "visit", "text": "Saw the plant\nand had tea", "next": "2099-01-02T09:00"}
    said = me.post(f"/o/account/{account['id']}/follow-up", form)
    assert said.status_code == 303, said.text
    activity = opened.admin.rows(
        "activity", where=f"account == '{account['id']}'", fields="id,kind,subject,content,next_contact_at"
    )
    assert [(a["kind"], a["subject"]) for a in activity] == [("visit", "Saw the plant")]
    assert activity[0]["content"] == "Saw the plant\nand had tea"
    tasks = opened.admin.rows(
        "task", where="title == 'Saw the plant'", fields="due,about,account,owner,status"
    )
    assert [(t["due"], t["about"]["id"], t["status"]) for t in tasks] == [
        ("2099-01-02", activity[0]["id"], "open")
    ]
    assert tasks[0]["account"]["id"] == account["id"], "the task is one of the account's"
    page = me.page(f"/o/account/{account['id']}?tab=all_tasks")
    assert "Saw the plant" in page.select_one("#timeline").get_text()
    assert "Saw the plant" in page.select_one(".related table").get_text()
    page = me.page(f"/o/account/{account['id']}?kind=task")
    assert "Saw the plant" in page.select_one("#timeline").get_text()


def test_a_follow_up_without_words_comes_back_with_what_was_typed(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Quiet")
    said = me.post(f"/o/account/{account['id']}/follow-up", {"kind": "email", "text": " ", "next": "never"})
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    assert page.select_one("input[name=kind][checked]")["value"] == "email"
    assert page.select_one("input[name=next]")["value"] == "never"
    assert "Say what was done." in page.select_one(".composer [role=alert]").get_text()
    assert opened.admin.rows("activity", where=f"account == '{account['id']}'") == []


def test_a_comment_is_its_writers_own(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Talk")
    here = f"/o/account/{account['id']}"
    colleague = opened.admin.rows("user", where=f"email == '{REP}'")[0]
    said = me.post(f"{here}/comments", [("body", "Look @rep"), ("mention", colleague["id"])])
    assert said.status_code == 303
    found = opened.admin.rows("comment", where="body == 'Look @rep'", fields="id,mentions")[0]
    assert [m["id"] for m in found["mentions"]] == [colleague["id"]]
    assert me.post(f"{here}/comments/{found['id']}", {"body": "Looked"}).status_code == 303
    assert "Looked" in me.page(here).select_one("#timeline").get_text()
    other = opened.admin.make("account", name="Elsewhere")
    assert me.post(f"/o/account/{other['id']}/comments/{found['id']}", {"body": "x"}).status_code == 404
    assert me.post(f"{here}/comments/{found['id']}", {"body": "", "delete": "1"}).status_code == 303
    assert "Looked" not in me.page(here).select_one("#timeline").get_text()
    assert me.post(f"{here}/comments", {"body": ""}).status_code == 422


def test_the_history_tells_before_and_after_and_who(opened: Opened, me: Person) -> None:
    api = opened.admin
    one, two = api.make("account", name="First"), api.make("account", name="Second")
    job = api.make("yd_job", name="Told", crew=1, about={"object": "account", "id": one["id"]})
    api.patch(f"/records/yd_job/{job['id']}", {"crew": 2, "about": {"object": "account", "id": two["id"]}})
    api.patch(f"/records/yd_job/{job['id']}", {"crew": 5, "class": "build"})
    page = me.page(f"/o/yd_job/{job['id']}?kind=change")
    told = [" ".join(c.get_text(" ", strip=True).split()) for c in page.select(".change")]
    assert told[:2] == ["Class Repair Build", "Crew 2 5"] or told[:2] == ["Crew 2 5", "Class Repair Build"]
    assert sorted(told[2:4]) == ["About First Second", "Crew 1 2"]
    assert "created the record" in page.select(".timeline-change")[-1].get_text()


def test_the_timeline_is_read_to_its_end_and_shows_everything_once(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Busy")
    about = {"object": "account", "id": account["id"]}
    for n in range(27):
        opened.admin.make(
            "activity", kind="call", subject=f"Call {n:02}", about=about, at=f"2026-10-{n % 9 + 1:02}"
        )
    for n in range(18):
        opened.admin.make("comment", body=f"Comment {n:02}", about=about)
    address: str | None = f"/o/account/{account['id']}/timeline"
    seen: list[str] = []
    days: list[str] = []
    while address:
        page = me.page(address)
        seen += [e["id"] for e in page.select(".timeline-entry")]
        days += [e["datetime"] for e in page.select(".timeline-comment time")]
        more = page.select_one(".timeline-more a")
        address = more["href"].removeprefix("/w/acme") if more else None
    assert len(seen) == len(set(seen)) == 27 + 18 + 1  # and that it was created
    assert days == sorted(days, reverse=True)
    assert me.get(f"/o/account/{account['id']}/timeline?after=%22%3Cscript").status_code == 422


def test_what_others_did_since_one_last_looked_is_told_once(
    opened: Opened, me: Person, monkeypatch: Any
) -> None:
    account = opened.admin.make("account", name="Watched")
    here = f"/o/account/{account['id']}"
    assert me.page(here).select_one(".news") is None
    with opened.service.runtime.workspace("acme").connection("write") as conn:
        conn.execute(
            f"UPDATE {opened.service.runtime.workspace('acme').schema}.sys__look SET at = at - interval '1 day'"
        )
    opened.rep  # noqa: B018
    from patron_engine.actor import SYSTEM
    from patron_engine.record.change import Change

    change = Change(action="update", object="account", id=account["id"], set={"short_name": "W"})
    opened.service.runtime.workspace("acme").save(SYSTEM, [change])
    news = me.page(here).select_one(".news")
    assert news is not None and "Short name" in news.get_text()


def test_the_history_of_a_record_that_changed_often_is_read_to_its_end(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Often", crew=0)
    for crew in range(1, 56):
        opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": crew})
    address: str | None = f"/o/yd_job/{job['id']}/timeline?kind=change"
    told: list[str] = []
    pages = 0
    while address:
        page = me.page(address)
        told += [" ".join(c.get_text(" ", strip=True).split()) for c in page.select(".change")]
        more = page.select_one(".timeline-more a")
        address = more["href"].removeprefix("/w/acme") if more else None
        pages += 1
    assert told == [f"Crew {crew - 1} {crew}" for crew in range(55, 0, -1)] and pages == 3


def test_the_history_is_narrowed_by_field_and_person(opened: Opened, me: Person) -> None:
    api = opened.admin
    job = api.make("yd_job", name="Narrow", crew=1, note="a")
    colleague = api.rows("user", where=f"email == '{REP}'", fields="id")[0]["id"]
    workspace = opened.service.runtime.workspace(WORKSPACE)

    def change(actor: Actor, cause: Cause | None = None, **values: Any) -> None:
        workspace.save(
            actor, [Change(action="update", object="yd_job", id=job["id"], set=values)], cause=cause
        )

    change(Actor(user=colleague, administrator=True), crew=2, note="b")
    api.patch(f"/records/yd_job/{job['id']}", {"note": "c"})
    change(SYSTEM, Cause(kind="automation", detail={"automation": "tidy"}), crew=4)
    change(
        Actor(user=colleague, administrator=True),
        Cause(kind="import", detail={"import": "x", "row": 7}),
        note="d",
    )

    def told(narrow: str) -> list[str]:
        page = me.page(f"/o/yd_job/{job['id']}/timeline?kind=change{narrow}")
        return [" ".join(c.get_text(" ", strip=True).split()) for c in page.select(".change")]

    assert told("&field=crew")[0] == "Crew 2 4"
    assert sorted(told("&field=crew")[1:]) == ["Crew 1 2", "Note a b"]
    assert told(f"&by={colleague}")[0] == "Note c d" and len(told(f"&by={colleague}")) == 3
    assert told("&by=system") == ["Crew 2 4"]
    assert (
        told(f"&by={colleague}&field=name") == [] and told("&by=nobody") == [] and told("&field=pass") == []
    )
    page = me.page(f"/o/yd_job/{job['id']}?kind=change")
    said = " ".join(page.select_one("#timeline-entries").get_text(" ", strip=True).split())
    assert "by an import, row 7" in said and "by the automation tidy" in said
    names = [option["value"] for option in page.select("select[name=field] option")]
    assert "crew" in names and "pass" not in names and "version" not in names
    assert {o["value"] for o in page.select("select[name=by] option")} >= {"", "system", colleague}
    assert me.get(f"/o/yd_job/{job['id']}/timeline?kind=change&field={'x' * 3000}").status_code == 200


def test_a_place_that_is_none_is_refused(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Lost")
    for cursor in ("x", "9" * 5_000, "-1e3"):
        after = urlsafe_b64encode(json.dumps({"~changes": [cursor, 0]}).encode()).decode().rstrip("=")
        said = me.get(f"/o/yd_job/{job['id']}/timeline?kind=change&after={after}")
        assert said.status_code == 422, (cursor[:9], said.status_code)


def test_ones_own_changes_are_no_news(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Mine")
    here = f"/o/account/{account['id']}"
    me.page(here)
    workspace = opened.service.runtime.workspace(WORKSPACE)
    with workspace.connection("write") as conn:
        conn.execute(f"UPDATE {workspace.schema}.sys__look SET at = at - interval '1 day'")
    opened.admin.patch(f"/records/account/{account['id']}", {"short_name": "M"})
    assert me.page(here).select_one(".news") is None


def test_a_follow_up_straight_from_a_list(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="From the list")
    row = me.page("/o/account?where=name == 'From the list'").select_one("a.list-follow")
    ask = row["href"].removeprefix("/w/acme")
    assert "From the list" in me.page(ask).h2.get_text()
    part = me.get(ask, headers={"HX-Request": "true"}).text
    assert "<html" not in part
    back = BeautifulSoup(part, "html.parser").select_one("input[name=back]")["value"]
    assert back.startswith("/w/acme/o/account")
    here = f"/o/account/{account['id']}/follow-up"
    refused = me.post(here, {"kind": "email", "text": " ", "next": "2099-01-02T09:00", "back": back})
    again = BeautifulSoup(refused.text, "html.parser")
    assert refused.status_code == 422 and again.select_one("input[name=kind][checked]")["value"] == "email"
    assert (
        again.select_one("input[name=back]")["value"] == back and again.select_one("[role=alert]") is not None
    )
    said = me.post(here, {"kind": "call", "text": "Rang", "next": "2099-01-02T09:00", "back": back})
    assert said.status_code == 303 and said.headers["location"].startswith("/w/acme/o/account")
    rows = opened.admin.rows("activity", where=f"account == '{account['id']}'", fields="subject")
    tasks = opened.admin.rows("task", where="title == 'Rang'", fields="due")
    assert [r["subject"] for r in rows] == ["Rang"] and [t["due"] for t in tasks] == ["2099-01-02"]
    flash = me.page(said.headers["location"].removeprefix("/w/acme")).select_one(".flash")
    assert me.post(flash.form["action"].removeprefix("/w/acme"), {"back": back}).status_code == 303
    assert opened.admin.rows("activity", where=f"account == '{account['id']}'") == []
    elsewhere = me.post(here, {"kind": "call", "text": "Rang", "back": "//evil.example/"})
    assert elsewhere.headers["location"].startswith("/w/acme/o/account/")
    assert (
        me.get("/o/yd_place/" + opened.admin.make("yd_place", name="Quiet")["id"] + "/follow-up").status_code
        == 404
    )
    assert opened.person(REP).get(here).status_code == 404
