"""Automations that run: what a save starts, once, in order, by several workers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_engine.ways import flow
from patron_engine.ways.save import retrying, save, write_transaction
from patron_testing.build import SCHEMA
from patron_testing.flowing import workspace


def test_a_rule_makes_a_record_and_the_next_steps_read_it(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: opened
object: shop
on: {event: updated, fields: [state]}
when: "state == 'open' and old.state != 'open'"
steps:
  - {name: first, do: create, object: bill, set: {name: "=CONCAT(name, ' opens')", sum: 5, shop: "=id"}}
  - {name: again, do: update, target: "=steps.first.id", when: "steps.first.sum == 5", set: {sum: "=target.sum + size", note: "=steps.first.shop.name"}}
  - {name: never, do: update, when: "size > 99", set: {size: 0}}
""",
    )
    shop = w.do("create", "shop", name="Acme", size=7)
    w.work()
    assert w.rows("bill", "name") == []
    w.do("update", "shop", shop, state="open")
    w.do("update", "shop", shop, name="Acme 2")
    w.work()
    assert w.rows("bill", "name, sum, note") == [("Acme 2 opens", 12, "Acme 2")]
    assert w.rows("shop", "size, total") == [(7, 12)]
    assert w.runs() == [("opened", "done", None)]
    steps = w.conn.execute(f"SELECT step, outcome FROM {SCHEMA}.sys__run_step ORDER BY number").fetchall()
    assert steps == [("steps.first", "done"), ("steps.again", "done"), ("steps.never", "left_out")]
    cause = w.conn.execute(
        f"SELECT cause FROM {SCHEMA}.sys__history WHERE object = 'bill' LIMIT 1"
    ).fetchone()
    run = w.runs("id::text")[0][0]
    assert cause is not None and cause[0] == {"kind": "automation", "rule": "opened", "run": run}


def test_once_for_a_record_and_once_for_a_key(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: ever
object: shop
on: {event: updated, fields: [size]}
once: per_record
steps: [{name: b, do: create, object: bill, set: {name: ever, shop: "=id"}}]
---
kind: automation
name: by_year
object: shop
on: {event: updated, fields: [size]}
once: "=TEXT(size > 10)"
steps: [{name: b, do: create, object: bill, set: {name: key, shop: "=id"}}]
""",
    )
    shop = w.do("create", "shop", name="a", size=1)
    other = w.do("create", "shop", name="b", size=1)
    for size in (2, 3, 20, 30):
        w.do("update", "shop", shop, size=size)
        w.work()
    w.do("update", "shop", other, size=2)
    w.work()
    assert sorted(n for (n,) in w.rows("bill", "name")) == ["ever", "ever", "key", "key", "key"]


def test_one_record_after_the_other_and_many_records_together(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: counts
object: bill
on: {event: created}
steps: [{name: n, do: update, set: {note: "=CONCAT(shop.name, '!')"}}]
""",
    )
    shop = w.do("create", "shop", name="a")
    changes = [Change(action="create", object="bill", set={"name": str(n), "shop": shop}) for n in range(250)]
    save(w.conn, w.call, changes)
    w.conn.commit()
    before = w.conn.execute(f"SELECT count(*) FROM {SCHEMA}.sys__event").fetchone()
    assert before == (250,)
    w.work()
    assert {n for (n,) in w.rows("bill", "note")} == {"a!"}
    assert {s for (s,) in w.runs("state")} == {"done"}


def test_several_workers_do_everything_once(conn: psycopg.Connection[Any], database_url: str) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: adds
object: bill
on: {event: created}
run_as: system
steps:
  - {name: up, do: update, target: {parent: shop}, set: {count: "=target.count + 1"}}
  - {name: done, do: update, set: {note: "=CONCAT(note, 'x')"}}
""",
    )
    shops = [w.do("create", "shop", name=str(n)) for n in range(3)]
    bills = [
        Change(action="create", object="bill", set={"name": str(n), "shop": shops[n % 3]}) for n in range(120)
    ]
    save(w.conn, w.call, bills)
    w.conn.commit()

    def worker() -> int:
        with psycopg.connect(database_url) as own:
            configure(own)

            def turn() -> int:
                with write_transaction(own, w.call):
                    return flow.begin(own, w.call) + flow.go_on(own, w.call, w.who)

            done, quiet = 0, 0
            while quiet < 5:
                took = retrying(turn)
                done, quiet = done + took, 0 if took else quiet + 1
                time.sleep(0.01 if not took else 0)
            return done

    with ThreadPoolExecutor(3) as pool:
        assert sum(f.result() for f in [pool.submit(worker) for _ in range(3)]) >= 120
    w.work()
    assert w.rows("shop", "count") == [(40,)] * 3
    assert {n for (n,) in w.rows("bill", "note")} == {"x"}
    assert w.runs("state, count(*)", "GROUP BY state") == [("done", 120)]


def test_the_causer_goes_along_and_nobody_becomes_the_system(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: first
object: shop
on: {event: created}
run_as: system
steps: [{name: b, do: create, object: bill, set: {name: made, shop: "=id"}}]
---
kind: automation
name: second
object: bill
on: {event: created}
run_as: causer
steps: [{name: n, do: update, set: {note: seen}}]
""",
    )
    asked: list[str] = []

    def who(conn: Any, call: Call, user: str) -> Actor | None:
        asked.append(user)
        return None

    w.who = who
    user = w.do("create", "user", name="u", email="u@x.example")
    own = replace(w.call, actor=Actor(user=user, administrator=True))
    save(w.conn, own, [Change(action="create", object="shop", set={"name": "a"})])
    w.conn.commit()
    w.work()
    assert asked == [user]
    w.do("create", "shop", name="of nobody")
    w.work()
    assert asked == [user]
    assert w.runs() == [("first", "done", None), ("second", "parked", "causer_gone")] * 2
    assert w.rows("bill", "note") == [(None,), (None,)]
