"""An own object with lines, decided by somebody who has no role for it: what he sees and writes at his step, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_platform.jobs.flow import work_flows
from patron_testing.web import ADMIN, REP, WORKSPACE, Api, Opened

RULES = f"""
kind: object
name: c_purchase
label: {{en: Purchase}}
plural: {{en: Purchases}}
title: name
fields:
  - {{name: name, type: text, label: {{en: Name}}}}
  - {{name: reason, type: text, label: {{en: Reason}}}}
  - {{name: motive, type: text, label: {{en: Motive}}}}
  - {{name: budget, type: integer, label: {{en: Budget}}}}
  - {{name: margin, type: integer, label: {{en: Margin}}}}
  - {{name: spent, type: money, label: {{en: Spent}}}}
  - {{name: secretly, type: text, sensitive: true, label: {{en: Bank}}}}
---
kind: object
name: c_purchase_line
label: {{en: Line}}
plural: {{en: Lines}}
title: what
fields:
  - {{name: purchase, type: master, to: c_purchase, label: {{en: Purchase}}, reverse: {{name: lines, label: {{en: Lines}}}}}}
  - {{name: what, type: text, label: {{en: What}}}}
  - {{name: price, type: integer, label: {{en: Price}}}}
  - {{name: cost, type: integer, label: {{en: Cost}}}}
---
kind: role
name: c_buyer
label: {{en: Buyer}}
for_users: internal
objects: {{c_purchase: {{read: all, update: all}}, user: {{read: all}}}}
---
kind: approval
name: c_buying
label: {{en: Buying}}
object: c_purchase
on: [submit]
withdraw: any
lock: {{while: all, except: [reason]}}
summary: [name, budget]
nodes:
  - name: first
    label: {{en: Buyer}}
    type: approve
    who: {{user: {REP}}}
    fields: {{budget: edit, margin: hidden, lines.price: edit, lines.cost: hidden}}
  - {{name: office, label: {{en: Office}}, type: approve, who: {{user: {ADMIN}}}, signature: true}}
"""


RULES += f"""
---
kind: approval
name: c_budget
label: {{en: Budget change}}
object: c_purchase
on: [{{update: [margin]}}, transfer, {{button: c_ask}}]
nodes:
  - {{name: only, label: {{en: Controller}}, type: approve, who: {{user: {REP}}}}}
"""


RULES += f"""
---
kind: approval
name: c_reason
label: {{en: Reason}}
object: c_purchase
on: [{{update: [motive]}}, delete]
title: {{en: "Why {{{{ name }}}}"}}
same_person: skip_consecutive
nodes:
  - name: who
    label: {{en: Reader, zh-CN: 阅读人}}
    type: approve
    who: {{chosen_by: submitter, from: {{user: [{REP}, {ADMIN}]}}}}
    allow: [transfer, finish]
    among: {{user: {ADMIN}}}
  - {{name: copy, type: cc, who: {{role: c_nobody}}}}
  - {{name: later, type: approve, who: {{user: {ADMIN}}}}}
---
kind: role
name: c_nobody
label: {{en: Nobody}}
for_users: internal
---
kind: automation
name: c_ruled
object: c_purchase
on: {{event: updated, fields: [budget]}}
when: "name == 'ruled'"
steps: [{{name: ask, do: update, set: {{motive: rule}}}}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> Iterator[None]:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems, problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))
    yield


def roles(opened: Opened, *names: str) -> None:
    users = {row["email"]: row["id"] for row in opened.admin.rows("user", fields="id,email")}
    assert opened.admin.patch(f"/records/user/{users[REP]}", {"roles": list(names)}).status_code == 200


def submitted(opened: Opened, name: str) -> tuple[str, dict[str, Any]]:
    lines = [{"what": "pipe", "price": 3, "cost": 1}]
    made = opened.admin.make(
        "c_purchase", name=name, budget=5, margin=2, secretly="x", reason="r", lines=lines
    )
    said = opened.admin.post(f"/records/c_purchase/{made['id']}/submit")
    assert said.status_code == 202, said.text
    items = opened.rep.get("/approvals?box=waiting").json()["items"]
    return str(made["id"]), next(i for i in items if i["record"] == made["id"])


def test_without_a_role_he_sees_and_writes_what_his_step_gives_him(opened: Opened) -> None:
    roles(opened)
    id, item = submitted(opened, "no role")
    assert item["title"] == "no role" and [s["value"] for s in item["summary"]] == ["no role", 5]
    assert opened.rep.get(f"/records/c_purchase/{id}").status_code == 404
    seen = opened.rep.get(f"/approvals/{item['task']}").json()
    assert {f["name"]: f["right"] for f in seen["fields"]} == {
        "budget": "edit",
        "margin": "hidden",
        "lines": "read",
    }
    assert (
        seen["values"]["reason"] == "r"
        and "margin" not in seen["values"]
        and "secretly" not in seen["values"]
    )
    (line,) = seen["values"]["lines"]
    assert line["price"] == 3 and "cost" not in line
    page = opened.person(REP).page(f"/approvals/{item['task']}")
    assert page.find("input", {"name": "budget"}) is not None and "pipe" in page.get_text()
    assert page.find("a", href=f"/w/{WORKSPACE}/o/c_purchase/{id}") is None
    sent = {"fields": {"budget": 7, "lines": [{"id": line["id"], "price": 4}]}}
    done = opened.rep.post(f"/approvals/{item['task']}/approve", sent)
    assert done.status_code == 200, done.text
    assert opened.admin.read("c_purchase", id)["budget"] == 7
    ended = opened.rep.get(f"/approvals/{item['task']}").json()
    assert ended["values"]["budget"] == 7 and "margin" not in ended["values"]


def test_what_a_step_hides_is_hidden_in_the_records_too(opened: Opened) -> None:
    roles(opened, "c_buyer")
    id, _ = submitted(opened, "hidden")
    other = opened.admin.make("c_purchase", name="free", margin=9)["id"]
    rows = {r["id"]: r for r in opened.rep.rows("c_purchase", fields="id,name,margin,budget")}
    assert rows[id].get("margin") is None and rows[id]["budget"] == 5 and rows[other]["margin"] == 9
    assert opened.rep.get(f"/records/c_purchase/{id}").json().get("margin") is None
    lines = opened.rep.rows("c_purchase_line", fields="purchase,price,cost", where=f"purchase == '{id}'")
    assert lines[0]["price"] == 3 and lines[0].get("cost") is None
    assert opened.rep.rows("c_purchase", fields="id", where=f"margin == 2 and id == '{id}'") == []
    assert opened.admin.read("c_purchase", id)["margin"] == 2
    opened.admin.post(f"/records/c_purchase/{id}/approval/withdraw")


def test_changes_since_the_last_step_and_files(opened: Opened) -> None:
    roles(opened)
    id, item = submitted(opened, "changes")
    opened.admin.patch(f"/records/c_purchase/{id}", {"reason": "seen by the first"})
    first = opened.rep.get(f"/approvals/{item['task']}").json()
    assert [(d["field"], d["before"], d["now"]) for d in first["differences"]] == [
        ("reason", "r", "seen by the first")
    ]
    line = first["values"]["lines"][0]["id"]
    sent = {
        "fields": {"budget": 9, "lines": [{"id": line, "price": 8}]},
        "files": [upload(opened.rep, "offer.txt")],
    }
    done = opened.rep.post(f"/approvals/{item['task']}/approve", sent)
    assert done.status_code == 200, done.text
    seen = opened.admin.get(f"/records/c_purchase/{id}/approval").json()["instance"]
    assert {d["field"]: (d["before"], d["now"]) for d in seen["differences"]} == {
        "budget": (5, 9),
        "lines[0].price": (3, 8),
    }
    page = opened.person().page(f"/approvals/{seen['mine'][0]['task']}")
    assert "offer.txt" in page.get_text() and "Changed since the last step" in page.get_text()
    file = sent["files"][0]
    assert opened.admin.get(f"/files/{file}").status_code == 200
    assert opened.stranger.get(f"/files/{file}").status_code in (401, 404)
    task, sign = seen["mine"][0]["task"], upload(opened.admin, "sign.png")
    assert opened.admin.post(f"/approvals/{task}/approve", {"signature": file}).status_code == 422
    ended = opened.admin.post(f"/approvals/{task}/approve", {"signature": sign})
    assert ended.status_code == 200 and ended.json()["state"] == "approved", ended.text
    assert opened.rep.get(f"/files/{sign}").status_code == 200
    too_many = {"comment": "x", "files": [sign] * 11}
    assert (
        opened.admin.post(f"/records/c_purchase/{id}/approval/comment", too_many).json()["code"]
        == "limit_approval_files"
    )


def upload(who: Api, name: str) -> str:
    said = who.call("POST", "/files", files={"file": (name, b"bytes")})
    assert said.status_code == 201, said.text
    return str(said.json()["id"])


def test_changes_of_many_and_of_a_cell_say_that_they_wait(opened: Opened) -> None:
    ids = [opened.admin.make("c_purchase", name=f"many {n}", margin=1)["id"] for n in range(2)]
    boss = opened.person()
    form = [
        *(("id", id) for id in ids),
        ("act", "edit"),
        ("field", "margin"),
        ("how", "set"),
        ("value", "4"),
        ("sure", "1"),
    ]
    told = boss.post("/list/c_purchase/bulk", form)
    assert told.status_code == 200, told.headers
    assert "2 wait for approval" in told.text and "Sent for approval" in told.text
    assert [opened.admin.read("c_purchase", id)["margin"] for id in ids] == [1, 1]
    one = opened.admin.make("c_purchase", name="cell", margin=1)
    cell = {"value": "5", "version": str(one["version"])}
    said = boss.post(
        f"/list/c_purchase/cell?id={one['id']}&path=margin", cell, headers={"HX-Request": "true"}
    )
    assert said.status_code == 200 and "Sent for approval" in said.text, said.text[:500]


def test_a_button_of_an_approval_is_pressed_as_any_other(opened: Opened) -> None:
    id = opened.admin.make("c_purchase", name="button")["id"]
    path = f"/records/c_purchase/{id}/buttons"
    assert "c_ask" in [b["name"] for b in opened.admin.get(path).json()["buttons"]]
    said = opened.admin.post(f"{path}/c_ask")
    assert (
        said.status_code == 202
        and said.json()["trigger"] == "button"
        and said.json()["approval"] == "c_budget"
    ), said.text
    assert opened.admin.post(f"{path}/c_ask").json()["code"] == "approval_running"
    assert "c_ask" not in [b["name"] for b in opened.admin.get(path).json()["buttons"]]


def test_what_was_returned_is_shown_before_it_is_submitted_again_and_in_the_timeline(opened: Opened) -> None:
    roles(opened)
    id, item = submitted(opened, "returned")
    opened.rep.post(f"/approvals/{item['task']}/return", {"comment": "too dear", "to": "submitter"})
    said = opened.admin.get(f"/records/c_purchase/{id}/approval").json()["submit"]["said"]
    assert said["kind"] == "returned" and said["comment"] == "too dear"
    boss = opened.person()
    again = boss.page(f"/o/c_purchase/{id}/submit").get_text()
    assert "too dear" in again and "returned it" in again
    lines = boss.page(f"/o/c_purchase/{id}/timeline?kind=approval").get_text(" ")
    assert "too dear" in lines and "submitted it" in lines and "returned it" in lines
    boss.post(f"/o/c_purchase/{id}/submit", {"_comment": "cheaper now"})
    again = next(i for i in opened.rep.get("/approvals?box=waiting").json()["items"] if i["record"] == id)
    opened.rep.post(f"/approvals/{again['task']}/approve", {"comment": "better"})
    sheet = opened.person(REP).page(f"/approvals/{again['task']}?print=1").select_one(".sheet-decisions")
    said_in = [row.get_text(" ", strip=True) for row in sheet.select("tbody tr")]
    assert [w for row in said_in for w in ("Round 1", "Submitted", "too dear", "Latest round", "cheaper now", "better") if w in row] == [
        "Round 1", "Submitted", "too dear", "Latest round", "Submitted", "cheaper now", "better",
    ], said_in  # fmt: skip
    inbox = opened.person(REP).page("/inbox?category=approval").get_text(" ")
    assert "To decide: Buying: returned" in inbox


def test_a_change_of_a_form_waits_with_the_values_it_would_write(opened: Opened) -> None:
    roles(opened)
    made = opened.admin.make("c_purchase", name="typed", margin=1, spent="5")
    form = {"margin": "1,200", "_was.margin": "1", "spent": "1,200.50", "_was.spent": "5", "_version": str(made["version"])}  # fmt: skip
    boss = opened.person()
    said = boss.post(f"/o/c_purchase/{made['id']}/edit", form)
    assert said.status_code == 303 and said.headers["location"].endswith("?done=asked"), said.text[:300]
    item = next(i for i in opened.rep.get("/approvals").json()["items"] if i["record"] == made["id"])
    seen = opened.admin.get(f"/approvals/{item['task']}").json()
    assert seen["intent"]["set"] == {"margin": 1200, "spent": "1200.5"}
    for page in (f"/approvals/{item['task']}", f"/approvals/{item['task']}?print=1"):
        assert "1,200.50" in boss.page(page).select_one(".approval-intent").get_text(" "), page
    assert opened.rep.post(f"/approvals/{seen['id']}/withdraw").status_code == 403
    assert opened.rep.post(f"/approvals/{item['task']}/approve", {}).json()["state"] == "approved"
    ended = boss.page(f"/approvals/{item['task']}").select_one(".approval-intent").get_text(" ")
    assert "5.00" in ended and "1,200.50" in ended and opened.admin.read("c_purchase", made["id"])["margin"] == 1200  # fmt: skip
    users = {row["email"]: row["id"] for row in opened.admin.rows("user", fields="id,email")}
    given = opened.admin.post(f"/records/c_purchase/{made['id']}/transfer", {"to": {"user": users[REP]}})
    assert given.status_code == 202 and given.json()["trigger"] == "transfer", given.text
    assert opened.admin.post(f"/approvals/{given.json()['id']}/withdraw").json()["state"] == "withdrawn"


def test_a_save_takes_whom_he_chose_or_asks(opened: Opened) -> None:
    users = {row["email"]: row["id"] for row in opened.admin.rows("user", fields="id,email")}
    id = opened.admin.make("c_purchase", name="chosen", motive="old")["id"]
    path = f"/records/c_purchase/{id}"
    asked = opened.admin.patch(path, {"motive": "new"})
    assert asked.status_code == 422 and asked.json()["code"] == "choose_people", asked.text
    (offer,) = asked.json()["choose"]
    assert offer == {"node": "who", "label": "Reader", "from": [users[REP], users[ADMIN]]}
    wrong = {
        "motive": "new",
        "chosen": {"who": [opened.admin.make("user", name="N", email="n@acme.example")["id"]]},
    }
    assert opened.admin.patch(path, wrong).json()["problems"][0]["code"] == "not_offered"
    rows = [{"id": id, "motive": "new"}, {"id": id, "budget": 8}]
    bulk = opened.admin.post("/records/c_purchase/bulk", {"mode": "each", "records": rows}).json()["results"]
    assert [r["action"] for r in bulk] == ["refused", "updated"], bulk
    assert opened.admin.delete(f"{path}?chosen.who={users[REP]}").status_code == 202
    assert opened.admin.post(f"{path}/approval/withdraw").status_code == 200

    me = opened.person(ADMIN, "zh-CN")
    form = {"motive": "new", "_was.motive": "old", "_version": str(opened.admin.read("c_purchase", id)["version"])}  # fmt: skip
    said = me.post(f"/o/c_purchase/{id}/edit", form)
    page = BeautifulSoup(said.text, "html.parser").select_one("article form")
    assert said.status_code == 422 and "阅读人" in page.get_text() and "选择由谁审批" in page.get_text()
    # A script (a card dragged, a cell) gets the way there: the same form, sent on as a page would.
    way = BeautifulSoup(
        me.post(f"/o/c_purchase/{id}/edit", form, headers={"HX-Request": "true"}).text, "html.parser"
    ).select_one("form[data-behaviour=send-on]")
    assert way["action"].endswith(f"/o/c_purchase/{id}/edit") and "选择审批人" in way.get_text()
    assert {i["name"] for i in way.select("input")} == {*form, "_csrf"}
    kept = [(i["name"], i["value"]) for i in page.select("input[type=hidden]") if i["name"] != "_csrf"]
    assert {i["value"] for i in page.select("input[name='_chosen.who']")} == {users[REP], users[ADMIN]}
    gone = me.post(f"/o/c_purchase/{id}/edit", [*kept, ("_chosen.who", users[REP])])
    assert gone.status_code == 303 and gone.headers["location"].endswith("?done=asked"), gone.text[:300]

    item = next(i for i in opened.rep.get("/approvals").json()["items"] if i["record"] == id)
    assert (item["subject"], item["title"]) == ("Why chosen", "chosen"), "the task's own title"
    assert "Why chosen" in opened.person(REP).page("/inbox?box=waiting").get_text()
    seen = opened.rep.get(
        f"/approvals/{opened.admin.get(f'{path}/approval').json()['instance']['id']}"
    ).json()
    task = seen["mine"][0]["task"]
    assert seen["mine"][0]["among"] == [users[ADMIN]]
    other = opened.admin.make("user", name="Other", email="other@acme.example")["id"]
    assert opened.rep.post(f"/approvals/{task}/transfer", {"to": other}).json()["problems"][0]["code"] == "not_offered"  # fmt: skip
    text = opened.person(REP).page(f"/approvals/{task}").get_text(" ")
    assert "Approve and end" in text and "Nobody is found here: no copy is sent." in text
    ended = opened.person(REP).post(f"/approvals/{task}", {"_act": "finish"})
    assert ended.status_code == 303 and "done=finished" in ended.headers["location"]
    assert opened.admin.read("c_purchase", id)["motive"] == "new"


def test_what_a_rule_submits_waits_for_an_administrator_to_choose_who_decides(opened: Opened) -> None:
    admin, place = opened.admin, opened.service.runtime.workspace(WORKSPACE)
    id = admin.make("c_purchase", name="ruled", budget=1)["id"]
    admin.patch(f"/records/c_purchase/{id}", {"budget": 2})
    while work_flows(place):
        pass
    there = admin.get(f"/records/c_purchase/{id}/approval").json()["instance"]
    assert there["state"] == "parked" and there["problems"][0]["node"] == "who"
    boss, address = opened.person(ADMIN), f"/approvals/{there['id']}"
    page = boss.page(address)
    assert "a rule, an import or a deadline" in page.select_one(".alert-warning").get_text()
    offered = {box["value"] for box in page.select("input[name='_chosen.who']")}
    users = {row["email"]: row["id"] for row in admin.rows("user", fields="id,email")}
    assert offered == {users[REP], users[ADMIN]}
    refused = boss.post(address, {"_act": "mend"})
    assert (
        refused.status_code == 422
        and "choose" in BeautifulSoup(refused.text, "html.parser").select_one(".alert-error").get_text()
    )
    done = boss.post(address, {"_act": "mend", "_chosen.who": users[REP]})
    assert done.status_code == 303, done.text[:500]
    (item,) = [i for i in opened.rep.get("/approvals?box=waiting").json()["items"] if i["record"] == id]
    assert opened.rep.post(f"/approvals/{item['task']}/approve").status_code == 200
    other = admin.make("c_purchase", name="ruled", budget=1)["id"]
    admin.patch(f"/records/c_purchase/{other}", {"budget": 2})
    while work_flows(place):
        pass
    mend = f"/records/c_purchase/{other}/approval/mend"
    assert (
        admin.post(mend, {"chosen": {"nowhere": [users[REP]]}}).json()["problems"][0]["code"]
        == "unknown_node"
    )
    someone = admin.make("user", name="Someone", email="someone@acme.example")["id"]
    for chosen, why in (({"who": [someone]}, "not_offered"), ({"who": [users[REP]], "later": [someone]}, "not_yours_to_choose")):  # fmt: skip
        assert admin.post(mend, {"chosen": chosen}).json()["problems"][0]["code"] == why
    going = admin.post(mend, {"chosen": {"who": [users[ADMIN]]}}).json()
    assert going["state"] == "running"
    assert admin.post(f"/approvals/{going['mine'][0]['task']}/approve").json()["state"] == "approved"
    log = boss.page(f"/approvals/{going['id']}").select_one(".approval-log").get_text()
    assert "decided before by the same person" in log and "The system approved" not in log
