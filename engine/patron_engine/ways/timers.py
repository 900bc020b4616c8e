"""Timers: schedules and dates begin runs when their time comes; deadlines of approvals pass. Part of the way flow.

In: the automations of the release, the clocks kept. Out: runs begun, clocks moved on; a new release plans its clocks anew. A time that
passed while nobody worked is made up for as the automation says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql as pg

from patron_engine import jsonio
from patron_engine.errors import PatronError
from patron_engine.flow import store
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run, ended
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.spans import after
from patron_engine.flow.times import (
    EVERY,
    anniversaries,
    days_meant,
    due_times,
    is_exact,
    lunar_anniversary,
    next_time,
    span_of,
    time_of_day,
)
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.automations import automations
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.record.statements import Conn
from patron_engine.store.tables import TYPES
from patron_engine.ways import approval_times, segments, upgrades
from patron_engine.ways.flow import start
from patron_engine.ways.steps import flow_named

log = logging.getLogger("patron.flow")
TIMED: Final = ("schedule", "date")
MOST: Final = 50_000  # records for which one time of an automation begins runs
PIECE: Final = 1_000  # runs that begin in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    rule: str
    event: int
    next_at: datetime


def tick(conn: Conn, call: Call) -> int:
    """Begins the runs whose time has come; how many. In the caller's write transaction."""
    reading = Reading(conn, call)
    begun = _plan(reading)
    for clock in _due(conn, call):
        if clock.rule.startswith(segments.CLOCK):
            begun += _look(reading, clock)
            continue
        flow = flow_named(call, clock.rule)
        if flow is None:
            continue
        event = flow.on[clock.event]
        try:
            with conn.transaction():
                due, missed = (
                    ([call.now], [])
                    if is_exact(event)
                    else due_times(event, clock.next_at, call.now, reading.context)
                )
                for at in due:
                    begun += _begin(reading, flow, event, at, clock.next_at - EVERY)
                _missed(reading, flow, event, missed)
        except (
            PatronError,
            psycopg.Error,
            ValueError,
            OverflowError,
        ) as error:  # one that cannot be worked out holds up nobody
            log.warning(
                "clock_failed",
                extra={"workspace": call.workspace, "automation": clock.rule, "why": str(error)},
            )
        _move(conn, call, clock, next_time(event, call.now, reading.context))
    return begun + approval_times.tick(conn, call)


def _look(reading: Reading, clock: Clock) -> int:
    """Who came into a segment and left it."""
    conn, call, begun, more = reading.conn, reading.call, 0, False
    name = clock.rule.removeprefix(segments.CLOCK)
    try:
        with conn.transaction():
            begun, more = segments.refresh(reading, name)
    except (PatronError, psycopg.Error) as error:
        log.warning("segment_failed", extra={"workspace": call.workspace, "segment": name, "why": str(error)})
    known = call.model.segments.get(name)
    if not more:  # else the others follow at once
        _move(conn, call, clock, segments.next_look(known, call.now, reading.context) if known else None)
    return begun or int(more)


def _plan(reading: Reading) -> int:
    """Once a release: clocks for what is timed; those of what is gone go. The runs that an upgrade began."""
    conn, call = reading.conn, reading.call
    state = sql.Identifier(call.schema, "sys__state")
    for locked in (sql.SQL(""), sql.SQL("FOR UPDATE")):  # looked at often, planned once
        planned = conn.execute(sql.SQL("SELECT clocks FROM {} {}").format(state, locked)).fetchone()
        if planned is None or planned[0] == call.model.release:
            return 0
    begun = upgrades.begin(reading, int(planned[0]) if planned else 0)
    rows = []
    for name, _ in automations(call.model):
        flow = flow_named(call, name)
        for number, event in enumerate(flow.on if flow is not None else ()):
            at = next_time(event, call.now, reading.context) if event["event"] in TIMED else None
            if at is not None:
                rows.append((name, number, jsonio.dumps(dict(event)).decode(), at))
    rows += [
        (f"{segments.CLOCK}{s.name}", 0, segments.line_of(s), call.now) for s in segments.listened(call.model)
    ]
    clocks = sql.Identifier(call.schema, "sys__clock")
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE NOT (rule || '/' || event) = ANY(%s)").format(clocks),
        ([f"{rule}/{number}" for rule, number, _, _ in rows],),
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {clocks} AS c (rule, event, line, next_at) VALUES (%s, %s, %s, %s) ON CONFLICT (rule, event)"
                " DO UPDATE SET line = EXCLUDED.line, next_at = EXCLUDED.next_at WHERE c.line <> EXCLUDED.line"
            ).format(clocks=clocks),
            rows,
        )
    conn.execute(sql.SQL("UPDATE {} SET clocks = %s").format(state), (call.model.release,))
    return begun


def _due(conn: Conn, call: Call) -> list[Clock]:
    rows = conn.execute(
        sql.SQL(
            "SELECT rule, event, next_at FROM {} WHERE next_at <= %s ORDER BY next_at, rule FOR UPDATE SKIP LOCKED"
        ).format(sql.Identifier(call.schema, "sys__clock")),
        (call.now,),
    ).fetchall()
    return [Clock(rule=rule, event=event, next_at=at) for rule, event, at in rows]


def _move(conn: Conn, call: Call, clock: Clock, to: datetime | None) -> None:
    clocks = sql.Identifier(call.schema, "sys__clock")
    if to is None:
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE rule = %s AND event = %s").format(clocks), (clock.rule, clock.event)
        )
    else:
        conn.execute(
            sql.SQL("UPDATE {} SET next_at = %s WHERE rule = %s AND event = %s").format(clocks),
            (to, clock.rule, clock.event),
        )


def _begin(reading: Reading, flow: Flow, event: Mapping[str, Any], at: datetime, since: datetime) -> int:
    """`since` is the last look, where the event's time is a moment."""
    offered: dict[str, Any] = {"name": event["event"], "at": reading.call.now.isoformat()}
    if event["event"] == "schedule":
        offered["planned_at"] = at.isoformat()
        records = _all(reading, flow) if flow.object is not None else _itself(reading, flow, offered)
    else:
        day = reading.context.local(at).date()
        offered["date"] = day.isoformat()
        records = _of_day(reading, flow, event, (since, at), day)
    for begin in range(0, len(records), PIECE):
        start(
            reading.conn,
            reading.call,
            [_run(reading.call, flow, offered, r) for r in records[begin : begin + PIECE]],
        )
    return len(records)


def _missed(reading: Reading, flow: Flow, event: Mapping[str, Any], times: Sequence[datetime]) -> None:
    """Times that passed while nobody worked and are not made up for are listed among the runs, as one that was cut."""
    if not times:
        return
    offered = {
        "name": event["event"], "at": reading.call.now.isoformat(), "planned_at": times[0].isoformat(), "missed": len(times)
    }  # fmt: skip
    run = ended(_run(reading.call, flow, offered, None), "cut", "missed")
    store.begin(reading.conn, reading.call.schema, [run], reading.call.now)


def _run(call: Call, flow: Flow, offered: Mapping[str, Any], record: str | None) -> Run:
    return Run(
        id=call.new_id(), rule=flow.name, version=flow.version, release=call.model.release, object=flow.object, record=record,
        causer=None, event=offered,
    )  # fmt: skip


def _all(reading: Reading, flow: Flow) -> list[str | None]:
    """Every record that fits."""
    choice = Choice(
        key=f"{flow.name}.{flow.version}.when", object=flow.object or "", where=flow.when, limit=MOST
    )
    return list(chosen(reading, choice, [Subject(run=_run(reading.call, flow, {}, None))])[0])


def _itself(reading: Reading, flow: Flow, offered: Mapping[str, Any]) -> list[str | None]:
    """An automation about no record: once, where its condition holds."""
    return (
        [None] if reading.holds(flow.when, [Subject(run=_run(reading.call, flow, offered, None))])[0] else []
    )


def _of_day(
    reading: Reading, flow: Flow, event: Mapping[str, Any], between: tuple[datetime, datetime], day: date
) -> list[str | None]:
    """The records whose date, moved by the offset, is this day (or whose moment came since the last look), and that fit."""
    days = [] if is_exact(event) else days_meant(event, day, reading.context)
    found = _dated(reading, flow, event, between, days)
    subjects = [Subject(run=_run(reading.call, flow, {}, record)) for record in found]
    holds = reading.holds(flow.when, subjects)
    return [record for record, fits in zip(found, holds, strict=True) if fits]


def _dated(
    reading: Reading,
    flow: Flow,
    event: Mapping[str, Any],
    between: tuple[datetime, datetime],
    days: Sequence[date],
) -> list[str]:
    call, zone = reading.call, reading.call.model.workspace.zone.key
    row = Building(tables=call.tables).root(flow.object or "")
    value: sa.ColumnElement[Any] = SqlBinding(row=row).column(event["field"])
    given: dict[str, Any] = {}
    moment = isinstance(value.type, sa.DateTime)
    if is_exact(event):
        looked: list[Any] = [_before(at, event, reading) for at in between]
        if not moment:  # of a day, its hour
            hour = datetime.combine(date.min, time_of_day(event)) - datetime.min
            looked = [(reading.context.local(at).replace(tzinfo=None) - hour).date() for at in looked]
        given = dict(zip(("from", "upto"), looked, strict=True))
        bounds = [parameter(n, TYPES["timestamptz" if moment else "date"]) for n in given]
        where = sa.and_(value > bounds[0], value <= bounds[1])
        return _ids(reading, row, where, given)
    if moment:
        value = sa.cast(sa.func.timezone(zone, value), sa.Date)
    if event.get("yearly") and event.get("calendar") == "lunar":
        rows = _ids(reading, row, value.is_not(None), given, value)
        return [id for id, born in rows if lunar_anniversary(born, list(days))]
    if event.get("yearly"):
        month, number = sa.extract("month", value), sa.extract("day", value)
        pairs = anniversaries(list(days))
        where = sa.or_(sa.false(), *(sa.and_(month == m, number == d) for m, d in pairs))
        return _ids(
            reading,
            row,
            sa.and_(where, value <= parameter("day", TYPES["date"])),
            {"day": max(days, default=date.min)},
        )
    return _ids(reading, row, value == sa.any_(parameter("days", pg.ARRAY(sa.Date()))), {"days": list(days)})


def _before(at: datetime, event: Mapping[str, Any], reading: Reading) -> datetime:
    """The moment that, moved by the offset, is `at`."""
    span = span_of(event)
    if span.unit == "work_hour":
        return after(at, type(span)(count=-span.count, unit=span.unit), reading.context)
    return at - (timedelta(hours=1) if span.unit == "hour" else timedelta(minutes=1)) * span.count


def _ids(reading: Reading, row: Any, where: Any, given: Mapping[str, Any], *more: Any) -> list[Any]:
    query = sa.select(row.id, *more).select_from(row.source.from_).where(where, *row.live(voided=False))
    made = compiled(query.order_by(row.id).limit(sa.literal(MOST)), reading.call.model.release)
    rows = reading.conn.execute(made.text, made.values({**call_values(reading.call), **given})).fetchall()
    return [(str(r[0]), *r[1:]) for r in rows] if more else [str(r[0]) for r in rows]
