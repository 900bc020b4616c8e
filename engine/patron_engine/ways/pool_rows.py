"""The rows of pools: `sys__pool` as the clocks of pools read and write it, and records that were there before their pool.

In: a connection in the caller's write transaction. Out: `Standing`s that are due, locked; rows written, dropped, taken up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine.meta.diff import DocumentChange
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn

MOST: Final = 500  # records that are looked at together
ADOPTED: Final = 5_000  # records that were there before their pool, taken up at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A row of `sys__pool`."""

    record: str
    object: str
    pool: str
    waits: bool
    since: datetime
    owner: str | None
    rule: str | None = None
    returns_at: datetime | None = None
    warn_at: datetime | None = None
    warned_at: datetime | None = None
    look_at: datetime | None = None
    extended_until: datetime | None = None  # its owner was given more time


_OWN: Final = ("pool", "waits", "rule", "returns_at", "warn_at", "warned_at", "look_at")
_READ: Final = (
    "record",
    "object",
    "pool",
    "waits",
    "since",
    "owner",
    "rule",
    "returns_at",
    "warned_at",
    "extended_until",
)


def due_rows(conn: Conn, call: Call) -> list[Standing]:
    rows = conn.execute(
        sql.SQL(
            "SELECT record::text, object, pool, waits, since, owner::text, rule, returns_at, warned_at, extended_until FROM {}"
            " WHERE look_at <= %s ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (call.now, MOST),
    ).fetchall()
    return [Standing(**dict(zip(_READ, row, strict=True))) for row in rows]


def keep_rows(conn: Conn, call: Call, rows: Sequence[Standing]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("UPDATE {} SET {} WHERE record = %s").format(
                sql.Identifier(call.schema, "sys__pool"),
                sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in _OWN),
            ),
            [(*(getattr(row, n) for n in _OWN), row.record) for row in rows],
        )


def drop_rows(conn: Conn, call: Call, records: Sequence[str]) -> None:
    if records:
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE record = ANY(%s::uuid[])").format(
                sql.Identifier(call.schema, "sys__pool")
            ),
            ([*records],),
        )


def take_up(conn: Conn, call: Call) -> int:
    """Records of objects that have pools and no row yet."""
    state = sql.Identifier(call.schema, "sys__state")
    for locked in (sql.SQL(""), sql.SQL("FOR UPDATE")):
        done = conn.execute(sql.SQL("SELECT pools FROM {} {}").format(state, locked)).fetchone()
        if done is None or done[0] == call.model.release:
            return 0
    taken = 0
    for object in sorted({b["object"] for (kind, _), b in call.model.documents.items() if kind == "pool"}):
        known = call.model.objects.get(object)
        if known is None or "owner" not in known.fields:
            continue
        taken += conn.execute(
            sql.SQL(
                "INSERT INTO {rows} (record, object, waits, since, owner, look_at) SELECT t.id, %(object)s,"
                " t.owner IS NULL AND t.queue IS NULL, %(now)s, t.owner, %(now)s FROM {table} t WHERE t.deleted_at IS NULL"
                " AND NOT EXISTS (SELECT FROM {rows} p WHERE p.record = t.id) LIMIT %(most)s ON CONFLICT DO NOTHING"
            ).format(
                rows=sql.Identifier(call.schema, "sys__pool"), table=sql.Identifier(call.schema, known.table)
            ),
            {"object": object, "now": call.now, "most": ADOPTED},
        ).rowcount
    unclaimed = [n for (kind, n), b in call.model.documents.items() if kind == "pool" and b.get("unclaimed")]
    if unclaimed and not taken:  # what waits already is waited for from its own day
        conn.execute(
            sql.SQL(
                "UPDATE {} SET look_at = %s WHERE waits AND pool = ANY(%s) AND look_at IS NULL AND warned_at IS NULL"
            ).format(sql.Identifier(call.schema, "sys__pool")),
            (call.now, unclaimed),
        )
    if not taken:
        conn.execute(sql.SQL("UPDATE {} SET pools = %s").format(state), (call.model.release,))
    return taken


def left_alone(
    conn: psycopg.Connection[Any], schema: str, changes: Sequence[DocumentChange]
) -> list[Problem]:
    """Pools that would go although records wait in them: nobody could claim these any more."""
    gone = [c.name for c in changes if c.kind == "pool" and c.action == "removed"]
    if not gone:
        return []
    rows = conn.execute(
        sql.SQL(
            "SELECT pool, count(*) FROM {} WHERE waits AND pool = ANY(%s) GROUP BY pool ORDER BY pool"
        ).format(sql.Identifier(schema, "sys__pool")),
        (gone,),
    ).fetchall()
    return [
        Problem(
            code="pool_in_use", path=f"pool/{pool}",
            message=Phrase("{count} records wait in the pool {name}", count=count, name=pool),
            hint=Phrase("assign them or move them to another pool first"),
        )
        for pool, count in rows
    ]  # fmt: skip
