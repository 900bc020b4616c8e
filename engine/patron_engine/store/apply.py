"""Apply: a DdlPlan becomes true, inside the publishing transaction.

In: an open transaction, a plan that was shown and confirmed. Out: tables as planned, tasks as rows of sys__task; all of
it commits or none of it. New tables are made before any lock is asked for, so that readers of the old ones wait only
for what concerns them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from typing import Any

import psycopg
from psycopg import errors

from patron_engine.errors import Refused
from patron_engine.problems import Problem
from patron_engine.store import ddl, tasks
from patron_engine.store.carry import convert_batch, filled
from patron_engine.store.conversion import Conversion
from patron_engine.store.locks import BUDGET, acquire
from patron_engine.store.steps import AddForeignKey, Convert, CreateIndex, CreateTable, DdlPlan, Step

Connection = psycopg.Connection[Any]


def apply(
    conn: Connection,
    plan: DdlPlan,
    *,
    zone: tzinfo = UTC,
    budget: float = BUDGET,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Runs every step and queues every task; returns the ids of the tasks.

    Refused when rows changed since the plan so that a unique rule or a conversion no longer holds. Unavailable when the
    tables cannot be locked. The caller rolls back on either.
    """
    fresh = {s.op.table.name for s in plan.steps if isinstance(s.op, CreateTable)}
    first = [s for s in plan.steps if isinstance(s.op, CreateTable) or _within(s, fresh)]
    rest = [s for s in plan.steps if s not in first]
    for step in first:
        _run(conn, plan, step, zone)
    altered, referenced = locks_of(rest, fresh)
    acquire(conn, plan.schema, altered, referenced=referenced, budget=budget, sleep=sleep)
    for step in rest:
        _run(conn, plan, step, zone)
    return [tasks.enqueue(conn, plan.schema, task) for task in plan.tasks]


def locks_of(steps: Iterable[Step], fresh: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Tables that steps alter, and those they only point at; `fresh` ones exist for nobody else yet."""
    altered: set[str] = set()
    referenced: set[str] = set()
    for step in steps:
        match step.op:
            case CreateTable():
                continue
            case CreateIndex():
                altered.add(step.op.index.table)
            case AddForeignKey():
                altered.add(step.op.table)
                referenced.add(step.op.key.target)
            case _:
                altered.add(step.op.table)
    new = set(fresh)
    return sorted(altered - new), sorted(referenced - altered - new)


def _within(step: Step, fresh: set[str]) -> bool:
    """The step concerns new tables only."""
    match step.op:
        case CreateIndex():
            return step.op.index.table in fresh
        case AddForeignKey():
            return step.op.table in fresh and step.op.key.target in fresh
        case _:
            return False


def _run(conn: Connection, plan: DdlPlan, step: Step, zone: tzinfo) -> None:
    if isinstance(step.op, Convert):
        conversion = next(c for c in plan.conversions if c.key == step.op.key)
        _convert(conn, plan.schema, conversion, zone)
        return
    try:
        for statement in ddl.statements(plan.schema, step.op):
            conn.execute(statement)
    except errors.UniqueViolation as error:
        place = (
            f"{step.op.index.table}.{step.op.index.constraint}" if isinstance(step.op, CreateIndex) else None
        )
        raise Refused(
            [
                Problem(
                    code="mf_unique_duplicates",
                    message=f"{step.sentence}: records became equal since the plan was made",
                    hint="plan again to see them",
                    path=place,
                )
            ]
        ) from error


def _convert(conn: Connection, schema: str, conversion: Conversion, zone: tzinfo) -> None:
    after: str | None = None
    complete = filled(conn, schema, conversion)
    while True:
        batch = convert_batch(conn, schema, conversion, after=after, zone=zone, complete=complete)
        if batch.failed:
            first = batch.failed[0]
            raise Refused(
                [
                    Problem(
                        code="mf_conversion_fails",
                        message=f"{conversion.key}: {first['value']!r} of record {first['id']}: {first['why']}",
                        hint="correct or empty this value, then plan again",
                        path=conversion.key,
                    )
                ]
            )
        if batch.after is None:
            return
        after = batch.after
