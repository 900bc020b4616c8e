"""Recent: what a person looked at last, kept for him alone: the home page, search and "new since I was here" use it.

In: a connection, a workspace's schema or the frame of the call, a record. Out: rows of `sys__seen`; `Seen` values, the latest
first, with titles read by the way every reader goes, so that what is no longer his to see is not named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.access.decide import readable
from patron_engine.query import fetch
from patron_engine.query.call import Call
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask

KEPT = 200  # records a person is remembered to have looked at; the oldest ones go


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One record somebody looked at."""

    object: str
    id: str
    title: str
    at: datetime


def note(conn: psycopg.Connection[Any], schema: str, user: str, object: str, id: str) -> None:
    """Writes down that a user looked at a record now."""
    row = conn.execute(
        sql.SQL(
            "INSERT INTO {}.sys__seen (user_record, object, record) VALUES (%s, %s, %s)"
            " ON CONFLICT (user_record, object, record) DO UPDATE SET at = now() RETURNING xmax = 0"
        ).format(sql.Identifier(schema)),
        (user, object, id),
    ).fetchone()
    if row is not None and row[0]:
        conn.execute(
            sql.SQL(
                "DELETE FROM {0}.sys__seen WHERE user_record = %s AND at < (SELECT at FROM {0}.sys__seen"
                " WHERE user_record = %s ORDER BY at DESC OFFSET %s LIMIT 1)"
            ).format(sql.Identifier(schema)),
            (user, user, KEPT),
        )


def last_looked(
    conn: psycopg.Connection[Any], schema: str, user: str, object: str, id: str
) -> datetime | None:
    """When a user looked at a record last; None for never. To be asked before `note`."""
    row = conn.execute(
        sql.SQL("SELECT at FROM {}.sys__seen WHERE user_record = %s AND object = %s AND record = %s").format(
            sql.Identifier(schema)
        ),
        (user, object, id),
    ).fetchone()
    return None if row is None else row[0]


def recent(conn: psycopg.Connection[Any], call: Call, limit: int) -> tuple[Seen, ...]:
    """The records the asker looked at last and may still read, at most `limit`."""
    if call.actor.user is None:
        return ()
    rows = conn.execute(
        sql.SQL(
            "SELECT object, record::text, at FROM {}.sys__seen WHERE user_record = %s ORDER BY at DESC LIMIT %s"
        ).format(sql.Identifier(call.schema)),
        (call.actor.user, min(2 * limit + 10, KEPT)),
    ).fetchall()
    wanted: dict[str, list[str]] = defaultdict(list)
    for object, id, _ in rows:
        wanted[object].append(id)
    titles = {
        (object, id): title for object in wanted for id, title in _titles(conn, call, object, wanted[object])
    }
    found = (
        Seen(object=object, id=id, title=titles[object, id], at=at)
        for object, id, at in rows
        if (object, id) in titles
    )
    return tuple(seen for seen, _ in zip(found, range(limit), strict=False))


def _titles(conn: psycopg.Connection[Any], call: Call, object: str, ids: list[str]) -> list[tuple[str, str]]:
    found = call.model.object(object)
    if found is None or not readable(call.model, call.actor, found.name):
        return []
    ask = Ask(object=found.name, ids=tuple(ids), fields=("id", found.title), limit=200, voided="yes")
    rows = fetch.page(conn, call, resolve(call, ask), b"").rows()
    return [(str(row["id"]), _text(row.get(found.title))) for row in rows]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("title") or "")
    return "" if value is None else str(value)


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
            " FROM {0}.sys__seen WHERE user_record = %(me)s ORDER BY at DESC LIMIT %(kept)s) s"
            " CROSS JOIN LATERAL (SELECT at, action, by FROM {0}.sys__history"
            " WHERE object = s.object AND record = s.record ORDER BY version DESC LIMIT 1) h"
            " WHERE h.at > s.at AND h.by IS DISTINCT FROM %(me)s ORDER BY h.at DESC LIMIT %(limit)s"
        ).format(sql.Identifier(call.schema)),
        {"me": call.actor.user, "kept": KEPT, "limit": limit},
    ).fetchall()
    wanted: dict[str, list[str]] = defaultdict(list)
    for object, id, _, _, by in rows:
        wanted[object].append(id)
        if by is not None:
            wanted["user"].append(by)
    titles = {(o, i): t for o in wanted for i, t in _titles(conn, call, o, wanted[o])}
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
