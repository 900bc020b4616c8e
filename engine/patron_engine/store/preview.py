"""Preview: what a type change would make of the values there are.

In: a connection, the live shape, a Conversion. Out: a Preview: how many values convert, lose something, cannot become
anything, with samples. Looks at every row, changes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any

import psycopg

from patron_engine.store.carry import BATCH, Row, due, read_rows, sample
from patron_engine.store.conversion import SAMPLES, Conversion, Preview
from patron_engine.store.shape import SchemaShape

Connection = psycopg.Connection[Any]


def preview(conn: Connection, live: SchemaShape, conversion: Conversion, zone: tzinfo = UTC) -> Preview:
    """How many values convert, lose something, fail; with samples. Looks at every row, changes none."""
    converts = loses = fails = 0
    samples: list[dict[str, Any]] = []
    for row in _all_rows(conn, live, conversion):
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


def _all_rows(conn: Connection, live: SchemaShape, conversion: Conversion) -> Iterator[Row]:
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
        rows = read_rows(conn, live.name, conversion, after, BATCH * 5, target=target)
        yield from rows
        if len(rows) < BATCH * 5:
            return
        after = rows[-1].id
