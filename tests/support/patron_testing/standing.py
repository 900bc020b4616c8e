"""A workspace of customers, with what flow keeps beside them, whose worker runs when a test says so.

house = House(conn, build_workspace(conn, OBJECTS + "---\n" + more)); house.work(timedelta(days=3))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.ways import clocks, flow, noting, pool_clocks, timers
from patron_engine.ways.save import save
from patron_testing.build import NOON, SCHEMA

OBJECTS = """
kind: workspace
name: workspace
languages: [en, zh-CN, zh-TW]
currency: CNY
zone: Asia/Shanghai
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: email, type: email, unique: true}
  - {name: active, type: boolean, default: true}
  - {name: manager, type: lookup, to: user, tree: true}
  - {name: roles, type: tags}
  - {name: regions, type: tags}
  - {name: language, type: text}
---
kind: object
name: queue
label: Queue
title: name
owner: none
fields: [{name: name, type: text}, {name: code, type: text, unique: true}, {name: members, type: lookup, to: user, many: true}]
---
kind: object
name: absence
label: Absence
title: reason
fields:
  - {name: user, type: master, to: user, reverse: {name: absences, label: Absences}}
  - {name: reason, type: text}
  - {name: period, type: date_range}
---
kind: object
name: message
label: Message
title: subject
fields:
  - {name: subject, type: text, max_length: 500}
  - {name: direction, type: text}
  - {name: about, type: lookup, to: [customer, person]}
---
kind: object
name: customer
label: {en: Customer, zh-CN: 客户}
title: name
history: true
search: [name, phone]
fields:
  - {name: name, type: text, required: true}
  - {name: phone, type: text}
  - {name: dialled, type: formula, expression: "CONCAT('tel:', phone)"}
  - {name: region, type: select, options: [east, west], default: east}
  - {name: grade, type: select, options: [a, b], default: b}
  - {name: locked, type: boolean, default: false}
  - {name: state, type: select, options: [fresh, called, offered, won, lost], default: fresh}
  - {name: amount, type: integer}
  - {name: reason, type: text}
  - {name: called_at, type: datetime}
---
kind: object
name: person
label: Person
title: name
fields:
  - {name: name, type: text}
  - {name: mobile, type: text}
  - {name: customer, type: lookup, to: customer, reverse: {name: people, label: People}}
---
kind: object
name: call
label: Call
title: name
fields:
  - {name: name, type: text}
  - {name: about, type: lookup, to: [customer, person], reverse: {name: calls, label: Calls}}
---
kind: object
name: task
label: Task
title: title
fields:
  - {name: title, type: text}
  - {name: about, type: lookup, to: [customer, person], reverse: {name: tasks, label: Tasks}}
  - {name: status, type: select, options: [open, in_progress, done, cancelled], default: open}
  - {name: due, type: date}
  - {name: stage_path, type: text}
  - {name: stage, type: text}
  - {name: stage_task, type: text}
---
kind: object
name: stage_stay
label: Stay
title: to
owner: none
fields:
  - {name: about, type: lookup, to: [customer, person], on_delete: cascade, required: true, reverse: {name: stays, label: Stays}}
  - {name: stage_path, type: text}
  - {name: from, type: text}
  - {name: to, type: text}
  - {name: by, type: user}
  - {name: at, type: datetime}
  - {name: left_at, type: datetime}
  - {name: hours, type: decimal, scale: 2}
  - {name: work_hours, type: decimal, scale: 2}
---
kind: object
name: pool_move
label: Move
title: pool_name
owner: none
fields:
  - {name: about, type: lookup, to: [customer, person], on_delete: cascade, required: true, reverse: {name: moves, label: Moves}}
  - {name: pool_name, type: text}
  - {name: kind, type: select, options: [entered, claimed, assigned, returned, reclaimed, expired, transferred, asked, extended, refused]}
  - {name: from_user, type: user}
  - {name: to_user, type: user}
  - {name: by, type: user}
  - {name: reason, type: text}
  - {name: note, type: text}
  - {name: at, type: datetime}
---
kind: object
name: sla_clock
label: Clock
title: clock
owner: none
fields:
  - {name: about, type: lookup, to: [customer, person], on_delete: cascade, required: true, reverse: {name: sla_clocks, label: Clocks}}
  - {name: agreement, type: text}
  - {name: clock, type: text}
  - {name: state, type: select, options: [running, paused, met, breached, cancelled]}
  - {name: started_at, type: datetime}
  - {name: warn_at, type: datetime}
  - {name: due_at, type: datetime}
  - {name: done_at, type: datetime}
  - {name: paused_seconds, type: duration, default: 0}
  - {name: breached, type: boolean}
  - {name: hours, type: decimal, scale: 2}
---
kind: role
name: rep
label: Rep
objects:
  customer: {create: true, read: own, update: own}
  person: {read: {through: customer}, update: own}
  call: {create: true, read: {through: about}}
  pool_move: {read: {through: about}}
---
kind: role
name: west_boss
label: West boss
objects: {customer: {read: own}}
---
kind: role
name: boss
label: Boss
objects:
  customer: {read: own, update: own}
"""


class House:
    """The workspace, its people and its worker."""

    def __init__(self, conn: psycopg.Connection[Any], call: Call) -> None:
        self.conn, self.call = conn, call
        self.who: Callable[..., Actor | None] = lambda conn, call, user: Actor(user=user, administrator=True)

    def later(self, later: timedelta = timedelta(), user: str | None = None, *roles: str) -> Call:
        """A call at noon and so much later: the administrator's, or a user's with these roles."""
        call = replace(self.call, now=NOON + later)
        if user is None:
            return call
        return replace(call, actor=Actor(user=user, name=user, roles=frozenset(roles)))

    def do(
        self, action: Any, object: str, id: str | None = None, call: Call | None = None, **values: Any
    ) -> str:
        (made,) = save(
            self.conn,
            call or self.call,
            [Change(action=action, object=object, id=id, set=values, source="wire")],
        )
        self.conn.commit()
        assert made.id is not None
        return made.id

    def user(self, name: str, *roles: str, **values: Any) -> str:
        return self.do(
            "create", "user", name=name, email=f"{name}@x.example", roles=list(roles) or None, **values
        )

    def work(self, later: timedelta = timedelta()) -> None:
        """Until nothing is due."""
        call = replace(self.call, now=NOON + later)
        for _ in range(200):
            acts = (timers.tick, noting.work, pool_clocks.tick, clocks.tick, flow.begin)
            more = sum(act(self.conn, call) for act in acts) + flow.go_on(self.conn, call, self.who)
            self.conn.commit()
            if not more:
                return
        raise AssertionError("it never ends")

    def rows(self, object: str, columns: str, end: str = "ORDER BY created_at, id") -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM {SCHEMA}.{object} WHERE deleted_at IS NULL {end}"
        return self.conn.execute(query).fetchall()  # type: ignore[arg-type]

    def kept(self, table: str, columns: str, end: str = "") -> list[tuple[Any, ...]]:
        return self.conn.execute(f"SELECT {columns} FROM {SCHEMA}.{table} {end}").fetchall()  # type: ignore[arg-type]
