"""History by months: partitions made ahead, old ones dropped.

In: a connection, a workspace's schema, the moment. Out: partitions `sys__history__YYYYMM`. What lies in no month that has
one (an import of old histories) is in the default partition `sys__history__rest`. Never moves a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

AHEAD = 3  # months made before they begin: a worker that stands still for weeks does no harm
MONTH = re.compile(r"^sys__history__(\d{4})(\d{2})$")


def ensure_partitions(
    conn: psycopg.Connection[Any], schema: str, now: datetime, *, ahead: int = AHEAD
) -> list[str]:
    """Makes the partitions of this month and the next ones that are not there; returns their names.

    A month that already has rows in the default partition stays there: PostgreSQL would refuse the partition.
    """
    there = set(_partitions(conn, schema))
    made: list[str] = []
    for begin, end in _months(now, ahead + 1):
        name = f"sys__history__{begin:%Y%m}"
        if name in there or _has_rest(conn, schema, begin, end):
            continue
        conn.execute(
            sql.SQL("CREATE TABLE {}.{} PARTITION OF {}.sys__history FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(schema), sql.Identifier(name), sql.Identifier(schema),
                sql.Literal(begin.isoformat()), sql.Literal(end.isoformat()),
            )
        )  # fmt: skip
        made.append(name)
    return made


def drop_partitions(conn: psycopg.Connection[Any], schema: str, before: datetime) -> list[str]:
    """Forgets the months that ended before a moment, and what is older in the default partition."""
    gone: list[str] = []
    for name in sorted(_partitions(conn, schema)):
        match = MONTH.match(name)
        if match is None:
            continue
        begin = datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)
        if _next_month(begin) <= before:
            conn.execute(sql.SQL("DROP TABLE {}.{}").format(sql.Identifier(schema), sql.Identifier(name)))
            gone.append(name)
    conn.execute(
        sql.SQL("DELETE FROM {}.sys__history__rest WHERE at < %s").format(sql.Identifier(schema)), (before,)
    )
    return gone


def _partitions(conn: psycopg.Connection[Any], schema: str) -> list[str]:
    rows = conn.execute(
        "SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
        " JOIN pg_catalog.pg_class p ON p.oid = i.inhparent"
        " JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace"
        " WHERE n.nspname = %s AND p.relname = 'sys__history'",
        (schema,),
    )
    return [row[0] for row in rows]


def _has_rest(conn: psycopg.Connection[Any], schema: str, begin: datetime, end: datetime) -> bool:
    query = sql.SQL("SELECT 1 FROM {}.sys__history__rest WHERE at >= %s AND at < %s LIMIT 1").format(
        sql.Identifier(schema)
    )
    return conn.execute(query, (begin, end)).fetchone() is not None


def _months(now: datetime, count: int) -> Iterator[tuple[datetime, datetime]]:
    begin = datetime(now.year, now.month, 1, tzinfo=UTC)
    for _ in range(count):
        end = _next_month(begin)
        yield begin, end
        begin = end


def _next_month(begin: datetime) -> datetime:
    return begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
