"""Handed: what others handed over to somebody: noted with the act, told among his notices for a month.

In: a write transaction with records that got another owner; later the frame of a call. Out: `Handed`, the latest first. What of it he
may read is the reader's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call

TOLD = timedelta(days=30)  # older ones are forgotten with the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One act: its first record, and how many records of the object went."""

    object: str
    id: str
    records: int
    by: str | None
    at: datetime


def note_handed(conn: psycopg.Connection[Any], call: Call, object: str, ids: Sequence[str], to: str) -> None:
    """What one takes himself is no news to him."""
    if not ids or to == call.actor.user:
        return
    table = sql.Identifier(call.schema, "sys__handed")
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE recipient = %s AND at < %s").format(table), (to, call.now - TOLD)
    )
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (recipient, object, record, records, by, at) VALUES (%s, %s, %s, %s, %s, %s)"
        ).format(table),
        (to, object, ids[0], len(ids), call.actor.user, call.now),
    )


def handed_to(conn: psycopg.Connection[Any], call: Call, limit: int) -> list[Handed]:
    """What was handed to the caller."""
    if call.actor.user is None:
        return []
    rows = conn.execute(
        sql.SQL(
            "SELECT object, record::text, records, by::text, at FROM {} WHERE recipient = %s AND at >= %s"
            " ORDER BY at DESC LIMIT %s"
        ).format(sql.Identifier(call.schema, "sys__handed")),
        (call.actor.user, call.now - TOLD, limit),
    )
    names = ("object", "id", "records", "by", "at")
    return [Handed(**dict(zip(names, row, strict=True))) for row in rows]
