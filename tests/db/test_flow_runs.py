"""Automations that run: what a save starts, what its steps do, what becomes of a step that fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_engine.ways import flow
from patron_engine.ways.save import retrying, save, write_transaction
from patron_testing.build import NOON, SCHEMA, build_workspace

OBJECTS = """
kind: object
name: user
label: {en: User}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: email, type: email, label: {en: Mail}, unique: true}
  - {name: active, type: boolean, default: true, label: {en: Active}}
  - {name: manager, type: lookup, to: user, tree: true, label: {en: Manager}}
  - {name: roles, type: tags, label: {en: Roles}}
---
kind: object
name: message
label: {en: Message}
title: subject
fields:
  - {name: subject, type: text, label: {en: Subject}}
  - {name: direction, type: text, label: {en: Direction}}
  - {name: about, type: lookup, to: [shop, bill], label: {en: About}}
---
kind: object
name: shop
label: {en: Shop}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: state, type: select, label: {en: State}, options: [{name: new, label: {en: New}}, {name: open, label: {en: Open}}, {name: shut, label: {en: Shut}}], default: new}
  - {name: size, type: integer, label: {en: Size}, max: 100}
  - {name: count, type: integer, default: 0, label: {en: Count}}
  - {name: total, type: rollup, of: bills, function: sum, field: sum, label: {en: Total}}
---
kind: object
name: bill
label: {en: Bill}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: sum, type: integer, label: {en: Sum}}
  - {name: note, type: text, label: {en: Note}}
  - {name: shop, type: lookup, to: shop, label: {en: Shop}, reverse: {name: bills, label: {en: Bills}}}
"""


def workspace(conn: psycopg.Connection[Any], automations: str) -> Flowing:
    return Flowing(conn, build_workspace(conn, OBJECTS + "---\n" + automations))


class Flowing:
    """A workspace whose worker runs when the test says so."""

    def __init__(self, conn: psycopg.Connection[Any], call: Call) -> None:
        self.conn, self.call = conn, call
        self.who: Callable[..., Actor | None] = lambda conn, call, user: Actor(user=user, administrator=True)

    def do(self, action: Any, object: str, id: str | None = None, **values: Any) -> str:
        (made,) = save(self.conn, self.call, [Change(action=action, object=object, id=id, set=values)])
        self.conn.commit()
        assert made.id is not None
        return made.id

    def work(self, later: timedelta = timedelta()) -> None:
        """Until nothing is due."""
        call = replace(self.call, now=NOON + later)
        for _ in range(200):
            more = flow.begin(self.conn, call) + flow.go_on(self.conn, call, self.who)
            self.conn.commit()
            if not more:
                return
        raise AssertionError("it never ends")

    def rows(self, object: str, columns: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            f"SELECT {columns} FROM {SCHEMA}.{object} WHERE deleted_at IS NULL ORDER BY created_at, id"  # type: ignore[arg-type]
        ).fetchall()

    def runs(
        self, columns: str = "rule, state, error", end: str = "ORDER BY number"
    ) -> list[tuple[Any, ...]]:
        return self.conn.execute(f"SELECT {columns} FROM {SCHEMA}.sys__run {end}").fetchall()  # type: ignore[arg-type]


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
    assert "100" in w.runs("error")[1][0]
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
    w.work(timedelta(days=3, minutes=1))
    assert w.rows("shop", "name") == [("late",), ("in time",), ("x",)]
    assert late


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
    query = f"SELECT person::text, text->>'en', reason, record::text FROM {SCHEMA}.sys__notice"
    told = w.conn.execute(query).fetchall()  # type: ignore[arg-type]
    assert sorted(told) == sorted((u, "A shop opened", "automation", shop) for u in (owner, boss, money))


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


@pytest.mark.parametrize(
    "step",
    [
        "{name: x, do: create, object: shop, set: {name: b}, details: [{each: bills, to: bills, set: {name: =name}}]}",
    ],
)
def test_a_rule_this_version_does_not_carry_out_starts_nothing(
    conn: psycopg.Connection[Any], step: str
) -> None:
    w = workspace(
        conn,
        f"""
kind: automation
name: later
object: shop
on: {{event: created}}
steps: [{{name: a, do: update, set: {{size: 1}}}}, {step}]
""",
    )
    w.do("create", "shop", name="a")
    w.work()
    assert w.runs() == [] and w.rows("shop", "size") == [(None,)]


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
