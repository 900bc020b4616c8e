"""Identify: which record a value means: of a unique field, or an external id.

In: rows of changes that name their record by a value, or values alone. Out: ids of live records. An upsert takes an
advisory lock on its value first, so two of them make one record. Compared is what unique rules compare. A value that is
empty names nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2s
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import readable
from patron_engine.fields.base import ValueFault
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import any_of, compiled
from patron_engine.store.indexes import unique_columns

EXTERNAL = "external_ids."
MAX_SOURCE = 60  # limit_external_id: characters of an external id's source
MAX_EXTERNAL_ID = 400  # limit_external_id: characters of an external id; an index entry holds 2,704 bytes


def not_found(batch: Batch, row: Row, named: Any) -> None:
    """The same answer for what is not there and what the caller may not know of."""
    row.wrong("not_found", Phrase("there is no {object} {named}", object=batch.object_label(row.object), named=named))  # fmt: skip


def identify(batch: Batch, object: str, key: str, asked: list[tuple[Row, Any]]) -> None:
    """Finds the records named by a unique field or an external id; for upserts under a lock on the value."""
    program = batch.programs[object]
    if key.startswith(EXTERNAL):
        source = key[len(EXTERNAL) :]
        values = [(row, str(value)) for row, value in asked if _sound(row, source, str(value))]
        lock_values(batch, [(object, key, v) for row, v in values if row.action == "update"])
        found = external_records(batch, object, source, [v for _, v in values])
    else:
        name = program.object.aliases.get(key, key)
        values = _compared(batch, program, key, name, asked)
        lock_values(batch, [(object, name, str(v)) for _, v in values])
        found = records_by(batch, program, name, [v for _, v in values]) if values else {}
    taken: dict[Any, Row] = {}
    for row, value in values:
        assert row.change is not None and row.change.by is not None
        ids = found.get(value, [])
        if ids:
            row.id, row.fresh, row.action = ids[0], False, "update"
        elif row.change.action == "upsert":
            row.fresh, row.action = True, "create"
            first = taken.setdefault(value, row)
            if first is not row:
                row.wrong("twice", Phrase("{value} stands twice in one request", value=row.change.by[1]), key)
        else:
            not_found(batch, row, Phrase("with {key} {value}", key=key, value=row.change.by[1]))


def _sound(row: Row, source: str, value: str) -> bool:
    fault = external_fault(source, value)
    if fault is not None:
        row.wrong(fault.code, fault.message, f"{EXTERNAL}{source[:60]}", hint=fault.hint)
    return fault is None


def external_fault(source: str, value: str) -> ValueFault | None:
    """What is wrong with an external id. An empty one names nothing, a very long one no index takes."""
    if not source or not value.strip():
        return ValueFault("external_id_empty", "an external id has a source and a value")
    if len(source) > MAX_SOURCE or len(value) > MAX_EXTERNAL_ID:
        return ValueFault(
            "limit_external_id",
            Phrase(
                "an external id has at most {most} characters, its source {source}",
                most=MAX_EXTERNAL_ID,
                source=MAX_SOURCE,
            ),
        )
    return None


def _compared(
    batch: Batch, program: Program, key: str, name: str, asked: list[tuple[Row, Any]]
) -> list[tuple[Row, Any]]:
    """The values of a unique field as its unique rule compares them. An empty one names no record."""
    field = (known := readable(batch.model, batch.call.actor, program.object.name)).get(name)
    if field is None or not is_unique(program.object, name):
        there = [n for n in known if n in program.fields and is_unique(program.object, n)]
        for row, _ in asked:
            row.wrong(
                "not_unique_field",
                Phrase("{object} has no unique field {key!r}", object=program.object.name, key=key),
                hint=nearest(key, there)
                or (Phrase("unique here: {fields}", fields=there) if there else None),
            )
        return []
    values: list[tuple[Row, Any]] = []
    for row, raw in asked:
        try:
            read = type_of(field).read_text(field, raw) if isinstance(raw, str) else raw
        except ValueFault as fault:
            row.wrong(fault.code, fault.message, key, hint=fault.hint)
            continue
        if read is None:
            row.wrong("value_missing", Phrase("an empty {key} names no record", key=key), key)
        else:
            values.append((row, type_of(field).normalise(field, read)))
    return values


def is_unique(object: Object, name: str) -> bool:
    """A field whose value names at most one live record."""
    return object.fields[name].unique or any(u.fields == (name,) and u.where is None for u in object.uniques)


def lock_values(batch: Batch, values: Sequence[tuple[str, str, str]]) -> None:
    """Advisory locks on values, in one order, so that two saves that mean the same value come one after the other."""
    if not values:
        return
    keys = sorted({value_key(batch.call.schema, *value) for value in values})
    statement = batch.programs.keep("plan.locks", _locks)
    statement.run(batch.conn, keys=keys)


def value_key(schema: str, object: str, field: str, value: str) -> int:
    """The advisory lock key of a value, a signed bigint."""
    text = f"{schema}\x1f{object}\x1f{field}\x1f{value}"
    return int.from_bytes(blake2s(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def _locks() -> Any:
    keys = sa.func.unnest(sa.bindparam("keys", type_=pg.ARRAY(sa.BigInteger()))).column_valued("k")
    return compiled(sa.select(sa.func.pg_advisory_xact_lock(keys)))


def records_by(batch: Batch, program: Program, name: str, values: Sequence[Any]) -> dict[Any, list[str]]:
    """Value, as unique rules compare it (of an encrypted field its digest) -> ids of the live records of an object that have it."""

    def make() -> Any:
        compares = next(iter(unique_columns(program.fields[name])))
        column = program.table.c[compares]
        live = program.table.c.deleted_at.is_(None)
        return compiled(sa.select(column, program.table.c.id).where(any_of(column, "values"), live))

    statement = batch.programs.keep(("plan.by", program.object.name, name), make)
    found: dict[Any, list[str]] = defaultdict(list)
    for value, id in statement.run(
        batch.conn, values=list(dict.fromkeys(v for v in values if v is not None))
    ):
        found[value].append(id)
    return found


def external_records(batch: Batch, object: str, source: str, values: Sequence[str]) -> dict[Any, list[str]]:
    """External id -> the record of `object` it names."""

    def make() -> Any:
        table = batch.call.tables.system(
            "sys__external_id", object="text", source="text", external_id="text", record="uuid"
        )
        where = (
            table.c.object == sa.bindparam("object", type_=sa.Text()),
            table.c.source == sa.bindparam("source", type_=sa.Text()),
            any_of(table.c.external_id, "values"),
        )
        return compiled(sa.select(table.c.external_id, table.c.record).where(*where))

    statement = batch.programs.keep("plan.external", make)
    rows = statement.run(batch.conn, object=object, source=source, values=list(dict.fromkeys(values)))
    ids = {id for _, id in rows}
    program = batch.programs[object]
    alive = {row[0] for row in live_ids(batch, program).run(batch.conn, ids=sorted(ids))} if ids else set()
    return {value: [id] for value, id in rows if id in alive}


def live_ids(batch: Batch, program: Program) -> Any:
    """Which of some ids are live records."""

    def make() -> Any:
        table = program.table
        return compiled(sa.select(table.c.id).where(any_of(table.c.id), table.c.deleted_at.is_(None)))

    return batch.programs.keep(("plan.live", program.object.name), make)
