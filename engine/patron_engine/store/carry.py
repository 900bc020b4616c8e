"""Carry: the values of a retyped field from its old columns to the new ones, by the thousand.

In: a connection and a Conversion. Out: a batch of rows written. Never touches version, updated_at or history: the record
says the same as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.fields.field import Column, Field, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.store.conversion import Conversion
from patron_engine.store.convert import Converted, convert_value, ids_of

Connection = psycopg.Connection[Any]

BATCH = 2_000  # rows of one statement


@dataclass(frozen=True, slots=True)
class Row:
    """One record with a value at the source; `kept` is what the target holds."""

    id: str
    value: Any
    kept: Any


def read_rows(
    conn: Connection,
    schema: str,
    conversion: Conversion,
    after: str | None,
    limit: int,
    *,
    target: bool = True,
    lock: bool = False,
    where: sql.Composable | None = None,
) -> list[Row]:
    """The next rows in the order of ids, the recycle bin included.

    `target` is false while the target's columns are not there yet. `lock` keeps savers away until the transaction ends,
    so that nothing they write is overwritten. `where` is a condition on the row `r`.
    """
    sources = _read_side(schema, conversion.old, conversion.source_table)
    written = replace(conversion.new, columns=_written(conversion))
    targets = _read_side(schema, written, conversion.target_table) if target else []
    query = sql.SQL(
        "SELECT r.id::text, {values} FROM {table} r WHERE {after} AND {where} ORDER BY r.id LIMIT {limit}{lock}"
    ).format(
        values=sql.SQL(", ").join([*sources, *targets]),
        table=sql.Identifier(schema, conversion.table),
        after=sql.SQL("true") if after is None else sql.SQL("r.id > {}::uuid").format(sql.Literal(after)),
        where=where or sql.SQL("true"),
        limit=sql.Literal(limit),
        lock=sql.SQL(" FOR NO KEY UPDATE OF r" if lock else ""),
    )
    width = len(sources)
    return [
        Row(
            row[0],
            _value(conversion.old, row[1 : 1 + width], conversion.source_table),
            _kept(conversion, row[1 + width :]) if target else None,
        )
        for row in conn.execute(query)
    ]


def _written(conversion: Conversion) -> tuple[Column, ...]:
    """The columns a conversion writes."""
    columns = conversion.new.columns
    return tuple(c for c in columns if c.part in conversion.parts) if conversion.parts else columns


def _kept(conversion: Conversion, parts: Sequence[Any]) -> Any:
    if conversion.parts:
        return None if any(p is None for p in parts) else parts
    return _value(conversion.new, parts, conversion.target_table)


def _read_side(schema: str, field: Field, link_table: str | None) -> list[sql.Composed]:
    if link_table:
        return [
            sql.SQL(
                "(SELECT array_agg(l.target::text ORDER BY l.position) FROM {} l WHERE l.record = r.id)"
            ).format(sql.Identifier(schema, link_table))
        ]
    texts = {"uuid", "jsonb"}
    return [
        sql.SQL("r.{}::text" if c.sql in texts else "r.{}").format(sql.Identifier(c.name))
        for c in field.columns
    ]


def _value(field: Field, parts: Sequence[Any], link_table: str | None) -> Any:
    if link_table:
        return tuple(parts[0]) if parts[0] else None
    if all(p is None for p in parts):
        return None
    ready = [
        jsonio.loads(p) if c.sql == "jsonb" and p is not None else tuple(p) if isinstance(p, list) else p
        for c, p in zip(field.columns, parts, strict=True)
    ]
    return type_of(field).from_columns(field, ready)


def write_rows(conn: Connection, schema: str, conversion: Conversion, values: Mapping[str, Any]) -> None:
    """Writes values by record id into the target; one statement."""
    if not values:
        return
    if conversion.target_table:
        _write_links(conn, schema, conversion.target_table, values)
        return
    columns = _written(conversion)
    rows = [
        {"id": id, **{f"v{i}": _json(v) for i, v in enumerate(_columns_of(conversion, value))}}
        if value is not None
        else {"id": id}
        for id, value in values.items()
    ]
    sets = [
        sql.SQL("{} = v.{}").format(sql.Identifier(c.name), sql.Identifier(f"v{i}"))
        for i, c in enumerate(columns)
    ]
    types = [sql.SQL("{} {}").format(sql.Identifier(f"v{i}"), sql.SQL(c.sql)) for i, c in enumerate(columns)]
    conn.execute(
        sql.SQL(
            "UPDATE {table} r SET {sets} FROM jsonb_to_recordset({rows}::jsonb) AS v(id uuid, {types}) WHERE r.id = v.id"
        ).format(
            table=sql.Identifier(schema, conversion.table),
            sets=sql.SQL(", ").join(sets),
            types=sql.SQL(", ").join(types),
            rows=sql.Literal(jsonio.dumps(rows).decode()),
        )
    )


def _columns_of(conversion: Conversion, value: Any) -> tuple[Any, ...]:
    """What is written for a value. A base that is added was the amount itself: the object had the workspace's currency."""
    made = zip(conversion.new.columns, type_of(conversion.new).to_columns(conversion.new, value), strict=True)
    if not conversion.parts:
        return tuple(v for _, v in made)
    return tuple(value if c.part == "base" else v for c, v in made if c.part in conversion.parts)


def _write_links(conn: Connection, schema: str, table: str, values: Mapping[str, Any]) -> None:
    place = sql.Identifier(schema, table)
    conn.execute(sql.SQL("DELETE FROM {} WHERE record = ANY(%s::uuid[])").format(place), (list(values),))
    rows = [
        {"record": id, "target": target, "position": n}
        for id, targets in values.items()
        for n, target in enumerate(targets or ())
    ]
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (record, target, position) SELECT record, target, position"
            " FROM jsonb_to_recordset(%s::jsonb) AS v(record uuid, target uuid, position bigint)"
        ).format(place),
        (jsonio.dumps(rows).decode(),),
    )


def _json(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Decimal):
        return format(value, "f")
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one batch did. `after` is where the next one begins, None at the end."""

    after: str | None
    written: int
    failed: tuple[Mapping[str, Any], ...] = ()


def convert_batch(
    conn: Connection,
    schema: str,
    conversion: Conversion,
    *,
    after: str | None = None,
    zone: tzinfo = UTC,
    complete: bool = True,
    size: int = BATCH,
) -> Batch:
    """Converts the next `size` rows. Repeating a batch changes nothing.

    complete  the conversion that is undone here (`back`) had reached every row, so an empty value means: emptied since
    """
    rows = read_rows(conn, schema, conversion, after, size, lock=True)
    changed: dict[str, Any] = {}
    failed: list[Mapping[str, Any]] = []
    for row in rows:
        converted = due(conversion, row, zone, complete)
        if converted is None:
            continue
        if converted.fault is not None:
            failed.append(sample(conversion, row, converted))
        else:
            changed[row.id] = converted.value
    write_rows(conn, schema, conversion, changed)
    return Batch(after=rows[-1].id if len(rows) == size else None, written=len(changed), failed=tuple(failed))


def filled(conn: Connection, schema: str, conversion: Conversion) -> bool:
    """False when `conversion` undoes one whose task has not reached every row yet."""
    if not conversion.back:
        return True
    row = conn.execute(
        sql.SQL(
            "SELECT 1 FROM {} WHERE kind = 'convert_column' AND payload->>'table' = %s AND payload->>'new' = %s"
            " AND (payload->>'to_release')::bigint <= %s AND (state <> 'done' OR progress->>'after' IS NOT NULL"
            " OR progress ? 'stopped') LIMIT 1"
        ).format(sql.Identifier(schema, "sys__task")),
        (conversion.table, conversion.old.name, conversion.from_release),
    ).fetchone()
    return row is None


def due(conversion: Conversion, row: Row, zone: tzinfo, complete: bool = True) -> Converted | None:
    """What has to be written for a row, or None when its target is right as it is."""
    if conversion.parts:
        return Converted(row.value) if row.kept is None and row.value is not None else None
    if conversion.back and row.kept is not None:
        forth = convert_value(conversion.new, conversion.old, row.kept, zone)
        if forth.fault is None and forth.value == row.value:
            return None  # nobody wrote since: the value kept aside is the original
        if row.value is None:
            return Converted() if complete else None
    elif row.kept is not None:
        return None
    if row.value is None:
        return None
    found = convert_value(conversion.old, conversion.new, row.value, zone)
    return None if found.fault is None and found.value == row.kept else found


def sample(conversion: Conversion, row: Row, converted: Converted) -> dict[str, Any]:
    """One row for a preview, values as texts."""
    lost = converted.value if converted.loses else None
    return {
        "id": row.id,
        "value": _text(conversion.old, row.value),
        "becomes": None if lost is None else _text(conversion.new, lost),
        "why": converted.fault,
    }


def _text(field: Field, value: Any) -> str:
    if isinstance(field.spec, LinkSpec):
        return ", ".join(ids_of(value))
    return type_of(field).to_text(field, value)
