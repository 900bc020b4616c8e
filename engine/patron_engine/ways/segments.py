"""Segments: who came into a segment and who left it, for the automations that listen. Part of the way flow.

In: a segment of the release whose time has come. Out: its members as they are now, kept in one statement; runs for those who entered
and left since the last time. What a segment means is found in silence the first time, and again when its condition changed: nobody
entered by that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql

from patron_engine.expr.context import Context
from patron_engine.expr.sql import condition_sql
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.times import next_time
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.automations import automations, events_of
from patron_engine.model.model import Model, Segment
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.store.tables import TYPES
from patron_engine.ways.flow import start
from patron_engine.ways.steps import flow_named

CLOCK: Final = "segment:"  # what clocks of segments are called
MOST: Final = 50_000  # records that enter a segment, or leave it, at once; the others follow
PIECE: Final = 1_000  # runs that begin in one statement
AT: Final = {"hourly": "0 * * * *", "daily": "0 6 * * *", "weekly": "0 6 * * 1", "monthly": "0 6 1 * *"}


def listened(model: Model) -> list[Segment]:
    """The segments whose members are kept: an automation listens to them."""
    names = {
        event["segment"]
        for _, body in automations(model)
        for event in events_of(body)
        if event["event"] in ("entered", "left")
    }
    return [model.segments[n] for n in sorted(names) if n in model.segments]


def line_of(segment: Segment) -> str:
    return f"{segment.object}: {segment.where.source} ({segment.refresh or 'hourly'})"


def next_look(segment: Segment, moment: datetime, context: Context) -> datetime | None:
    refresh = segment.refresh or "hourly"
    if refresh in AT:
        return next_time({"event": "schedule", "cron": AT[refresh]}, moment, context)
    return after(moment, read_span(refresh), context)


def refresh(reading: Reading, name: str) -> tuple[int, bool]:
    """Brings the members up to date; how many runs began, and whether there is more."""
    segment = reading.call.model.segments.get(name)
    if segment is None:
        return 0, False
    silent = _renamed(reading, segment)
    moved = _moved(reading, segment)
    more = any(len(ids) >= MOST for ids in moved.values())
    if silent or not any(moved.values()):
        return 0, more
    return sum(_begin(reading, rule, segment, moved) for rule, _ in automations(reading.call.model)), more


def _renamed(reading: Reading, segment: Segment) -> bool:
    """Whether it is found by another condition than before."""
    row = reading.conn.execute(
        sql.SQL(
            "INSERT INTO {} AS s (name, line) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET line = EXCLUDED.line"
            " WHERE s.line <> EXCLUDED.line RETURNING 1"
        ).format(sql.Identifier(reading.call.schema, "sys__segment")),
        (segment.name, line_of(segment)),
    ).fetchone()
    return row is not None


def _moved(reading: Reading, segment: Segment) -> dict[str, list[str]]:
    call = reading.call
    made = kept(call.tables).get(("flow.segment", segment.name), lambda: _statement(call, segment))
    given = {**call_values(call), "segment": segment.name}
    found: dict[str, list[str]] = {"entered": [], "left": []}
    for event, record in reading.conn.execute(made.text, made.values(given)).fetchall():
        found[event].append(str(record))
    return found


def _statement(call: Call, segment: Segment) -> Statement:
    """One statement: those who fit and are no members come in, members who do not fit go."""
    row = Building(tables=call.tables).root(segment.object)
    fits = sa.select(row.id.label("id")).select_from(row.source.from_)
    now = fits.where(*row.live(), condition_sql(segment.where, SqlBinding(row=row))).cte("now")
    member = call.tables.system("sys__member", segment="text", record="uuid")
    name = parameter("segment", TYPES["text"])
    known = sa.exists().where(member.c.segment == name, member.c.record == now.c.id)
    new = sa.select(name, now.c.id).where(~known).limit(sa.literal(MOST))
    came = member.insert().from_select(["segment", "record"], new).returning(member.c.record).cte("came")
    gone = sa.select(member.c.record).where(
        member.c.segment == name, ~sa.exists().where(now.c.id == member.c.record)
    )
    over = gone.limit(sa.literal(MOST)).cte("over")
    went = (
        member.delete()
        .where(member.c.segment == name, member.c.record.in_(sa.select(over.c.record)))
        .returning(member.c.record)
        .cte("went")
    )
    both = sa.union_all(
        sa.select(sa.literal("entered"), came.c.record), sa.select(sa.literal("left"), went.c.record)
    )
    return compiled(both, call.model.release)


def _begin(reading: Reading, rule: str, segment: Segment, moved: Mapping[str, Sequence[str]]) -> int:
    flow = flow_named(reading.call, rule)
    begun = 0
    for event in flow.on if flow is not None else ():
        if event.get("segment") != segment.name or event["event"] not in moved or flow is None:
            continue
        records = moved[event["event"]]
        for at in range(0, len(records), PIECE):
            begun += len(
                start(reading.conn, reading.call, _runs(reading, flow, event, records[at : at + PIECE]))
            )
    return begun


def _runs(reading: Reading, flow: Flow, event: Mapping[str, Any], records: Sequence[str]) -> list[Run]:
    """Of records that are still there and fit the automation's condition."""
    call = reading.call
    there = fetch_values(reading.conn, call, flow.object or "", records, ["id"])
    offered = {"name": event["event"], "at": call.now.isoformat(), "segment": event["segment"]}
    runs = [
        Run(
            id=call.new_id(), rule=flow.name, version=flow.version, release=call.model.release, object=flow.object,
            record=record, causer=None, event=offered,
        )
        for record in records
        if record in there
    ]  # fmt: skip
    holds = reading.holds(flow.when, [Subject(run=run) for run in runs])
    return [run for run, fits in zip(runs, holds, strict=True) if fits]
