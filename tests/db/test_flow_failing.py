"""What becomes of runs that cannot go on: tried again, parked, cut."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.flow import look
from patron_engine.phrases import own_catalogue, written
from patron_testing.build import SCHEMA
from patron_testing.flowing import workspace


def test_a_rule_that_meets_itself_is_cut(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: grows
object: shop
on: {event: updated, fields: [size]}
steps: [{name: more, do: update, set: {size: "=size + 1"}}]
""",
    )
    shop = w.do("create", "shop", name="a", size=1)
    w.do("update", "shop", shop, size=2)
    w.work()
    assert w.rows("shop", "size") == [(3,)]
    assert w.runs() == [("grows", "done", None), ("grows", "cut", "met_itself")]


def test_a_step_that_fails_is_tried_again_and_then_parked(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: doubles
object: shop
on: {event: created}
steps: [{name: twice, do: update, set: {size: "=size * 2"}}]
""",
    )
    ids = [w.do("create", "shop", name=str(n), size=n) for n in (10, 80, 30)]
    w.work()
    assert w.rows("shop", "size") == [(20,), (80,), (60,)]
    assert [r[:2] for r in w.runs("state, attempts")] == [("done", 0), ("ready", 1), ("done", 0)]
    failed = look.listed(conn, SCHEMA, look.Wanted(state="ready"))[0]
    assert "100" in written(failed.error or "", ("en",), own_catalogue())
    assert "不能大于 100" in written(failed.error or "", ("zh-CN",), own_catalogue())
    _, (taken,) = look.opened(conn, SCHEMA, failed.id)
    assert taken.told["why"] == failed.error
    w.work(timedelta(seconds=9))
    assert w.runs("attempts")[1] == (1,)
    w.work(timedelta(seconds=11))
    assert w.runs("attempts")[1] == (2,)
    w.do("update", "shop", ids[1], size=40)
    w.work(timedelta(hours=3))
    assert w.rows("shop", "size")[1] == (80,) and w.runs("state")[1] == ("done",)
    w.do("create", "shop", name="x", size=90)
    for hours in range(1, 12):
        w.work(timedelta(hours=hours))
    assert w.runs("state, attempts")[-1] == ("parked", 5)


def test_a_run_that_is_tried_again_holds_up_nobody(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: a_fails
object: shop
on: {event: created}
steps: [{name: big, do: update, set: {size: "=size + 1000"}}]
---
kind: automation
name: b_notes
object: shop
on: {event: created}
steps: [{name: note, do: create, object: bill, set: {name: noted, shop: "=id"}}]
""",
    )
    w.do("create", "shop", name="a", size=1)
    w.work()
    w.work(timedelta(seconds=1))
    assert w.rows("bill", "name") == [("noted",)]
    assert [s for (s,) in w.runs("state")] == ["ready", "done"]


def test_no_automation_says_what_somebody_may_do(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: role
name: boss
label: {en: Boss}
objects: {"*": {read: all, update: all}}
---
kind: automation
name: promotes
object: user
on: {event: created}
run_as: system
steps: [{name: up, do: update, set: {roles: [boss]}}]
""",
    )
    w.do("create", "user", name="climber", email="c@x.example")
    w.work()
    assert w.rows("user", "roles") == [(None,)] or w.rows("user", "roles") == [([],)]
    assert w.runs("state, attempts") == [("ready", 1)]
