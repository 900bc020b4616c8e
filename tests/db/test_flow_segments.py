"""Automations that listen to a segment: who enters it and who leaves it, found in one statement when its time has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.record.change import Change
from patron_engine.ways import segments
from patron_engine.ways.save import save
from patron_testing.build import SCHEMA
from patron_testing.flowing import Flowing, workspace

RULES = """
kind: segment
name: big_shops
object: shop
where: "size >= 10"
refresh: hourly
---
kind: automation
name: comes
object: shop
on: {event: entered, segment: big_shops}
when: "state != 'shut'"
steps: [{name: note, do: create, object: bill, set: {name: "=CONCAT(name, ' came to ', event.segment)"}}]
---
kind: automation
name: goes
object: shop
on: {event: left, segment: big_shops}
steps: [{name: note, do: create, object: bill, set: {name: "=CONCAT(name, ' went')"}}]
"""


def notes(w: Flowing) -> list[str]:
    return sorted(n for (n,) in w.rows("bill", "name"))


def members(w: Flowing) -> int:
    row = w.conn.execute(f"SELECT count(*) FROM {SCHEMA}.sys__member").fetchone()
    return int(row[0]) if row else 0


def test_who_enters_and_leaves_starts_runs(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULES)
    old = w.do("create", "shop", name="old", size=20)
    w.work()
    assert members(w) == 1 and notes(w) == []  # it was in it when the automation came
    new = w.do("create", "shop", name="new", size=12)
    w.do("create", "shop", name="shut", size=12, state="shut")
    w.do("create", "shop", name="small", size=2)
    w.do("update", "shop", old, size=1)
    w.work(timedelta(minutes=20))
    assert notes(w) == []  # its time has not come
    w.work(timedelta(hours=1))
    assert notes(w) == ["new came to big_shops", "old went"] and members(w) == 2
    w.do("delete", "shop", new)
    w.work(timedelta(hours=2))
    assert notes(w) == ["new came to big_shops", "old went"] and members(w) == 1
    assert {s for (s,) in w.runs("state")} == {"done"}


def test_more_than_go_at_once_follow(conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST", 7)
    w = workspace(conn, RULES)
    w.work()
    save(w.conn, w.call, [Change(action="create", object="shop", set={"name": str(n), "size": 10 + n}) for n in range(20)])  # fmt: skip
    w.conn.commit()
    w.work(timedelta(hours=1))
    assert members(w) == 20 and len(notes(w)) == 20


def test_many_members_that_do_not_move_cost_one_statement(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULES)
    w.work()
    w.conn.execute(
        f"INSERT INTO {SCHEMA}.shop (id, version, created_at, updated_at, name, size)"
        " SELECT gen_random_uuid(), 1, now(), now(), n::text, 50 FROM generate_series(1, 20000) n"
    )
    w.conn.execute(f"INSERT INTO {SCHEMA}.sys__member SELECT 'big_shops', id FROM {SCHEMA}.shop")
    w.conn.commit()
    w.work(timedelta(hours=1))
    assert members(w) == 20_000 and w.runs() == []
