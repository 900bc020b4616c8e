"""Facts: what a plan needs to know about rows.

In: a connection, the two shapes, conversions. Out: Facts. Only reads, only the tables that the plan would touch, and
counts no further than it must.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.store.conversion import Conversion
from patron_engine.store.plan import SMALL_TABLE, touched
from patron_engine.store.preview import preview
from patron_engine.store.shape import IndexShape, SchemaShape
from patron_engine.store.steps import Facts

Connection = psycopg.Connection[Any]

DUPLICATES_SHOWN = 20


def gather(
    conn: Connection,
    desired: SchemaShape,
    live: SchemaShape,
    conversions: Sequence[Conversion] = (),
    zone: tzinfo = UTC,
) -> Facts:
    """Row counts, duplicates under new unique rules, previews of conversions."""
    tables = touched(desired, live, conversions)
    rows = {t: count_rows(conn, live.name, t, live.tables[t].rows) for t in tables}
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for table in tables:
        for index in new_uniques(desired, live, table):
            found[index.name] = duplicates(conn, live.name, index)
    return Facts(
        rows=rows,
        duplicates=found,
        previews={c.key: preview(conn, live, c, zone) for c in conversions if not c.parts},
        links={place: _filled(conn, live.name, *place) for place in _relinked(desired, live, tables)},
    )


def _relinked(desired: SchemaShape, live: SchemaShape, tables: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Links whose foreign key points at another table than it should."""
    for table in tables:
        for name, key in desired.tables[table].foreign_keys.items():
            found = live.tables[table].foreign_keys.get(name)
            if found is not None and found.target != key.target:
                yield table, key.column


def _filled(conn: Connection, schema: str, table: str, column: str) -> int:
    counted = conn.execute(
        sql.SQL("SELECT count({}) FROM {}").format(sql.Identifier(column), sql.Identifier(schema, table))
    ).fetchone()
    assert counted is not None
    return int(counted[0])


def count_rows(conn: Connection, schema: str, table: str, estimate: int) -> int:
    """Exact up to SMALL_TABLE, above it the planner's estimate (or the size of the table, when never analysed)."""
    counted = conn.execute(
        sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) x").format(
            sql.Identifier(schema, table), sql.Literal(SMALL_TABLE + 1)
        )
    ).fetchone()
    assert counted is not None
    if counted[0] <= SMALL_TABLE:
        return int(counted[0])
    return max(estimate, SMALL_TABLE + 1)


def new_uniques(desired: SchemaShape, live: SchemaShape, table: str) -> Iterable[IndexShape]:
    """Unique indexes that are not there yet and whose columns all hold values already."""
    want, have = desired.tables.get(table), live.tables[table]
    for index in want.indexes.values() if want else ():
        there = have.indexes.get(index.name)
        if index.unique and there != index and all(c in have.columns for c in index.columns):
            yield index


def duplicates(conn: Connection, schema: str, index: IndexShape) -> list[dict[str, Any]]:
    """Groups of rows that `index` would refuse: {"values", "ids" (at most 5), "count"}, the largest first."""
    keys = [sql.Identifier(c) for c in index.columns]
    filled = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(c)) for c in index.columns)
    where = sql.SQL(index.where or "true")
    query = sql.SQL(
        "SELECT count(*), (array_agg(id::text ORDER BY id))[1:5], {keys} FROM {table}"
        " WHERE ({where}) AND {filled} GROUP BY {keys} HAVING count(*) > 1 ORDER BY count(*) DESC, {keys} LIMIT {limit}"
    ).format(
        keys=sql.SQL(", ").join(keys),
        table=sql.Identifier(schema, index.table),
        where=where,
        filled=filled,
        limit=sql.Literal(DUPLICATES_SHOWN),
    )
    return [{"count": row[0], "ids": list(row[1]), "values": list(row[2:])} for row in conn.execute(query)]
