"""Steps that say whose a record is and who else has it: assign, share, unshare, add_member."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.record.change import Change
from patron_engine.ways.save import save
from patron_testing.build import SCHEMA
from patron_testing.flowing import Flowing, workspace

ROLE = """
kind: role
name: finance
label: {en: Finance}
objects: {}
---
"""


def assigned(conn: psycopg.Connection[Any], by: str) -> Flowing:
    return workspace(
        conn,
        f"""
kind: automation
name: gives
object: bill
on: {{event: created}}
steps: [{{name: to_somebody, do: assign, to: {{user: [a@x.example, b@x.example, c@x.example]}}, {by}}}]
""",
    )


def people(w: Flowing, *names: str) -> dict[str, str]:
    return {w.do("create", "user", name=n, email=f"{n}@x.example"): n for n in names}


def owners(w: Flowing, known: dict[str, str]) -> list[str]:
    return [known.get(o, "-") for (o,) in w.rows("bill", "owner::text")]


def bills(w: Flowing, count: int) -> None:
    save(w.conn, w.call, [Change(action="create", object="bill", set={"name": str(n)}) for n in range(count)])
    w.conn.commit()
    w.work()


def test_everybody_has_his_turn_and_who_is_away_none(conn: psycopg.Connection[Any]) -> None:
    w = assigned(conn, "by: turns, skip_absent: true")
    known = people(w, "a", "b", "c")
    bills(w, 4)
    assert sorted(owners(w, known)) == ["a", "a", "b", "c"]
    gone = next(i for i, n in known.items() if n == "b")
    w.do("create", "absence", user=gone, reason="ill", period={"from": "2026-05-19", "to": "2026-05-20"})
    bills(w, 3)
    assert sorted(owners(w, known)) == ["a", "a", "a", "b", "c", "c", "c"]
    w.work(timedelta(days=2))
    w.do("create", "bill", name="later")
    w.work(timedelta(days=2))
    assert sorted(owners(w, known)).count("b") == 2


def test_whoever_has_the_least_gets_the_next(conn: psycopg.Connection[Any]) -> None:
    w = assigned(conn, "by: load")
    known = people(w, "a", "b", "c")
    first = next(i for i, n in known.items() if n == "a")
    w.do("create", "bill", name="old", owner=first)
    w.work()  # it goes to whoever has none
    bills(w, 5)
    assert sorted(owners(w, known)) == ["a", "a", "b", "b", "c", "c"]


def test_chance_gives_everybody_something(conn: psycopg.Connection[Any]) -> None:
    w = assigned(conn, "by: random")
    known = people(w, "a", "b", "c")
    bills(w, 60)
    assert set(owners(w, known)) == {"a", "b", "c"}


def given(w: Flowing) -> list[tuple[Any, ...]]:
    return w.conn.execute(
        f"SELECT principal::text, level, reason, until::text FROM {SCHEMA}.shop__access ORDER BY reason, level, principal"  # type: ignore[arg-type]
    ).fetchall()


def test_a_record_is_shared_and_taken_back(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        ROLE
        + """
kind: automation
name: shares
object: shop
on: {event: updated, fields: [state]}
when: "state == 'open'"
steps:
  - {name: all_of_them, do: share, to: {role: finance}, give: read}
  - {name: two, do: share, to: [{user: a@x.example}, {field: owner}], give: edit, until: "=TODAY() + 3"}
  - {name: team, do: add_member, to: {user: b@x.example}, give: edit}
  - {name: nobody, do: share, to: {user: nobody@x.example}}
---
kind: automation
name: takes
object: shop
on: {event: updated, fields: [state]}
when: "state == 'shut'"
steps:
  - {name: role, do: unshare, to: {role: finance}}
  - {name: again, do: unshare, to: {role: finance}}
""",
    )
    known = people(w, "a", "b", "o")
    shop = w.do("create", "shop", name="Acme", owner=list(known)[2])
    w.do("update", "shop", shop, state="open")
    w.work()
    assert w.runs() == [("shares", "done", None)]
    rights = {(known.get(p, "role"), level, reason, until[:10] if until else None) for p, level, reason, until in given(w)}  # fmt: skip
    assert rights == {
        ("role", "read", "share", None), ("a", "edit", "share", "2026-05-23"), ("b", "edit", "team", None),
    }  # fmt: skip
    told = w.conn.execute(f"SELECT outcome FROM {SCHEMA}.sys__run_step ORDER BY number").fetchall()
    assert told == [("done",), ("done",), ("done",), ("left_out",)]
    w.do("update", "shop", shop, state="shut")
    w.work()
    assert w.runs()[-1] == ("takes", "done", None)
    assert [(known[p], reason) for p, _, reason, _ in given(w)] == [("a", "share"), ("b", "team")]
    history = w.conn.execute(
        f"SELECT action, cause ->> 'rule' FROM {SCHEMA}.sys__history WHERE record = %s AND action LIKE '%%shared'",  # type: ignore[arg-type]
        (shop,),
    ).fetchall()
    assert ("unshared", "takes") in history and ("shared", "shares") in history


def test_a_right_that_would_end_before_it_begins_fails_the_step_alone(conn: psycopg.Connection[Any]) -> None:
    w = workspace(
        conn,
        """
kind: automation
name: shares
object: shop
on: {event: created}
steps: [{name: late, do: share, to: {user: a@x.example}, until: "=TODAY() - size"}]
""",
    )
    people(w, "a")
    for size in (-2, 2):
        w.do("create", "shop", name=str(size), size=size)
    w.work()
    assert w.runs("state, attempts") == [("done", 0), ("ready", 1)]
    assert len(given(w)) == 1
