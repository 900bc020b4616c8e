"""Preview: what a type change would make of the values there are.

In: a connection, the live shape, a Conversion. Out: a Preview: how many values convert, lose something, cannot become
anything, with samples. Looks at every row, changes none. Values that plainly convert are only counted, by the database;
the others go through the field types one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.fields.field import Field, NumberSpec
from patron_engine.store.carry import BATCH, Row, due, read_rows, sample
from patron_engine.store.conversion import SAMPLES, Conversion, Preview
from patron_engine.store.shape import SchemaShape

Connection = psycopg.Connection[Any]


def preview(conn: Connection, live: SchemaShape, conversion: Conversion, zone: tzinfo = UTC) -> Preview:
    """How many values convert, lose something, fail; with samples."""
    loses = fails = 0
    plain = plain_condition(conversion)
    converts = 0 if plain is None else _count(conn, live, conversion, plain)
    where = None if plain is None else sql.SQL("NOT coalesce({}, true)").format(plain)
    samples: list[dict[str, Any]] = []
    for row in _all_rows(conn, live, conversion, where):
        converted = due(conversion, row, zone)
        if converted is None:
            continue
        if converted.fault is not None:
            fails += 1
        elif converted.loses:
            loses += 1
        else:
            converts += 1
            continue
        if (fails if converted.fault else loses) <= SAMPLES:
            samples.append(sample(conversion, row, converted))
    samples.sort(key=lambda s: s["why"] is None)
    return Preview(
        key=conversion.key,
        old_type=conversion.old.type,
        new_type=conversion.new.type,
        converts=converts,
        loses=loses,
        fails=fails,
        samples=tuple(samples),
    )


def plain_condition(conversion: Conversion) -> sql.Composed | None:
    """A condition on `r` that holds only for values that surely convert without a loss, empty for empty ones; None where
    only the field types can say."""
    old, new = conversion.old, conversion.new
    if conversion.back or conversion.source_table or len(old.columns) != 1 or old.encrypted or new.encrypted:
        return None
    column = sql.SQL("r.{}").format(sql.Identifier(old.column.name))
    number = new.spec if isinstance(new.spec, NumberSpec) else None
    if number is not None and (number.min is not None or number.max is not None):
        return None
    if number is not None and old.type in PLAIN_TEXTS and new.type in NUMBERS:
        scale = (
            0 if any(c.sql == "bigint" for c in new.columns) else 4 if number.scale is None else number.scale
        )
        digits = "^-?[0-9]{1,15}$" if scale == 0 else f"^-?[0-9]{{1,15}}([.][0-9]{{1,{scale}}})?$"
        return sql.SQL("{} ~ {}").format(column, sql.Literal(digits))
    if number is not None and old.column.sql == "bigint" and new.type in NUMBERS:
        return sql.SQL("abs({}) < 1000000000000000").format(column)
    if old.type in NUMBERS and new.type in PLAIN_TEXTS and _takes_any(new):
        return sql.SQL("{} IS NOT NULL OR NULL").format(column)
    return None


PLAIN_TEXTS = frozenset({"text", "long_text"})
NUMBERS = frozenset({"integer", "decimal"})
LONGEST_NUMBER = 80  # characters


def _takes_any(field: Field) -> bool:
    spec = field.text
    return spec.pattern is None and spec.format is None and spec.max_length >= LONGEST_NUMBER


def _count(conn: Connection, live: SchemaShape, conversion: Conversion, plain: sql.Composed) -> int:
    query = sql.SQL("SELECT count(*) FROM {} r WHERE {}").format(
        sql.Identifier(live.name, conversion.table), plain
    )
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _all_rows(
    conn: Connection, live: SchemaShape, conversion: Conversion, where: sql.Composed | None
) -> Iterator[Row]:
    there = live.tables.get(conversion.table)
    if there is None:
        return
    target = (
        conversion.target_table in live.tables
        if conversion.target_table
        else all(c.name in there.columns for c in conversion.new.columns)
    )
    after: str | None = None
    while True:
        rows = read_rows(conn, live.name, conversion, after, BATCH * 5, target=target, where=where)
        yield from rows
        if len(rows) < BATCH * 5:
            return
        after = rows[-1].id
