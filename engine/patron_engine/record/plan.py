"""Plan: changes become rows: which record each one means, which are new, which details belong to which master.

In: changes. Out: rows by level, masters first, ids known, nothing loaded yet. An upsert takes an advisory lock on its
value first, so two of them make one record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2s
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import readable, writable
from patron_engine.errors import LimitExceeded
from patron_engine.fields.base import ValueFault
from patron_engine.fields.registry import type_of
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.record.batch import Batch
from patron_engine.record.change import MAX_DETAIL_DEPTH, MAX_DETAILS, Change
from patron_engine.record.detailed import detail_fault
from patron_engine.record.ids import record_id
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import any_of, compiled

EXTERNAL = "external_ids."
DETAIL_KEYS = ("id", "version", "delete")


def plan_rows(batch: Batch, changes: Sequence[tuple[int, Change]], *, several: bool) -> list[Row]:
    """The top-level rows of `changes`, given with their place in the request, and their details in `batch.levels`."""
    rows: list[Row] = []
    by_key: dict[tuple[str, str], list[tuple[Row, Any]]] = defaultdict(list)
    for index, change in changes:
        path = f"[{index}]." if several else ""
        row = _row(batch, change, path, index)
        rows.append(row)
        if change.by is not None and not row.rejected:
            by_key[(change.object, change.by[0])].append((row, change.by[1]))
    for (object, key), asked in by_key.items():
        _identify(batch, object, key, asked)
    batch.levels.append(rows)
    level = rows
    while level:
        level = [detail for row in level if not row.rejected for detail in _details(batch, row)]
        if level:
            batch.levels.append(level)
    return rows


def _row(batch: Batch, change: Change, path: str, index: int) -> Row:
    program = batch.programs[change.object]
    fresh = (
        change.action in ("create", "upsert")
        and change.by is None
        and (change.id is None or change.action == "create")
    )
    given_id = record_id(change.id) if change.id is not None else None
    row = Row(program, change, id=given_id or batch.call.new_id(), fresh=fresh, path=path, index=index)
    if change.id is not None and given_id is None:
        not_found(batch, row, change.id)
    return row


def not_found(batch: Batch, row: Row, named: Any) -> None:
    """The same answer for what is not there and what the caller may not know of."""
    row.wrong("not_found", Phrase("there is no {object} {named}", object=batch.object_label(row.object), named=named))  # fmt: skip


def _identify(batch: Batch, object: str, key: str, asked: list[tuple[Row, Any]]) -> None:
    """Finds the records named by a unique field or an external id; for upserts under a lock on the value."""
    program = batch.programs[object]
    if key.startswith(EXTERNAL):
        source = key[len(EXTERNAL) :]
        values = [(row, str(value)) for row, value in asked]
        lock_values(batch, [(object, key, v) for row, v in values if row.action == "update"])
        found = external_records(batch, object, source, [v for _, v in values])
    else:
        name = program.object.aliases.get(key, key)
        field = (known := readable(batch.model, batch.call.actor, object)).get(name)
        if field is None or not is_unique(program, name):
            for row, _ in asked:
                row.wrong(
                    "not_unique_field", Phrase("{object} has no unique field {key!r}", object=object, key=key),
                    hint=nearest(key, known),
                )  # fmt: skip
            return
        values = []
        for row, raw in asked:
            try:
                values.append((row, type_of(field).read_text(field, raw) if isinstance(raw, str) else raw))
            except ValueFault as fault:
                row.wrong(fault.code, fault.message, key, hint=fault.hint)
        lock_values(batch, [(object, name, str(v)) for _, v in values])
        found = records_by(batch, program, name, [v for _, v in values])
    taken: dict[Any, Row] = {}
    for row, value in values:
        assert row.change is not None
        ids = found.get(value, [])
        if ids:
            row.id, row.fresh, row.action = ids[0], False, "update"
        elif row.change.action == "upsert":
            row.fresh, row.action = True, "create"
            if not key.startswith(EXTERNAL):
                row.values[f"by:{name}"] = value
            first = taken.setdefault(value, row)
            if first is not row:
                row.wrong("twice", Phrase("{value} stands twice in one request", value=value), key)
        else:
            not_found(batch, row, Phrase("with {key} {value}", key=key, value=value))


def is_unique(program: Program, name: str) -> bool:
    """A field whose value names at most one live record."""
    return program.fields[name].unique or any(
        u.fields == (name,) and u.where is None for u in program.object.uniques
    )


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
    """Value -> ids of the live records of an object that have it."""

    def make() -> Any:
        column = program.table.c[program.fields[name].column.name]
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


def _details(batch: Batch, master: Row) -> list[Row]:
    """Rows for the details given by set name inside their master."""
    change, program = master.change, master.program
    assert change is not None
    found: list[Row] = []
    for name, given in change.set.items() if program.sets else ():
        set_name = program.object.aliases.get(name, name)
        if set_name not in program.sets:
            continue
        if depth(master) >= MAX_DETAIL_DEPTH:
            raise LimitExceeded("details are nested too deeply", code="detail_depth")
        if not isinstance(given, (list, tuple)):
            master.wrong("not_a_list", Phrase("{name} takes a list of records", name=name), name)
            continue
        if len(given) > MAX_DETAILS:
            most = Phrase(
                "{name} has {count} records; at most {most} are saved at once", name=name, count=len(given), most=MAX_DETAILS
            )  # fmt: skip
            raise LimitExceeded(most, code="details_count")
        child = program.object.sets[set_name]
        seen: set[str] = set()
        for n, item in enumerate(given):
            found.extend(
                _detail(batch, master, child.object, child.field, f"{master.path}{name}[{n}].", item, seen)
            )
    return found


def _detail(
    batch: Batch, master: Row, object: str, link: str, path: str, item: Any, seen: set[str]
) -> list[Row]:
    assert master.change is not None
    bad = Row(batch.programs[object], None, id="", fresh=True, path=path, index=master.index)
    if not isinstance(item, Mapping):
        bad.wrong("not_an_object", "a detail is a map of its fields")
        master.problems.extend(bad.problems)
        master.rejected = True
        return []
    keys = _detail_keys(batch, object)
    id, version, delete = (item.get(key) if key in keys else None for key in DETAIL_KEYS)
    fields = {k: v for k, v in item.items() if k not in keys}
    fault = detail_fault(item, id, version, delete, fields, seen, link)
    if fault:
        bad.wrong(fault[0], fault[1], fault[2])
        master.problems.extend(bad.problems)
        master.rejected = True
        return []
    change = Change(
        action="delete" if delete else ("update" if id else "create"),
        object=object,
        id=id,
        set=fields,
        source=master.change.source,
        version=version,
        confirm=master.change.confirm,
    )
    row = Row(
        batch.programs[object], change, id=record_id(id) or batch.call.new_id(), fresh=id is None, path=path,
        index=master.index,
    )  # fmt: skip
    if id is not None:
        seen.add(row.id)
    row.action = change.action
    row.master = master
    row.values[link] = master.id
    master.children.append(row)
    return [row]


def _detail_keys(batch: Batch, object: str) -> tuple[str, ...]:
    """What may stand beside the fields of a detail; a field named `delete` is the field."""
    program = batch.programs[object].object
    taken = program.field("delete")
    if taken is None or taken.name not in writable(batch.model, batch.call.actor, object):
        return DETAIL_KEYS
    return DETAIL_KEYS[:2]


def depth(row: Row) -> int:
    """1 for a top-level row."""
    n = 1
    while row.master is not None:
        row, n = row.master, n + 1
    return n
