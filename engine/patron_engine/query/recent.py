"""Recent: what a person looked at and when, kept for him alone: the home page, search and "new since I was here" use it.

In: a connection, the frame of the call, a record its caller was allowed to read. Out: rows of `sys__look`; moments; `Seen` values,
the latest first, with titles read by the way every reader goes, so that what is no longer his to see is not named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of

KEPT = 1_000  # records a person is remembered to have looked at; the oldest ones go
NEAR = 200  # the latest of them, among which the home page looks for news
SAME_LOOK = timedelta(minutes=10)  # looking again within is the same look: what was new stays new


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One record somebody looked at."""

    object: str
    id: str
    title: str
    at: datetime


def look(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> None:
    """Writes down that the caller looks at a record now."""
    if call.actor.user is None:
        return
    row = conn.execute(
        sql.SQL(
            "INSERT INTO {} AS known (person, object, record, at, before) VALUES (%s, %s, %s, %s, NULL)"
            " ON CONFLICT (person, object, record) DO UPDATE SET"
            " before = CASE WHEN excluded.at - known.at < %s THEN known.before ELSE known.at END, at = excluded.at"
            " RETURNING xmax = 0"
        ).format(_table(call)),
        (call.actor.user, object, id, call.now, SAME_LOOK),
    ).fetchone()
    if row is not None and row[0]:
        conn.execute(
            sql.SQL(
                "DELETE FROM {0} WHERE person = %s AND at < (SELECT at FROM {0}"
                " WHERE person = %s ORDER BY at DESC OFFSET %s LIMIT 1)"
            ).format(_table(call)),
            (call.actor.user, call.actor.user, KEPT - 1),
        )


def last_look(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> datetime | None:
    """When the caller looked at the record before this time; None the first time."""
    row = conn.execute(
        sql.SQL("SELECT before, at FROM {} WHERE person = %s AND object = %s AND record = %s").format(
            _table(call)
        ),
        (call.actor.user, object, id),
    ).fetchone()
    if row is None:
        return None
    before: datetime | None = row[0]
    at: datetime = row[1]
    return before if call.now - at < SAME_LOOK else at


def recent(conn: psycopg.Connection[Any], call: Call, limit: int) -> tuple[Seen, ...]:
    """The records the asker looked at last and may still read, at most `limit`."""
    if call.actor.user is None:
        return ()
    rows = conn.execute(
        sql.SQL("SELECT object, record::text, at FROM {} WHERE person = %s ORDER BY at DESC LIMIT %s").format(
            _table(call)
        ),
        (call.actor.user, min(2 * limit + 10, KEPT)),
    ).fetchall()
    wanted: dict[str, list[str]] = defaultdict(list)
    for object, id, _ in rows:
        wanted[object].append(id)
    titles = titles_of(conn, call, wanted)
    found = (
        Seen(object=object, id=id, title=titles[object, id], at=at)
        for object, id, at in rows
        if (object, id) in titles
    )
    return tuple(seen for seen, _ in zip(found, range(limit), strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What somebody else did with a record since the asker looked at it. `by` is the title of a user; "" for the system."""

    object: str
    id: str
    title: str
    at: datetime
    action: str
    by: str


def moved(conn: psycopg.Connection[Any], call: Call, limit: int) -> tuple[Moved, ...]:
    """The records the asker knows that others changed since he looked, the latest change first."""
    if call.actor.user is None:
        return ()
    rows = conn.execute(
        sql.SQL(
            "SELECT s.object, s.record::text, h.at, h.action, h.by::text FROM (SELECT object, record, at"
            " FROM {0} WHERE person = %(me)s ORDER BY at DESC LIMIT %(near)s) s"
            " CROSS JOIN LATERAL (SELECT at, action, by FROM {1}"
            " WHERE object = s.object AND record = s.record ORDER BY version DESC LIMIT 1) h"
            " WHERE h.at > s.at AND h.by IS DISTINCT FROM %(me)s ORDER BY h.at DESC LIMIT %(limit)s"
        ).format(_table(call), sql.Identifier(call.schema, "sys__history")),
        {"me": call.actor.user, "near": NEAR, "limit": limit},
    ).fetchall()
    wanted: dict[str, list[str]] = defaultdict(list)
    for object, id, _, _, by in rows:
        wanted[object].append(id)
        if by is not None:
            wanted["user"].append(by)
    titles = titles_of(conn, call, wanted)
    return tuple(
        Moved(
            object=object,
            id=id,
            title=titles[object, id],
            at=at,
            action=action,
            by=titles.get(("user", by), ""),
        )
        for object, id, at, action, by in rows
        if (object, id) in titles
    )


def _table(call: Call) -> sql.Identifier:
    return sql.Identifier(call.schema, "sys__look")
