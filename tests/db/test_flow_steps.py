"""What single steps of automations do: branches, loops, waits, messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.record.change import Change
from patron_engine.ways.save import save
from patron_testing.build import SCHEMA
from patron_testing.flowing import workspace


def test_branches_loops_and_stop(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: sorts
object: shop
on: {event: updated, fields: [state]}
steps:
  - name: by_size
    do: branch
    cases:
      - {name: big, when: "size > 50", steps: [{name: mark, do: update, set: {name: big}}]}
      - {name: small, when: "size > 10", steps: [{name: mark2, do: update, set: {name: small}}, {do: stop}]}
      - {name: else, steps: []}
  - name: each_bill
    do: for_each
    each: bills
    where: "sum > 1 and sum < this.size"
    sort: sum
    steps:
      - {name: note, do: update, target: "=steps.each_bill.id", set: {note: "=CONCAT(name, '/', steps.each_bill.name, TEXT(steps.each_bill.sum))"}}
  - {name: after, do: update, target: {each: bills, where: "sum == 1"}, set: {note: "=CONCAT('one of ', name)"}}
""",
    )
    for size in (60, 20, 5):
        shop = w.do("create", "shop", name="s", size=size)
        for sum in (1, 2, 3, 99):
            w.do("create", "bill", name=f"b{sum}", sum=sum, shop=shop)
        w.do("update", "shop", shop, state="open")
    w.work()
    assert w.runs() == [("sorts", "done", None), ("sorts", "stopped", "stop"), ("sorts", "done", None)]
    assert w.rows("shop", "name") == [("big",), ("small",), ("s",)]
    assert [n for (n,) in w.rows("bill", "note")] == [
        "one of big", "big/b22", "big/b33", None, None, None, None, None, "one of s", "s/b22", "s/b33", None,
    ]  # fmt: skip


def test_a_wait_ends_by_time_or_by_its_condition(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: reminds
object: shop
on: {event: created}
stop_when: "state == 'shut'"
steps:
  - {name: pause, do: wait, for: 3 days, until: "size > 5"}
  - {name: note, do: update, set: {name: "=IF(steps.pause.timed_out, 'late', 'in time')"}}
""",
    )
    late, early, shut = (w.do("create", "shop", name="x", size=1) for _ in range(3))
    w.work()
    assert [s for (s,) in w.runs("state")] == ["waiting"] * 3
    w.do("update", "shop", early, size=6)
    w.do("update", "shop", shut, state="shut")
    w.work(timedelta(minutes=1))
    assert [s for (s,) in w.runs("state")] == ["waiting", "done", "stopped"]
    w.work(timedelta(days=2))
    assert w.rows("shop", "name") == [("x",), ("in time",), ("x",)]
    waits = w.conn.execute(f"SELECT count(*) FROM {SCHEMA}.sys__run_step WHERE outcome = 'waits'").fetchone()  # type: ignore[arg-type]
    assert waits == (3,), "that one still waits is told once"
    w.work(timedelta(days=3, minutes=1))
    assert w.rows("shop", "name") == [("late",), ("in time",), ("x",)]
    assert late


def test_people_are_told_in_their_inbox(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: role
name: finance
label: {en: Finance}
objects: {}
---
kind: automation
name: tells
object: shop
on: {event: created}
steps:
  - {name: tell, do: notify, to: [{field: owner}, {manager: 1}, {role: finance}, {user: away@x.example}], message: {en: "A shop opened"}}
""",
    )
    boss = w.do("create", "user", name="boss", email="boss@x.example")
    gone = w.do("create", "user", name="gone", email="gone@x.example", manager=boss, active=False)
    owner = w.do("create", "user", name="owner", email="o@x.example", manager=gone)
    money = w.do("create", "user", name="money", email="m@x.example", roles=["finance"])
    w.do("create", "user", name="away", email="away@x.example", active=False)
    shop = w.do("create", "shop", name="a", owner=owner)
    w.work()
    told = w.notices("person::text, text->>'en', reason, record::text")
    assert sorted(told) == sorted((u, "A shop opened", "automation", shop) for u in (owner, boss, money))


def test_a_record_is_made_with_its_details(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: sums_up
object: shop
on: {event: updated, fields: [state]}
steps:
  - name: whole
    do: create
    object: bill
    set: {name: "=CONCAT(name, ' whole')"}
    details: [{each: bills, to: lines, where: "sum > 1", set: {name: "=CONCAT(this.name, '/', name)", sum: "=sum * 2"}}]
""",
    )
    for name, count in (("a", 3), ("b", 0)):
        shop = w.do("create", "shop", name=name)
        for sum in range(count):
            w.do("create", "bill", name=f"b{sum}", sum=sum + 1, shop=shop)
        w.do("update", "shop", shop, state="open")
    w.work()
    assert w.runs() == [("sums_up", "done", None)] * 2
    assert sorted(w.rows("line", "name, sum")) == [("a/b1", 4), ("a/b2", 6)]
    assert [n for (n,) in w.rows("bill", "name") if "whole" in n] == ["a whole", "b whole"]


def test_an_upsert_by_several_fields_finds_the_record_that_has_them(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: files
object: shop
on: {event: created}
steps: [{name: note, do: upsert, object: bill, by: [name, sum], set: {name: "=name", sum: "=size", note: "=CONCAT(name, TEXT(size), '!')"}}]
""",
    )
    w.do("create", "bill", name="a", sum=1, note="old")
    w.do("create", "bill", name="a", sum=2, note="other")
    shops = [("a", 1), ("b", None), ("b", None), ("b", 3), ("b", 3)]
    save(w.conn, w.call, [Change(action="create", object="shop", set={"name": n, "size": s}) for n, s in shops])  # fmt: skip
    w.conn.commit()
    w.work()
    assert {state for (state,) in w.runs("state")} == {"done"}
    assert sorted(w.rows("bill", "name, sum, note"), key=str) == [
        ("a", 1, "a1!"), ("a", 2, "other"), ("b", 3, "b3!"), ("b", None, "b!"),
    ]  # fmt: skip


def test_what_was_deleted_is_read_as_it_was(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: mourns
object: shop
on: {event: deleted}
when: "size > 3"
steps:
  - {name: note, do: create, object: bill, set: {name: "=name", note: "=CONCAT(owner.name, ' ', state, ' ', old.name)", sum: "=size + COUNT(bills)"}}
  - {name: tell, do: notify, to: {field: owner}, message: "='gone: ' + name"}
""",
    )
    owner = w.do("create", "user", name="Ann", email="ann@x.example")
    for name, size in (("Acme", 5), ("small", 1)):
        shop = w.do("create", "shop", name=name, size=size, owner=owner)
        w.do("delete", "shop", shop)
    w.work()
    assert w.runs() == [("mourns", "done", None)]
    assert w.rows("bill", "name, note, sum") == [("Acme", "Ann new Acme", 5)]
    assert w.notices("text #>> '{}', person::text") == [("gone: Acme", owner)]
