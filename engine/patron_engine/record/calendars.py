"""Calendars: the workspace's work calendar, read from its records for WORKDAYS, WORK_HOURS and deadlines.

In: the code the `workspace` document names. Out: a WorkCalendar. Asked only in releases whose expressions count work time,
and kept for a minute: holidays change once a year. Changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from patron_engine.expr.calendar import ALWAYS, WorkCalendar
from patron_engine.query.call import Call
from patron_engine.record.program import Program, Programs
from patron_engine.record.statements import Conn, Statement, compiled

FRESH_SECONDS = 60.0
COUNTS_WORK = frozenset({"WORKDAYS", "WORKDAY_ADD", "WORK_HOURS", "WORK_ADD"})
TIMED = frozenset(
    {"approval", "assignment", "automation", "sla", "stage_path"}
)  # kinds that wait for work hours
OBJECTS = ("calendar", "calendar_hours", "calendar_day")

_LOCK = threading.Lock()


def calendar_of(conn: Conn, call: Call) -> WorkCalendar:
    """The workspace's calendar; every hour of every day where it names none."""
    code = call.model.workspace.calendar
    programs = Programs.of(call.tables)
    if code is None or not programs.keep("calendars.used", lambda: _used(call)):
        return ALWAYS
    with _LOCK:
        at, found = programs.kept.get("calendars", (float("-inf"), ALWAYS))
    if time.monotonic() - at > FRESH_SECONDS:
        found = _read(conn, programs, code)
        with _LOCK:
            programs.kept["calendars"] = (time.monotonic(), found)
    calendar: WorkCalendar = found
    return calendar


def calendar_named(conn: Conn, call: Call, code: str) -> WorkCalendar:
    """The calendar with this code; every hour of every day where there is none."""
    programs = Programs.of(call.tables)
    return _read(conn, programs, code) if all(name in call.model.objects for name in OBJECTS) else ALWAYS


def _used(call: Call) -> bool:
    """Something in this release counts work time, and there are objects to read it from."""
    timed = any(kind in TIMED for kind, _ in call.model.documents)
    counted = timed or any(COUNTS_WORK & e.functions for e in call.model.expressions.values())
    return counted and all(name in call.model.objects for name in OBJECTS)


def _read(conn: Conn, programs: Programs, code: str) -> WorkCalendar:
    hours, days = programs["calendar_hours"], programs["calendar_day"]
    spans = _rows(conn, programs, hours, ("weekday", "starts_at", "ends_at"), code)
    special = _rows(conn, programs, days, ("day", "kind"), code)
    week: dict[int, list[Any]] = defaultdict(list)
    for weekday, starts, ends in spans:
        week[weekday].append((starts, ends))
    return WorkCalendar(
        week={day: tuple(sorted(found)) for day, found in week.items()} or ALWAYS.week,
        holidays=frozenset(day for day, kind in special if kind == "holiday"),
        workdays={day: () for day, kind in special if kind == "workday"},
    )


def _rows(
    conn: Conn, programs: Programs, details: Program, names: tuple[str, ...], code: str
) -> list[tuple[Any, ...]]:
    """The named fields of the live details of the calendar with that code."""

    def make() -> Statement:
        calendar = programs["calendar"]
        link = details.table.c[details.fields[details.object.master or "calendar"].column.name]
        columns = [details.table.c[details.fields[n].column.name] for n in names]
        rows = details.table.join(calendar.table, calendar.table.c.id == link)
        named = calendar.table.c[calendar.fields["code"].column.name] == sa.bindparam("code", type_=sa.Text())
        alive = (details.table.c.deleted_at.is_(None), calendar.table.c.deleted_at.is_(None))
        return compiled(sa.select(*columns).select_from(rows).where(named, *alive))

    statement: Statement = programs.keep(("calendars", details.object.name), make)
    return statement.run(conn, code=code)
