"""Look: runs as people look at them: listed, opened with their steps, replayed, given up.

In: a connection, a schema, what is looked for. Out: `Seen`s and `Taken`s, the latest first. Replaying and giving up are for runs that are
parked; they change one row, leave what was done, and the audit notes who did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.errors import Conflict, NotFound
from patron_engine.flow.run import said
from patron_engine.flow.store import STATES
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import audit

Connection = psycopg.Connection[Any]
SHOWN: Final = 100  # runs of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; empty for any. `before` is the number of the last run of the page before."""

    rule: str = ""
    state: str = ""
    record: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    id: str
    number: int
    rule: str
    object: str | None
    record: str | None
    causer: str | None
    event: str
    state: str
    error: str | None
    steps: int
    wrote: int
    attempts: int
    due_at: datetime | None
    began_at: datetime
    ended_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One step that was taken."""

    number: int
    step: str
    outcome: str
    told: Mapping[str, Any]
    at: datetime
    ms: int

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


_COLUMNS = sql.SQL(
    "id::text, number, rule, object, record::text, causer::text, event->>'name', state, error, steps, wrote, attempts,"
    " due_at, began_at, ended_at"
)


def listed(conn: Connection, schema: str, wanted: Wanted, most: int = SHOWN) -> list[Seen]:
    """The latest runs that fit."""
    query = sql.SQL(
        "SELECT {} FROM {} WHERE (%(rule)s = '' OR rule = %(rule)s) AND (%(state)s = '' OR state = %(state)s)"
        " AND (%(record)s = '' OR record::text = %(record)s) AND (%(before)s::bigint IS NULL OR number < %(before)s)"
        " ORDER BY number DESC LIMIT %(most)s"
    ).format(_COLUMNS, sql.Identifier(schema, "sys__run"))
    given = {
        "rule": wanted.rule, "state": wanted.state if wanted.state in STATES else "", "record": wanted.record,
        "before": wanted.before, "most": most,
    }  # fmt: skip
    return [_seen(row) for row in conn.execute(query, given).fetchall()]


def opened(conn: Connection, schema: str, run: str) -> tuple[Seen, tuple[Taken, ...]]:
    """A run and its steps, in their order. NotFound when there is none."""
    query = sql.SQL("SELECT {} FROM {} WHERE id = %s").format(_COLUMNS, sql.Identifier(schema, "sys__run"))
    row = conn.execute(query, (run,)).fetchone()
    if row is None:
        raise NotFound(Phrase("there is no such run"), code="run_not_found")
    steps = conn.execute(
        sql.SQL(
            "SELECT number, step, outcome, told::text, at, ms FROM {} WHERE run = %s ORDER BY at, number"
        ).format(sql.Identifier(schema, "sys__run_step")),
        (run,),
    ).fetchall()
    names = ("number", "step", "outcome", "told", "at", "ms")
    taken = [dict(zip(names, s, strict=True)) for s in steps]
    return _seen(row), tuple(Taken(**{**t, "told": told_of(t["told"])}) for t in taken)


def told_of(kept: str) -> Mapping[str, Any]:
    """What the log of a step says."""
    told = jsonio.loads(kept)
    return {**told, "why": said(told["why"])} if isinstance(told.get("why"), str) else told


def offered(
    conn: Connection, schema: str, run: str
) -> tuple[Mapping[str, Any], Mapping[str, Any], datetime | None]:
    """What the event of a run brought along, the values before it, and until when it waits at the latest."""
    query = sql.SQL(
        "SELECT event::text, old::text, (loops -> 'wait' ->> 'until')::timestamptz FROM {} WHERE id = %s"
    ).format(sql.Identifier(schema, "sys__run"))
    row = conn.execute(query, (run,)).fetchone()
    return ({}, {}, None) if row is None else (jsonio.loads(row[0]), jsonio.loads(row[1]), row[2])


def replay(conn: Connection, call: Call, run: str) -> None:
    """A parked run goes on where it stands. Conflict when it is not parked."""
    _change(conn, call, run, sql.SQL("state = 'ready', attempts = 0, due_at = NULL"), "run_replayed")


def give_up(conn: Connection, call: Call, run: str) -> None:
    """A parked run ends where it stands. Conflict when it is not parked."""
    _change(conn, call, run, sql.SQL("state = 'given_up', ended_at = now()"), "run_given_up")


def _change(conn: Connection, call: Call, run: str, change: sql.SQL, action: str) -> None:
    done = conn.execute(
        sql.SQL("UPDATE {} SET {} WHERE id = %s AND state = 'parked' RETURNING rule, error").format(
            sql.Identifier(call.schema, "sys__run"), change
        ),
        (run,),
    ).fetchone()
    if done is None:
        opened(conn, call.schema, run)
        raise Conflict(
            Phrase("this run is not parked"), code="run_not_parked", hint=Phrase("look at it again")
        )
    audit.note(conn, call, action, done[0], {"run": run, "error": done[1]})


def _seen(row: tuple[Any, ...]) -> Seen:
    names = tuple(Seen.__slots__)
    given = dict(zip(names, row, strict=True))
    return Seen(**{**given, "error": said(given["error"])})
