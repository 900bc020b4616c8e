"""Standing: what flow keeps beside a record, as SQL values of its row: `path.NAME.since`, `pool.name`, `sla.CLOCK.due_at`; and
the conditions that a record waits in a pool, or is decided by me at a step.

In: a row of a statement, the steps of a virtual name (model/virtual). Out: a correlated subquery by key; None for names that are
kept elsewhere. A record that waits has a pool, one that somebody owns has a day on which it goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.query.source import Building, Row
from patron_engine.store.tables import TYPES

_STAGE: Final = {"since": "since", "due": "due_at"}
_POOL: Final = {"name": "pool", "since": "since", "returns_at": "returns_at"}
_SLA: Final = ("due_at", "done_at", "breached", "hours")


def standing_value(row: Row, steps: tuple[str, ...]) -> sa.ColumnElement[Any] | None:
    """The value of a virtual name for one row."""
    tables, alias = row.building.tables, row.building.alias()
    table: Any
    if steps[0] == "pool" and len(steps) == 2 and steps[1] in _POOL:
        table = tables.system(
            "sys__pool",
            record="uuid",
            pool="text",
            waits="boolean",
            since="timestamptz",
            returns_at="timestamptz",
        ).alias(alias)
        where = [table.c.waits] if steps[1] == "name" else []
        return _only(table, row, table.c[_POOL[steps[1]]], *where)
    if steps[0] == "path" and len(steps) == 3 and steps[2] in _STAGE:
        table = tables.system(
            "sys__stage", record="uuid", path="text", since="timestamptz", due_at="timestamptz"
        ).alias(alias)
        return _only(table, row, table.c[_STAGE[steps[2]]], table.c.path == _text(steps[1]))
    if steps[0] == "sla" and len(steps) == 3 and steps[2] in _SLA:
        table = tables.system(
            "sys__sla", record="uuid", clock="text", due_at="timestamptz", done_at="timestamptz", breached="boolean",
            hours="numeric", started_at="timestamptz",
        ).alias(alias)  # fmt: skip
        return _only(table, row, table.c[steps[2]], table.c.clock == _text(steps[1]), last=table.c.started_at)
    return None


def waits_in(building: Building, pools: Sequence[str], id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The record waits in one of these pools."""
    table = building.tables.system("sys__pool", record="uuid", pool="text", waits="boolean").alias(
        building.alias()
    )
    named = table.c.pool.in_([_text(pool) for pool in pools])
    waiting = sa.select(table.c.record).select_from(table).where(table.c.record == id, table.c.waits, named)
    return sa.exists(waiting.correlate_except(table))


def at_step(
    building: Building,
    me: sa.ColumnElement[Any],
    approval: str,
    nodes: Sequence[str],
    id: sa.ColumnElement[Any],
) -> sa.ColumnElement[bool]:
    """I have a task at one of these steps of the record's latest approval, and did not submit it myself."""
    tables = building.tables
    of = tables.system(
        "sys__approval", id="uuid", record="uuid", approval="text", latest="boolean", submitter="uuid"
    ).alias(building.alias())
    task = tables.system(
        "sys__approval_task", instance="uuid", person="uuid", node="text", state="text"
    ).alias(building.alias())
    mine = sa.select(of.c.record).select_from(sa.join(of, task, task.c.instance == of.c.id)).where(
        of.c.record == id, of.c.latest, of.c.approval == _text(approval), of.c.submitter.is_distinct_from(me),
        task.c.person == me, task.c.node.in_([_text(node) for node in nodes]), task.c.state != _text("transferred"),
    )  # fmt: skip
    return sa.exists(mine.correlate_except(of, task))


def _only(table: Any, row: Row, value: Any, *where: Any, last: Any = None) -> sa.ColumnElement[Any]:
    query = sa.select(value).select_from(table).where(table.c.record == row.id, *where)
    if last is not None:
        query = query.order_by(last.desc()).limit(sa.literal(1, sa.Integer()))
    found: sa.ColumnElement[Any] = query.correlate_except(table).scalar_subquery()
    return found


def _text(value: str) -> sa.ColumnElement[str]:
    return sa.literal(value, TYPES["text"])
