"""Follows: who follows which record, and what others did with it since.

In: a connection, the frame of a call, a record its caller was allowed to read. Out: truths, and `Step`s, the newest first. A save
writes nothing for those who follow: they are told of what the history keeps anyway, when they look. What of it may be
told is the caller's matter (page/followed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.errors import LimitExceeded
from patron_engine.query.call import Call

Connection = psycopg.Connection[Any]
MOST_FOLLOWED = 500  # limit_follows: records one person follows
TOLD_FOR = timedelta(days=30)  # what is older is history, no news
LOOKED_AT = 20  # latest saves of one followed record that are looked at
STEPS = 400  # saves of all of them together


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One save of a followed record by somebody else. `fields` are the names it changed, as they were called then."""

    object: str
    id: str
    at: datetime
    by: str | None
    action: str
    fields: tuple[str, ...]


def follows(conn: Connection, call: Call, object: str, id: str) -> bool:
    found = conn.execute(
        sql.SQL("SELECT 1 FROM {} WHERE person = %s AND object = %s AND record = %s").format(_table(call)),
        (call.actor.user, object, id),
    ).fetchone()
    return found is not None


def follow(conn: Connection, call: Call, object: str, id: str) -> None:
    """LimitExceeded for one too many."""
    if call.actor.user is None or follows(conn, call, object, id):
        return
    count = conn.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE person = %s").format(_table(call)), (call.actor.user,)
    ).fetchone()
    if count is not None and count[0] >= MOST_FOLLOWED:
        raise LimitExceeded(
            f"you follow {MOST_FOLLOWED} records",
            code="limit_follows",
            hint="stop following one of them first",
        )
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (person, object, record, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
        ).format(_table(call)),
        (call.actor.user, object, id, call.now),
    )


def unfollow(conn: Connection, call: Call, object: str, id: str) -> None:
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE person = %s AND object = %s AND record = %s").format(_table(call)),
        (call.actor.user, object, id),
    )


def steps(conn: Connection, call: Call) -> tuple[Step, ...]:
    """What others did with the records the caller follows, since he follows them."""
    rows = conn.execute(
        sql.SQL(
            "SELECT f.object, f.record::text, h.at, h.by::text, h.action, ARRAY(SELECT jsonb_object_keys(h.old))"
            " FROM {follow} f CROSS JOIN LATERAL (SELECT at, by, action, old FROM {history}"
            " WHERE object = f.object AND record = f.record ORDER BY version DESC LIMIT %(each)s) h"
            " WHERE f.person = %(me)s AND h.at > f.at AND h.at > %(since)s AND h.by IS DISTINCT FROM %(me)s"
            " ORDER BY h.at DESC LIMIT %(most)s"
        ).format(follow=_table(call), history=sql.Identifier(call.schema, "sys__history")),
        {"me": call.actor.user, "since": call.now - TOLD_FOR, "each": LOOKED_AT, "most": STEPS},
    )
    return tuple(
        Step(object=object, id=id, at=at, by=by, action=action, fields=tuple(sorted(fields)))
        for object, id, at, by, action, fields in rows
    )


def _table(call: Call) -> sql.Identifier:
    return sql.Identifier(call.schema, "sys__follow")
