"""A workspace of shops and their bills in which automations run: the worker works when a test says so.

w = workspace(conn, AUTOMATIONS)
shop = w.do("create", "shop", name="Acme")
w.work()                                  # or w.work(timedelta(days=3)): as if so much later
assert w.runs() == [("name", "done", None)]
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
from patron_engine.ways import flow, timers
from patron_engine.ways.save import save
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
---
kind: object
name: line
label: {en: Line}
title: name
fields:
  - {name: bill, type: master, to: bill, label: {en: Bill}, reverse: {name: lines, label: {en: Lines}}}
  - {name: name, type: text, label: {en: Name}}
  - {name: sum, type: integer, label: {en: Sum}}
---
kind: object
name: absence
label: {en: Absence}
title: reason
fields:
  - {name: user, type: user, label: {en: User}}
  - {name: reason, type: text, label: {en: Reason}}
  - {name: period, type: date_range, label: {en: Period}}
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
            more = timers.tick(self.conn, call) + flow.begin(self.conn, call)
            more += flow.go_on(self.conn, call, self.who)
            self.conn.commit()
            if not more:
                return
        raise AssertionError("it never ends")

    def rows(self, object: str, columns: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            f"SELECT {columns} FROM {SCHEMA}.{object} WHERE deleted_at IS NULL ORDER BY created_at, id"  # type: ignore[arg-type]
        ).fetchall()

    def notices(self, columns: str) -> list[tuple[Any, ...]]:
        """What people were told."""
        return self.conn.execute(f"SELECT {columns} FROM {SCHEMA}.sys__notice ORDER BY at, id").fetchall()  # type: ignore[arg-type]

    def runs(
        self, columns: str = "rule, state, error", end: str = "ORDER BY number"
    ) -> list[tuple[Any, ...]]:
        return self.conn.execute(f"SELECT {columns} FROM {SCHEMA}.sys__run {end}").fetchall()  # type: ignore[arg-type]
