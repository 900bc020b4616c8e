"""Catalogue: the live tables of a workspace as shapes.

In: a connection and a schema name. Out: a SchemaShape. Three queries over pg_catalog whatever the number of tables.
Never changes anything, never looks at rows, leaves out the platform's own tables (`sys__…`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import psycopg

from patron_engine.names import composed
from patron_engine.store.shape import (
    CHECK_SUFFIX,
    CHECKED,
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Key,
    SchemaShape,
    TableShape,
)

Connection = psycopg.Connection[Any]

TYPE_NAMES = {"timestamp with time zone": "timestamptz", "time without time zone": "time"}

COLUMNS = """
SELECT c.relname, c.reltuples::bigint, a.attnum, a.attname, a.attisdropped, a.attnotnull,
       CASE WHEN a.attisdropped THEN '' ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname NOT LIKE 'sys\\_\\_%%'
"""

INDEXES = """
SELECT t.relname, c.relname, am.amname, i.indisunique, i.indisprimary, i.indisvalid AND i.indisready,
       i.indkey::int2[], i.indoption::int2[],
       (SELECT array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, false) ORDER BY k)
          FROM pg_catalog.generate_series(1, i.indnkeyatts) k),
       pg_catalog.obj_description(i.indexrelid, 'pg_class')
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_am am ON am.oid = c.relam
 WHERE n.nspname = %s AND t.relkind = 'r' AND t.relname NOT LIKE 'sys\\_\\_%%'
"""

CONSTRAINTS = """
SELECT t.relname, k.conname, k.contype::text, k.convalidated, k.conkey, f.relname
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
 WHERE n.nspname = %s AND k.contype IN ('c', 'f') AND t.relname NOT LIKE 'sys\\_\\_%%'
"""

DESCENDING = 1  # bit of pg_index.indoption


def read(conn: Connection, schema: str) -> SchemaShape:
    """The live shape of `schema`; an empty one when there is no such schema."""
    columns: dict[str, dict[str, ColumnShape]] = defaultdict(dict)
    numbers: dict[str, dict[int, str]] = defaultdict(dict)
    used: dict[str, int] = {}
    rows: dict[str, int] = {}
    with conn.cursor() as cursor:
        for table, estimate, number, name, dropped, fixed, sql in cursor.execute(
            COLUMNS, (schema,)
        ).fetchall():
            rows[table] = estimate
            used[table] = max(used.get(table, 0), number or 0)
            if number is not None and not dropped:
                columns[table][name] = ColumnShape(
                    name=name, sql=TYPE_NAMES.get(sql, sql), nullable=not fixed
                )
                numbers[table][number] = name
        indexes = _indexes(cursor, schema, numbers)
        foreign_keys, checks = _constraints(cursor, schema, numbers, columns)
    return SchemaShape(
        name=schema,
        tables={
            table: TableShape(
                name=table,
                columns=columns[table],
                primary=next((i.columns for i in indexes[table].values() if i.primary), ()),
                indexes={i.name: i for i in indexes[table].values() if not i.primary},
                foreign_keys=foreign_keys[table],
                checks=checks[table],
                used=used[table],
                rows=rows[table],
            )
            for table in sorted(used)
        },
    )


def _indexes(
    cursor: psycopg.Cursor[Any], schema: str, numbers: dict[str, dict[int, str]]
) -> dict[str, dict[str, IndexShape]]:
    found: dict[str, dict[str, IndexShape]] = defaultdict(dict)
    for table, name, method, unique, primary, valid, key, options, texts, mark in cursor.execute(
        INDEXES, (schema,)
    ).fetchall():
        keys = tuple(
            _key(numbers[table].get(number), text, bool(option & DESCENDING))
            for number, option, text in zip(key, options, texts, strict=False)
        )
        found[table][name] = IndexShape(
            name=name,
            table=table,
            keys=keys,
            unique=unique,
            method=method,
            mark=mark,
            valid=valid,
            primary=primary,
        )
    return found


def _key(column: str | None, text: str, descending: bool) -> Key:
    if column is not None:
        return Key(column=column, descending=descending)
    return Key(column=text, form="other", descending=descending)


def _constraints(
    cursor: psycopg.Cursor[Any],
    schema: str,
    numbers: dict[str, dict[int, str]],
    columns: dict[str, dict[str, ColumnShape]],
) -> tuple[dict[str, dict[str, ForeignKeyShape]], dict[str, dict[str, CheckShape]]]:
    """Foreign keys of one column, and the platform's own checks (by their name); others are nobody's business."""
    foreign_keys: dict[str, dict[str, ForeignKeyShape]] = defaultdict(dict)
    checks: dict[str, dict[str, CheckShape]] = defaultdict(dict)
    for table, name, kind, validated, key, target in cursor.execute(CONSTRAINTS, (schema,)).fetchall():
        column = numbers[table].get(key[0]) if key and len(key) == 1 else None
        if column is None:
            continue
        if kind == "f":
            foreign_keys[table][name] = ForeignKeyShape(
                name=name, column=column, target=target, validated=validated
            )
        elif (
            name == composed(column, CHECK_SUFFIX)
            and (check := CHECKED.get(columns[table][column].sql)) is not None
        ):
            checks[table][name] = CheckShape(name=name, column=column, kind=check, validated=validated)
    return foreign_keys, checks
