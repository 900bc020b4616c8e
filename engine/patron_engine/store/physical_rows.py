"""Physical rows: the columns a workspace has ever had (sys__column), and what each was called in which release (sys__naming).

In: a connection; PhysicalColumns as the compiler of models names them. Out: the same, read and written. A row is never
deleted: a column aside is found again when an older release returns, under the name it had then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.model.physical import Named, PhysicalColumn, PhysicalNames

Connection = psycopg.Connection[Any]

READ = """
SELECT object, field, part, column_name, sql_type, field_type, state, since, until
  FROM {} ORDER BY object, since, field, part, column_name
"""

WRITE = """
INSERT INTO {} (object, field, part, column_name, sql_type, field_type, state, since, until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def known_columns(conn: Connection, schema: str) -> tuple[PhysicalColumn, ...]:
    """Every column, those aside included, the oldest first within its object."""
    query = sql.SQL(READ).format(sql.Identifier(schema, "sys__column"))
    return tuple(
        PhysicalColumn(
            object=object,
            field=field,
            part=part,
            column=column,
            sql=sql_type,
            type=field_type,
            state=state,
            since=since,
            until=until,
        )
        for object, field, part, column, sql_type, field_type, state, since, until in conn.execute(query)
    )


def names_in(conn: Connection, schema: str, release: int) -> tuple[Named, ...]:
    """What held what in a release that was in force."""
    query = sql.SQL(
        "SELECT object, field, part, column_name FROM {} WHERE since <= %s AND (until IS NULL OR until > %s)"
    )
    rows = conn.execute(query.format(sql.Identifier(schema, "sys__naming")), (release, release))
    return tuple(Named(*row) for row in rows)


def record_names(conn: Connection, schema: str, names: PhysicalNames, release: int) -> None:
    """Keeps all columns there are, and from `release` on what holds what. Writes only what changed."""
    if not record_columns(conn, schema, names.columns):
        return
    table = sql.Identifier(schema, "sys__naming")
    before = frozenset(names_in(conn, schema, release))
    closed = [(release, n.object, n.field, n.part, n.column) for n in before - names.named]
    begun = [(n.object, n.field, n.part, n.column, release) for n in names.named - before]
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "UPDATE {} SET until = %s WHERE object = %s AND field = %s AND part = %s AND column_name = %s"
                " AND until IS NULL"
            ).format(table),
            closed,
        )
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} (object, field, part, column_name, since) VALUES (%s, %s, %s, %s, %s)"
            ).format(table),
            begun,
        )


def record_columns(conn: Connection, schema: str, columns: Iterable[PhysicalColumn]) -> bool:
    """Makes sys__column hold exactly `columns`, which are all there are (`PhysicalNames.columns`). Returns whether
    anything changed."""
    wanted = set(columns)
    known = set(known_columns(conn, schema))
    if wanted == known:
        return False
    table = sql.Identifier(schema, "sys__column")
    gone = [(c.object, c.field, c.part, c.column) for c in known - wanted]
    fresh = [
        (c.object, c.field, c.part, c.column, c.sql, c.type, c.state, c.since, c.until)
        for c in sorted(wanted - known, key=lambda c: (c.object, c.since, c.field, c.part, c.column))
    ]
    with conn.cursor() as cursor:
        query = sql.SQL("DELETE FROM {} WHERE object = %s AND field = %s AND part = %s AND column_name = %s")
        cursor.executemany(query.format(table), gone)
        cursor.executemany(sql.SQL(WRITE).format(table), fresh)
    return True
