"""Approvals with a database: submitted, decided, sent back, withdrawn; what follows is one transaction with the decision."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict, Forbidden, NotFound, Refused
from patron_testing.signing import Signing, signing

SIMPLE = """
kind: approval
name: simple
object: order
on: [submit]
when: "amount > 0"
lock: {while: all, except: [note]}
nodes:
  - {name: boss, type: approve, who: {manager: 1}, comment: required_to_reject}
  - {name: money, type: approve, who: {role: finance}, mode: all}
  - {name: copy, type: cc, who: {user: assistant@x.example}}
after:
  submitted: [{do: update, set: {status: running}}]
  approved: [{do: update, set: {status: approved}}]
  rejected: [{do: update, set: {status: rejected}}]
  withdrawn: [{do: update, set: {status: draft}}]
after_lock: locked
"""


def test_a_record_goes_from_step_to_step(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, SIMPLE)
    order = w.make(amount=5)
    w.submit("rep", order)
    assert w.value(order, "status") == "running" and w.waiting(order) == ["boss"]
    assert w.box("boss") == [order] and w.box("fin1") == [] and w.box("rep", "started") == [order]
    w.act("boss", order, "approve", comment="fine")
    assert w.box("boss") == [] and w.box("boss", "done") == [order]
    assert w.waiting(order) == ["fin1", "fin2", "fin3"]
    for who in ("fin1", "fin3", "fin2"):
        assert w.instance(order).state == "running"
        w.act(who, order, "approve")
    it = w.instance(order)
    assert it.state == "approved" and w.value(order, "status") == "approved"
    assert w.box("assistant", "copied") == [order]
    with pytest.raises((Conflict, Refused)) as locked:
        w.save("update", "order", order, as_="rep", name="Other")
    assert locked.value.code == "locked"
    with pytest.raises(Conflict):
        w.submit("rep", order)


def test_one_refusal_refuses_and_needs_a_reason(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, SIMPLE)
    order = w.make()
    w.submit("rep", order)
    with pytest.raises(Refused) as missing:
        w.act("boss", order, "reject")
    assert missing.value.problems[0].path == "comment" and w.waiting(order) == ["boss"]
    w.act("boss", order, "reject", comment="too dear")
    it = w.instance(order)
    assert it.state == "rejected" and w.value(order, "status") == "rejected"
    w.save("update", "order", order, as_="rep", name="Better")
    assert w.submit("rep", order).state == "running"


def test_nobody_else_decides(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, SIMPLE)
    order = w.make()
    w.submit("rep", order)
    task = w.task("boss", order)
    with pytest.raises(NotFound):
        w.act("fin1", order, "approve", task=task)
    with pytest.raises(Forbidden):
        w.act("rep", order, "approve", task=task)
    w.act("boss", order, "approve")
    with pytest.raises(Conflict) as over:
        w.act("boss", order, "approve", task=task)
    assert over.value.code == "task_decided"


def test_a_second_submission_is_refused_while_one_runs(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, SIMPLE)
    order, other = w.make(), w.make(amount=0)
    w.submit("rep", order)
    with pytest.raises(Conflict) as running:
        w.submit("rep", order)
    assert running.value.code == "approval_running"
    with pytest.raises(Refused) as none:
        w.submit("rep", other)
    assert none.value.code == "no_approval_fits"


def _locked(w: Signing, order: str) -> None:
    line = w.save("create", "order_line", order=order, what="A", price=1).id
    w.submit("rep", order)
    for act in (
        lambda: w.save("update", "order", order, as_="rep", name="X"),
        lambda: w.save("update", "order", order, lines=[{"id": line, "price": 9}]),
        lambda: w.save("update", "order_line", line, price=9),
        lambda: w.save("create", "order_line", order=order, what="B"),
        lambda: w.save("delete", "order", order),
        lambda: w.save("void", "order", order),
    ):
        with pytest.raises((Conflict, Refused)) as refused:
            act()
        assert "approved" in str(refused.value)


def test_a_lock_stops_edits_and_lets_figures_and_exceptions_pass(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, SIMPLE)
    order = w.make()
    _locked(w, order)
    w.save("update", "order", order, as_="rep", note="open")
    w.save("create", "payment", as_="rep", name="P", amount=7, order=order)
    assert w.value(order, "paid") == 7
    w.whole("rep", order, "withdraw", "later")
    assert w.instance(order).state == "withdrawn" and w.value(order, "status") == "draft"
    w.save("update", "order", order, as_="rep", name="X")
