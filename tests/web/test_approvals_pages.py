"""Pages of approvals: submitting, the inbox, the decision, what a stranger and a reader see, what bad input does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_testing.crawl import NOWHERE
from patron_testing.web import ADMIN, REP, WORKSPACE, Opened, Person

RULES = f"""
kind: role
name: c_foreman
label: {{en: Foreman}}
for_users: internal
objects: {{yd_job: {{read: own, update: own}}, user: {{read: all}}}}
---
kind: approval
name: c_job
label: {{en: Job approval, zh-CN: 任务审批}}
object: yd_job
on: [submit, {{update: [berth]}}, delete]
when: "name != 'free'"
withdraw: any
urge: 15 minutes
lock: {{while: all, except: [crew]}}
summary: [name, crew]
nodes:
  - {{name: first, label: {{en: Foreman, zh-CN: 工长}}, type: approve, who: {{user: {REP}}}, comment: required_to_reject, fields: {{crew: edit}}}}
  - {{name: size, type: branch, cases: [{{name: big, label: {{en: Large crew}}, when: "crew > 5", nodes: [{{name: second, label: {{en: Office}}, type: approve, who: {{user: {ADMIN}}}}}]}}, {{name: else, nodes: []}}]}}
"""


people: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> Iterator[None]:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    users = {row["email"]: row["id"] for row in opened.admin.rows("user", fields="id,email")}
    people.update(users)
    assert opened.admin.patch(f"/records/user/{users[REP]}", {"roles": ["c_foreman"]}).status_code == 200
    yield


@pytest.fixture
def boss(opened: Opened) -> Person:
    return opened.person()


@pytest.fixture
def rep(opened: Opened) -> Person:
    return opened.person(REP)


def job(opened: Opened, name: str, **values: object) -> str:
    return str(opened.admin.make("yd_job", name=name, **values)["id"])


def submitted(opened: Opened, name: str, **values: object) -> tuple[str, str]:
    """A job that waits for the rep, and his task."""
    id = job(opened, name, **values)
    said = opened.admin.post(f"/records/yd_job/{id}/submit")
    assert said.status_code == 202, said.text
    items = opened.rep.get("/approvals?box=waiting").json()["items"]
    return id, next(i["task"] for i in items if i["record"] == id)


def test_before_submitting_one_sees_the_route(opened: Opened, boss: Person) -> None:
    id = job(opened, "route", crew=7)
    page = boss.page(f"/o/yd_job/{id}")
    assert page.select_one(f"a[href$='/o/yd_job/{id}/submit']") is not None
    ahead = boss.page(f"/o/yd_job/{id}/submit")
    stops = [s.get_text(" ", strip=True) for s in ahead.select(".stop-head strong")]
    assert stops == ["Submitted", "Foreman", "Office"] and "Large crew" in ahead.text
    said = boss.post(f"/o/yd_job/{id}/submit", {"_comment": "please <b>soon</b>"})
    assert said.status_code == 303 and said.headers["location"].endswith(f"{id}?done=submitted")
    page = boss.page(f"/o/yd_job/{id}")
    banner = page.select_one(".approval-banner")
    assert (
        "In approval" in banner.text
        and "Foreman" in banner.text
        and "Locked until it is decided; still open: Crew" in banner.text
    )
    assert "please <b>soon</b>" in banner.text and banner.find("b") is None
    again = boss.post(f"/o/yd_job/{id}/submit", {})
    assert again.status_code == 409 and "being approved already" in again.text


def test_what_fits_no_approval_is_not_submitted(opened: Opened, boss: Person) -> None:
    id = job(opened, "free")
    assert boss.page(f"/o/yd_job/{id}").select_one("a[href$='/submit']") is None
    assert "no approval fits" in boss.page(f"/o/yd_job/{id}/submit").text
    assert boss.post(f"/o/yd_job/{id}/submit", {}).status_code == 422
    assert boss.get(f"/o/yd_job/{NOWHERE}/submit").status_code == 404


def test_the_inbox_lists_narrows_and_counts(opened: Opened, rep: Person, boss: Person) -> None:
    _id, task = submitted(opened, "listed harbour", crew=2)
    page = rep.page("/inbox?box=waiting")
    row = next(li for li in page.select(".inbox-line") if "listed harbour" in li.text)
    assert "Job approval" in row.text and "Foreman" in row.text and "Crew" in row.text
    assert row.select_one(f"a[href$='/approvals/{task}']") and row.select_one(f"input[value='{task}']")
    assert int(rep.get("/inbox/waiting").text) >= 1
    assert "listed harbour" in rep.page("/inbox?box=waiting&q=HARBOUR&approval=c_job").text
    assert "Nothing fits" in rep.page("/inbox?box=waiting&q=elsewhere").text
    assert "Nothing fits" in rep.page("/inbox?box=waiting&until=2001-01-01").text
    assert "listed harbour" in boss.page("/inbox?box=started").text
    assert "listed harbour" in rep.page("/inbox").text and "listed harbour" in rep.page("/").text
    assert rep.get("/inbox?box=nothing").status_code == 422
    assert rep.get("/inbox?box=waiting&since=tomorrow").status_code == 422
    assert rep.get("/inbox?box=waiting&before=x").status_code == 200


def test_a_decision_with_an_edit_that_changes_the_route(opened: Opened, rep: Person, boss: Person) -> None:
    id, task = submitted(opened, "edited", crew=2)
    page = rep.page(f"/approvals/{task}")
    assert page.select_one("form.approval-decide input[name=crew]")["value"] == "2"
    assert page.select_one("form.approval-decide input[name=name]") is None
    refused = rep.post(f"/approvals/{task}", {"_act": "reject", "_comment": ""})
    assert refused.status_code == 422 and 'id="wrong-comment"' in refused.text
    form = {"crew": "9", "_was.crew": "2", "_comment": "more hands"}
    asked = rep.post(f"/approvals/{task}", {**form, "_act": "approve"})
    assert asked.status_code == 409 and "leads to other approvers" in asked.text and "Office" in asked.text
    assert opened.admin.read("yd_job", id)["crew"] == 2
    again = BeautifulSoup(asked.text, "html.parser")
    confirm = again.select_one("input[name=_confirm]")["value"]
    assert (
        again.select_one("input[name=crew]")["value"] == "9"
        and "more hands" in again.select_one("textarea[name=_comment]").text
    )
    done = rep.post(f"/approvals/{task}", {**form, "_act": "approve", "_confirm": confirm})
    assert done.status_code == 303 and done.headers["location"].endswith("?done=approved")
    assert opened.admin.read("yd_job", id)["crew"] == 9
    late = rep.post(f"/approvals/{task}", {"_act": "approve"})
    assert late.status_code == 409 and "decided already" in late.text
    page = boss.page(f"/o/yd_job/{id}")
    assert (
        "Office" in page.select_one(".approval-banner").text
        and "more hands" in page.select_one(".approval-banner").text
    )


def test_what_is_typed_wrong_comes_again(opened: Opened, rep: Person) -> None:
    _id, task = submitted(opened, "wrong", crew=2)
    said = rep.post(f"/approvals/{task}", {"_act": "approve", "crew": "many", "_was.crew": "2"})
    assert said.status_code == 422 and 'value="many"' in said.text
    for name, form in (
        ("transfer", {"_person": "nobody"}),
        ("add_signer", {"_person": "", "_how": "never"}),
        ("return", {"_to": "x"}),
    ):
        assert rep.post(f"/approvals/{task}", {"_act": name, "_comment": "c", **form}).status_code == 422, (
            name
        )
    assert rep.post(f"/approvals/{task}", {"_act": "fly"}).status_code == 404
    assert opened.rep.get(f"/approvals/{task}").json()["state"] == "running"


def test_a_stranger_sees_nothing_and_a_reader_does_not_decide(
    opened: Opened, rep: Person, boss: Person
) -> None:
    _id, task = submitted(opened, "strange")
    assert boss.get(f"/approvals/{NOWHERE}").status_code == 404
    assert boss.post(f"/approvals/{NOWHERE}", {"_act": "approve"}).status_code == 404
    page = boss.page(f"/approvals/{task}")
    assert page.select_one("form.approval-decide") is None and "Withdraw" in page.text
    assert boss.post(f"/approvals/{task}", {"_act": "approve"}).status_code == 403
    assert rep.post(f"/approvals/{task}", {"_act": "end"}).status_code == 403
    assert rep.get("/admin/approvals").status_code == 404


def test_returned_and_submitted_again(opened: Opened, rep: Person, boss: Person) -> None:
    id, task = submitted(opened, "back")
    assert (
        rep.post(
            f"/approvals/{task}", {"_act": "return", "_to": "submitter", "_comment": "too vague"}
        ).status_code
        == 303
    )
    page = boss.page(f"/o/yd_job/{id}")
    assert (
        "too vague" in page.select_one(".approval-banner").text
        and page.select_one("a[href$='/submit']").text.strip() == "Submit again"
    )
    assert boss.post(f"/o/yd_job/{id}/submit", {"_comment": "clearer now"}).status_code == 303
    assert "clearer now" in boss.page(f"/o/yd_job/{id}").select_one(".approval-banner").text


def test_urged_once_and_withdrawn(opened: Opened, boss: Person) -> None:
    id, task = submitted(opened, "slow")
    assert (
        boss.post(f"/approvals/{task}", {"_act": "urge", "_back": "record"})
        .headers["location"]
        .endswith(f"{id}?done=urged")
    )
    again = boss.post(f"/approvals/{task}", {"_act": "urge"})
    assert again.status_code == 409 and "urge again in 15 minutes" in again.text
    assert boss.post(f"/approvals/{task}", {"_act": "withdraw"}).status_code == 303
    assert opened.admin.get(f"/approvals/{task}").json()["state"] == "withdrawn"


def test_several_at_once_each_with_its_result(opened: Opened, rep: Person) -> None:
    _, first = submitted(opened, "batch one")
    _, second = submitted(opened, "batch two")
    opened.rep.post(f"/approvals/{second}/approve", {})
    said = rep.post(
        "/inbox/decide", [("task", first), ("task", second), ("_act", "approve"), ("_comment", "fine")]
    )
    assert said.status_code == 200
    told = BeautifulSoup(said.text, "html.parser").select_one(".inbox > .alert").get_text(" ", strip=True)
    assert "1 approved." in told and "1 not decided" in told and "not running" in told, told
    assert opened.rep.get(f"/approvals/{first}").json()["state"] == "approved"
    assert rep.post("/inbox/decide", [("task", first), ("_act", "sing")]).status_code == 404
    assert rep.post("/inbox/decide", [("task", "x"), ("_act", "approve")]).status_code == 200
    assert "Choose at least one" in rep.post("/inbox/decide", [("_act", "approve")]).text
    many = rep.post("/inbox/decide", [("_act", "approve"), *(("task", str(n)) for n in range(201))])
    assert many.status_code == 422 or many.status_code == 413


def test_a_comment_tells_whom_it_mentions(opened: Opened, rep: Person) -> None:
    _, task = submitted(opened, "spoken")
    mention = ("mention", people[ADMIN])
    said = rep.post(f"/approvals/{task}", [("_act", "comment"), ("_comment", "look @Boss"), mention])
    assert said.status_code == 303
    assert "look @Boss" in rep.page(f"/approvals/{task}").select_one(".approval-log").text
    assert rep.post(f"/approvals/{task}", {"_act": "comment", "_comment": " "}).status_code == 422


def test_a_save_that_waits_says_so(opened: Opened, boss: Person) -> None:
    id = job(opened, "kept")
    berth = str(opened.admin.make("yd_place", name="Berth")["id"])
    form = {
        "berth": berth,
        "_was.berth": "",
        "_version": str(opened.admin.read("yd_job", id)["version"]),
    }
    said = boss.post(f"/o/yd_job/{id}/edit", form)
    assert said.status_code == 303 and said.headers["location"].endswith("?done=asked"), said.text[:500]
    page = boss.page(f"/o/yd_job/{id}?done=asked")
    assert "takes effect when all approve" in page.text and page.select_one(".approval-banner")
    gone = job(opened, "leaves")
    assert boss.post(f"/o/yd_job/{gone}/delete", {}).headers["location"].endswith(f"{gone}?done=asked")
    assert opened.admin.read("yd_job", gone)["name"] == "leaves"


def test_a_locked_record_opens_only_what_is_left(opened: Opened, boss: Person) -> None:
    id, _ = submitted(opened, "shut", crew=1)
    page = boss.page(f"/o/yd_job/{id}/edit")
    assert page.select_one("input[name=crew]:not([readonly])") is not None
    name = page.select_one("[name=name]")
    assert name is None or name.has_attr("readonly") or name.has_attr("disabled")


def test_the_sheet_for_paper(opened: Opened, rep: Person) -> None:
    _, task = submitted(opened, "paper")
    rep.post(f"/approvals/{task}", {"_act": "approve", "_comment": "signed off"})
    page = rep.page(f"/approvals/{task}?print=1")
    assert "Approval sheet" in page.text and "signed off" in page.text and page.select_one("form") is None
