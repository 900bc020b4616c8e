"""Looks: who follows which record, and when he last looked at it.

In: a connection, the frame of a call, a record its caller was allowed to read. Out: moments and truths. The system's own tables:
nothing of a record is in them but its id, and nobody's rows are shown to another.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call

Connection = psycopg.Connection[Any]
SAME_LOOK = timedelta(minutes=10)  # looking again within is the same look: what was new stays new


def last_look(conn: Connection, call: Call, object: str, id: str) -> datetime | None:
    """When the caller looked at the record before this time; None the first time."""
    row = conn.execute(
        sql.SQL("SELECT before, at FROM {} WHERE person = %s AND object = %s AND record = %s").format(
            _table(call, "sys__look")
        ),
        (call.actor.user, object, id),
    ).fetchone()
    if row is None:
        return None
    before: datetime | None = row[0]
    at: datetime = row[1]
    return before if call.now - at < SAME_LOOK else at


def look(conn: Connection, call: Call, object: str, id: str) -> None:
    """Writes down that the caller looks now."""
    if call.actor.user is None:
        return
    conn.execute(
        sql.SQL(
            "INSERT INTO {table} AS known (person, object, record, at, before) VALUES (%s, %s, %s, %s, NULL)"
            " ON CONFLICT (person, object, record) DO UPDATE SET"
            " before = CASE WHEN excluded.at - known.at < %s THEN known.before ELSE known.at END, at = excluded.at"
        ).format(table=_table(call, "sys__look")),
        (call.actor.user, object, id, call.now, SAME_LOOK),
    )


def follows(conn: Connection, call: Call, object: str, id: str) -> bool:
    found = conn.execute(
        sql.SQL("SELECT 1 FROM {} WHERE person = %s AND object = %s AND record = %s").format(
            _table(call, "sys__follow")
        ),
        (call.actor.user, object, id),
    ).fetchone()
    return found is not None


def follow(conn: Connection, call: Call, object: str, id: str) -> None:
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (person, object, record, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
        ).format(_table(call, "sys__follow")),
        (call.actor.user, object, id, call.now),
    )


def unfollow(conn: Connection, call: Call, object: str, id: str) -> None:
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE person = %s AND object = %s AND record = %s").format(
            _table(call, "sys__follow")
        ),
        (call.actor.user, object, id),
    )


def _table(call: Call, name: str) -> sql.Identifier:
    return sql.Identifier(call.schema, name)
