"""Nightly: once a business day, figures that depend on the day are brought up to date and all others are compared.

In: a workspace after one o'clock of its own zone. Out: a task, at most one a day; worked off object by object, each piece a
transaction. Stored formulas that read TODAY are written anew; other figures are only compared, and what differs is
reported in the task's progress (`patron doctor` shows and repairs it). A drift is a fault of ours, never mended in silence.
Before that, files nobody made anything of are removed, what is kept for a time is tidied up, and the audit learns which rights
for single records ended by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import Clock
from patron_engine.fields.field import Formula
from patron_engine.model.model import Model, Object
from patron_engine.query.call import Call
from patron_engine.record import outbox, storm
from patron_engine.record.drift import find_drift, repair
from patron_engine.record.files import sweep
from patron_engine.record.given import note_expired
from patron_engine.report import keeping
from patron_engine.store import counters
from patron_engine.store.locks import shared
from patron_engine.store.steps import Task
from patron_engine.store.tables import Tables
from patron_engine.store.tasks import Chunk, Handler, Work, enqueue

KIND = "nightly"
Sweep = Callable[[psycopg.Connection[Any], str, datetime], bool]  # removes a piece; whether there may be more
FROM_HOUR = 1  # of the workspace's clock: midnight belongs to those who work late


def enqueue_nightly(conn: psycopg.Connection[Any], schema: str, zone: ZoneInfo, clock: Clock) -> bool:
    """Queues the day's task when it is time and there is none yet. Returns whether it did."""
    local = clock().astimezone(zone)
    if local.hour < FROM_HOUR:
        return False
    day = local.date()
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", (schema,))
        if _there(conn, schema, day):
            return False
        enqueue(
            conn,
            schema,
            Task(kind=KIND, table="", payload={"day": day.isoformat()}, rows=0, sentence="nightly"),
        )
    return True


def _there(conn: psycopg.Connection[Any], schema: str, day: date) -> bool:
    query = sql.SQL("SELECT 1 FROM {}.sys__task WHERE kind = %s AND payload ->> 'day' = %s").format(
        sql.Identifier(schema)
    )
    return conn.execute(query, (KIND, day.isoformat())).fetchone() is not None


def handlers(clock: Clock, sweeps: Sequence[Sweep] = ()) -> Mapping[str, Handler]:
    """The handler of the task, for `store.tasks`. `sweeps` remove what others keep for a time, beside files."""

    def piece(conn: psycopg.Connection[Any], work: Work) -> Chunk:
        assert work.current is not None
        model = work.current()
        names = sorted(model.objects)
        at = int(work.progress.get("object", 0))
        drifted = dict(work.progress.get("drifted", {}))
        expired = work.progress.get("expired")
        if at == 0:
            if any(one(conn, work.schema, clock()) for one in (sweep, *sweeps)):
                return Chunk(progress={"object": 0, "drifted": drifted})  # the rest in the next piece
            _tidy(conn, work.schema, clock)
            expired = _expired(conn, work.schema, _call(work.schema, model, clock))
        if at < len(names):
            found = _one(conn, work.schema, model, model.objects[names[at]], clock)
            if found:
                drifted[names[at]] = found
        progress = {"object": at + 1, "drifted": drifted, "expired": expired}
        return Chunk(progress=progress, done=at + 1 >= len(names))

    return {KIND: Handler(run=piece)}


def _one(conn: psycopg.Connection[Any], schema: str, model: Model, object: Object, clock: Clock) -> int:
    """Brings up one object, or counts what has drifted."""
    if not any(f.columns and (f.type in ("formula", "rollup")) for f in object.fields.values()):
        return 0
    shared(conn, schema)
    call = _call(schema, model, clock)
    if any(isinstance(f.spec, Formula) and f.spec.nightly for f in object.fields.values()):
        repair(conn, call, object.name)
        return 0
    return len(find_drift(conn, call, object.name))


def _expired(conn: psycopg.Connection[Any], schema: str, call: Call) -> str:
    """Notes the rights for single records that ended since the last night this was done; up to when it looked."""
    query = sql.SQL("SELECT max(progress ->> 'expired') FROM {}.sys__task WHERE kind = %s AND state = 'done'")
    row = conn.execute(query.format(sql.Identifier(schema)), (KIND,)).fetchone()
    last = row[0] if row is not None else None
    since = datetime.fromisoformat(last) if last else call.now - timedelta(days=1)
    for name, object in sorted(call.model.objects.items()):
        if object.owner != "master":  # a detail's rights are its master's
            note_expired(conn, call, name, since)
    return call.now.isoformat()


def _call(schema: str, model: Model, clock: Clock) -> Call:
    return Call(
        workspace=schema, schema=schema, model=model, tables=Tables(model, schema), actor=SYSTEM, now=clock(),
        cause=Cause(kind="system", detail={"by": KIND}),
    )  # fmt: skip


def _tidy(conn: psycopg.Connection[Any], schema: str, clock: Clock) -> None:
    """Kept answers of repeated requests, tasks that ended a month ago, and runs that ended three months ago."""
    name = sql.Identifier(schema)
    storm.tidy(conn, schema, clock())
    outbox.tidy(conn, schema, clock())
    keeping.clear(conn, schema, clock())
    counters.fold(conn, schema)
    before = clock() - timedelta(days=2)
    conn.execute(sql.SQL("DELETE FROM {}.sys__idempotency WHERE at < %s").format(name), (before,))
    conn.execute(
        sql.SQL(
            "DELETE FROM {}.sys__task WHERE state IN ('done', 'cancelled') AND kind = %s AND updated_at < %s"
        ).format(name),
        (KIND, clock() - timedelta(days=30)),
    )
    conn.execute(
        sql.SQL("DELETE FROM {}.sys__run WHERE ended_at < %s").format(name), (clock() - timedelta(days=90),)
    )
