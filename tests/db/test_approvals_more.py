"""Approvals with a database: fields of a decision, what follows, steps, events, deadlines, an administrator's hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.approval import signers
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, Refused
from patron_engine.query.values import fetch_values
from patron_engine.ways import approvals_seen
from patron_engine.ways.approval_ahead import submitting
from patron_testing.signing import SCHEMA, Signing, signing


def approval(nodes: str, **more: str) -> str:
    rest = "\n".join(f"{k}: {v}" for k, v in {"on": "[submit]", **more}.items())
    return f"kind: approval\nname: a\nobject: order\n{rest}\nnodes:\n{nodes}\n"


def begun(conn: psycopg.Connection[Any], text: str, **values: Any) -> tuple[Signing, str]:
    w = signing(conn, text)
    order = w.make(**values)
    w.submit("rep", order)
    return w, order


# -- fields ---------------------------------------------------------------------------------------------------------

FIELDS = "  - {name: n, type: approve, who: {manager: 1}, fields: {terms: required, price: edit, note: read, lines.price: edit}}"


def test_an_approver_fills_what_his_step_gives_him(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(FIELDS))
    with pytest.raises(Refused) as missing:
        w.act("boss", order, "approve")
    assert [p.path for p in missing.value.problems] == ["terms"]
    with pytest.raises(Refused) as beyond:
        w.act("boss", order, "approve", fields={"terms": "30 days", "note": "x", "name": "y"})
    assert {p.path for p in beyond.value.problems} == {"note", "name"} and w.waiting(order) == ["boss"]
    with pytest.raises(Refused) as wrong:
        w.act("boss", order, "approve", fields={"terms": "30 days", "price": 101})
    assert wrong.value.problems[0].path == "price" and w.value(order, "terms") is None
    w.act("boss", order, "approve", fields={"terms": "30 days", "price": 7})
    assert (w.value(order, "terms"), w.value(order, "price")) == ("30 days", 7)
    row = w.conn.execute(
        f"SELECT cause->>'kind', by::text FROM {SCHEMA}.sys__history WHERE record = %s ORDER BY version DESC",
        (order,),
    ).fetchone()
    assert row == ("approval", w.people["boss"])


def test_columns_of_details(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(FIELDS))
    order = w.make(terms="x")
    line = w.save("create", "order_line", order=order, what="A", price=1).id
    w.submit("rep", order)
    for rows in ([{"id": line, "what": "B"}], [{"what": "C", "price": 3}], [{"id": line, "delete": True}]):
        with pytest.raises(Refused):
            w.act("boss", order, "approve", fields={"lines": rows})
    w.act("boss", order, "approve", fields={"lines": [{"id": line, "price": 8}]})
    assert w.value(order, "lines_total") == 8


ROUTE = """
  - {name: n, type: approve, who: {manager: 1}, fields: {amount: edit}}
  - name: size
    type: branch
    cases:
      - {name: big, when: "amount > SETTING('order_limit')", nodes: [{name: fin, type: approve, who: {role: finance}}]}
      - {name: else, nodes: [{name: ceo, type: approve, who: {user: ceo@x.example}}]}
"""


def test_an_edit_that_changes_the_way_on_is_shown_before(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(ROUTE))
    w.act("boss", order, "comment", comment="a moment")
    with pytest.raises(Conflict) as changed:
        w.act("boss", order, "approve", fields={"amount": 101})
    assert changed.value.code == "route_changed" and w.value(order, "amount") == 5
    way = changed.value.values["route"][1]["ways"][0]
    assert way["name"] == "big" and len(way["stops"][0]["people"]) == 3
    w.act("boss", order, "approve", fields={"amount": 101}, confirm=changed.value.values["confirm"])
    assert w.waiting(order) == ["fin1", "fin2", "fin3"] and w.value(order, "amount") == 101


@pytest.mark.parametrize("amount, node", [(100, "ceo"), (101, "fin")])
def test_the_limit_is_exact(conn: psycopg.Connection[Any], amount: int, node: str) -> None:
    w, order = begun(conn, approval(ROUTE), amount=amount)
    w.act("boss", order, "approve")
    assert {t.node for t in w.instance(order).waiting} == {node}


# -- what follows ---------------------------------------------------------------------------------------------------

AFTER = "{approved: [{do: update, set: {status: approved}}]}"
RULED = """---
kind: change
of: object/order
"""


LATE_AND_REFUSED = (
    approval(
        "  - {name: n, type: approve, who: {manager: 1}, deadline: {after: 1 days, then: approve}}",
        after=AFTER,
    )
    + """---
kind: stage_path
name: p
object: order
field: status
stages: [{name: draft}, {name: approved, required: [due]}]
"""
)


def test_what_follows_is_checked_and_asked_for_in_the_decision(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, LATE_AND_REFUSED)
    w.later(days=2)
    w.tick()
    (late,) = w.instance(order).tasks
    assert (late.state, late.reminded, late.due_at) == ("waiting", 1, None), "he is told that it is his still"
    lines = approvals_seen.look(w.conn, w.frame("boss"), w.instance(order).id).log
    w.conn.commit()
    assert [line["kind"] for line in lines].count("late_refused") == 1
    with pytest.raises(Refused) as refused:
        w.act("boss", order, "approve")
    assert refused.value.code == "after_refused" and refused.value.problems[0].path == "due"
    assert w.waiting(order) == ["boss"] and w.value(order, "status") == "draft"
    with pytest.raises(Refused):
        w.act("boss", order, "approve", fields={"due": "2026-06-01", "name": "sly"})
    w.act("boss", order, "approve", fields={"due": "2026-06-01"})
    assert w.value(order, "status") == "approved" and w.value(order, "name") == "O"


def test_a_reminder_that_fails_holds_up_no_other_deadline(
    conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    w, order = begun(conn, LATE_AND_REFUSED)
    monkeypatch.setattr(signers, "late_refused", lambda *_: w.conn.execute("SELECT 1 / 0"))
    w.later(days=2)
    w.tick()
    (late,) = w.instance(order).tasks
    assert (late.state, late.reminded, late.due_at) == ("waiting", 0, None)


def test_steps_between_and_what_listens(conn: psycopg.Connection[Any]) -> None:
    nodes = """
  - {name: first, type: do, steps: [{name: p, do: create, object: payment, set: {name: deposit, order: "=id"}}, {do: update, set: {note: "=steps.p.name"}}]}
  - {name: n, type: approve, who: {manager: 1}}
  - {name: wait, type: do, steps: [{do: wait, for: 1 hours}, {do: update, set: {terms: waited}}]}
"""
    rule = """---
kind: automation
name: listens
object: order
on: [{event: approval, result: approved}]
steps: [{do: create, object: payment, set: {name: "=CONCAT('final by ', event.by.name)", order: "=id"}}]
---
kind: automation
name: at_step
object: order
on: [{event: approval, approval: a, step: n}]
steps: [{do: create, object: payment, set: {name: "=CONCAT('step ', event.result)", order: "=id"}}]
"""
    w, order = begun(conn, approval(nodes) + rule)
    assert w.value(order, "note") == "deposit" and w.waiting(order) == ["boss"]
    w.act("boss", order, "approve")
    w.work()
    assert w.instance(order).state == "running" and _payments(w) == ["deposit", "step approved"]
    w.later(hours=2)
    w.work()
    assert w.instance(order).state == "approved" and w.value(order, "terms") == "waited"
    w.work()
    assert _payments(w) == ["deposit", "final by rep", "step approved"]


def _payments(w: Signing) -> list[str]:
    rows = w.conn.execute(f"SELECT name FROM {SCHEMA}.payment ORDER BY name").fetchall()
    w.conn.commit()
    return [r[0] for r in rows]


def test_steps_of_automations_start_and_withdraw(conn: psycopg.Connection[Any]) -> None:
    rules = """---
kind: automation
name: begins
object: order
on: {event: updated, fields: [terms]}
when: "terms == 'go'"
steps: [{do: start_approval, approval: a}]
---
kind: automation
name: stops
object: order
on: {event: updated, fields: [note]}
when: "note == 'stop'"
steps: [{do: withdraw_approval}]
"""
    w = signing(
        conn, approval("  - {name: n, type: approve, who: {manager: 1}}", lock="{while: none}") + rules
    )
    order = w.make()
    w.save("update", "order", order, as_="rep", terms="go")
    w.work()
    assert w.waiting(order) == ["boss"] and w.instance(order).submitter == w.people["rep"]
    w.save("update", "order", order, as_="rep", note="stop")
    w.work()
    assert w.instance(order).state == "withdrawn"


def test_the_state_of_a_record_can_be_asked_for_and_ruled_by(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval("  - {name: n, label: {en: Boss}, type: approve, who: {manager: 1}}"))
    names = ["approval.state", "approval.step", "approval.approvers", "approval.submitter"]
    row = fetch_values(w.conn, w.frame(), "order", [order], names)[order]
    assert (row["approval.state"], row["approval.step"]) == ("running", "Boss")
    assert [str(p) for p in row["approval.approvers"]] == [w.people["boss"]]
    other = w.make()
    assert fetch_values(w.conn, w.frame(), "order", [other], names[:1])[other]["approval.state"] == "none"


# -- acts of the submitter and of administrators --------------------------------------------------------------------

TWO = "  - {name: one, label: {en: One}, type: approve, who: {manager: 1}}\n  - {name: two, type: approve, who: {user: fin1@x.example}}"


@pytest.mark.parametrize(
    "rule, before, after", [("before_decision", True, False), ("any", True, True), ("never", False, False)]
)
def test_withdrawing(conn: psycopg.Connection[Any], rule: str, before: bool, after: bool) -> None:
    w = signing(conn, approval(TWO, withdraw=rule))
    for decided, may in ((False, before), (True, after)):
        order = w.make()
        w.submit("rep", order)
        if decided:
            w.act("boss", order, "approve")
        if may:
            assert w.whole("rep", order, "withdraw", None).state == "withdrawn"
        else:
            with pytest.raises(Conflict):
                w.whole("rep", order, "withdraw", None)
        with pytest.raises((Forbidden, Conflict)):
            w.whole("assistant", order, "withdraw", None)


def test_urging_is_limited(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(TWO, urge="15 minutes"))
    w.whole("rep", order, "urge")
    with pytest.raises(Conflict):
        w.whole("rep", order, "urge")
    w.later(minutes=15)
    w.whole("rep", order, "urge")
    told = w.conn.execute(
        f"SELECT count(*) FROM {SCHEMA}.sys__notice WHERE person = %s AND text ->> 'en' LIKE 'Please decide%%'",
        (w.people["boss"],),
    ).fetchone()
    assert told == (2,)


def test_an_administrator_jumps_ends_and_revokes(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(TWO, after="{approved: [{do: update, set: {status: approved}}], revoked: [{do: update, set: {status: draft}}]}", after_lock="locked"))  # fmt: skip
    with pytest.raises(Forbidden):
        w.whole("boss", order, "jump", "two", None)
    with pytest.raises(Refused):
        w.whole("root", order, "jump", "nowhere", None)
    w.whole("root", order, "jump", "two", "hurry")
    assert w.waiting(order) == ["fin1"]
    w.act("fin1", order, "approve")
    with pytest.raises(Forbidden):
        w.whole("rep", order, "revoke", None)
    w.whole("director", order, "revoke", "wrong customer")
    assert w.instance(order).state == "revoked" and w.value(order, "status") == "draft"
    w.save("update", "order", order, as_="rep", name="open again")
    w.submit("rep", order)
    assert w.whole("root", order, "end", None).state == "ended"


def test_returned_mended_and_submitted_again(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(TWO, resubmit="returner"))
    w.act("boss", order, "approve")
    w.act("fin1", order, "return", comment="terms?")
    assert w.instance(order).state == "returned" and w.box("boss") == []
    w.save("update", "order", order, as_="rep", terms="30 days")
    assert w.submit("rep", order).state == "running" and w.waiting(order) == ["fin1"]
    with pytest.raises(Refused):
        w.act("fin1", order, "return", to="two")
    w.act("fin1", order, "return", to="one")
    assert w.waiting(order) == ["boss"]
    seen = approvals_seen.look(w.conn, w.frame("rep"), w.instance(order).id)
    assert [d.field for d in seen.differences] == ["terms"]


# -- others at a step -----------------------------------------------------------------------------------------------


def test_transfer_delegate_signers_and_who_may_not(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(conn, approval(TWO, self_approval="skip"))
    me = w.people
    for to in (me["boss"], me["rep"][:-1] + "x", str(w.call.new_id()), me["rep"]):
        with pytest.raises(Refused):
            w.act("boss", order, "transfer", to=to)
    with pytest.raises(Refused) as himself:
        w.act("boss", order, "add_signer", to=[me["fin2"], me["rep"]])
    assert himself.value.problems[0].code == "self_approval", "who submitted it does not sign it"
    w.act("boss", order, "transfer", to={"user": me["director"]}, comment="yours")
    assert w.waiting(order) == ["director"]
    w.act("director", order, "delegate", to=me["fin2"])
    assert w.waiting(order) == ["fin2"]
    with pytest.raises(Conflict):
        w.act("fin2", order, "add_signer", to=me["fin3"])
    w.act("fin2", order, "approve", comment="looks fine")
    w.act("director", order, "add_signer", to=[me["fin2"], me["fin3"]], how="before")
    assert w.waiting(order) == ["fin2", "fin3"]
    with pytest.raises(Conflict):
        w.act("fin2", order, "add_signer", to=me["ceo"])
    task = next(
        t.id for t in w.instance(order).tasks if t.person == me["director"] and t.state == "not_started"
    )
    w.act("fin2", order, "approve")
    w.act("fin3", order, "approve")
    w.act("director", order, "approve", task=task)
    assert w.waiting(order) == ["fin1"]


def test_what_a_step_does_not_offer(conn: psycopg.Connection[Any]) -> None:
    w, order = begun(
        conn, approval("  - {name: n, type: approve, who: {manager: 1}, allow: [return], signature: true}")
    )
    with pytest.raises(Conflict):
        w.act("boss", order, "transfer", to=w.people["fin1"])
    with pytest.raises(Refused) as sign:
        w.act("boss", order, "approve")
    assert sign.value.problems[0].path == "signature"
    with pytest.raises(LimitExceeded):
        w.act("boss", order, "comment", comment="x" * 10_001)
    w.act("boss", order, "comment", comment="x" * 10_000)


# -- time -----------------------------------------------------------------------------------------------------------


def test_deadlines_go_by_the_calendar_and_act_once(conn: psycopg.Connection[Any]) -> None:
    nodes = "  - {name: n, type: approve, who: {manager: 1}, deadline: {after: 2 workdays, then: remind, every: 4 hours, times: 2, finally: {transfer: {user: ceo@x.example}}}}"
    w, order = begun(conn, approval(nodes))
    due = w.instance(order).waiting[0].due_at
    assert due == w.now + timedelta(days=2)
    w.later(days=1)
    assert w.tick() == 0
    w.later(days=1, minutes=1)
    assert w.tick() == 1 and w.tick() == 0
    w.later(hours=5)
    assert w.tick() == 1
    w.later(hours=5)
    assert w.tick() == 1 and w.waiting(order) == ["ceo"]


def test_a_deadline_by_a_date_of_the_record(conn: psycopg.Connection[Any]) -> None:
    nodes = '  - {name: n, type: approve, who: {manager: 1}, deadline: {after: "=due", then: approve}}'
    w, order = begun(conn, approval(nodes), due="2026-05-22")
    w.later(days=2)
    assert w.tick() == 0
    w.later(days=1)
    assert w.tick() == 1 and w.instance(order).state == "approved"


# -- before submitting ----------------------------------------------------------------------------------------------


def test_one_sees_who_will_decide(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(ROUTE, same_person="skip_later"))
    order = w.make(amount=500)
    it = submitting(w.conn, w.frame("rep"), "order", order)
    assert it.why is None and it.instance is None
    assert [p["name"] for p in it.route[0]["people"]] == ["boss"]
    assert [p["name"] for p in it.route[1]["ways"][0]["stops"][0]["people"]] == ["fin1", "fin2", "fin3"]
    assert w.conn.execute(f"SELECT count(*) FROM {SCHEMA}.sys__approval").fetchone() == (0,)
