"""Remove: into the recycle bin: what goes with a record, what stands against it.

In: loaded rows. Out: `deleted_at` put, and further rows that go with them, found level by level over the sets. What one deletion takes along is one batch: restoring any of it restores all. Links with `clear` keep pointing, and
show nothing, until the record is purged. Writes nothing but the batch's own rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import LinkSet
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.links import linked
from patron_engine.record.load import accept, read_images
from patron_engine.record.pending import COPY_FROM
from patron_engine.record.program import DELETE_BATCH, Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

MAX_TAKEN_ALONG = 50_000  # records one deletion takes along


def incoming(batch: Batch, program: Program) -> list[tuple[LinkSet, LinkSpec]]:
    """Every set of an object: who may point at its records."""
    found = []
    for link_set in program.object.sets.values():
        field = batch.model.objects[link_set.object].fields.get(link_set.field)
        if field is not None and isinstance(field.spec, LinkSpec):
            found.append((link_set, field.spec))
    return found


def delete(batch: Batch, rows: Sequence[Row]) -> list[Row]:
    """Marks the rows and everything that goes with them; all of them are returned, those given first."""
    going = [r for r in rows if not r.rejected]
    for row in going:
        row.put("deleted_at", batch.call.now)
        row.values[DELETE_BATCH] = batch.call.new_id()
    every = list(going)
    level = going
    while level:
        level = _taken_along(batch, level)
        every.extend(level)
        if len(every) > MAX_TAKEN_ALONG:
            raise LimitExceeded(
                Phrase("this deletion would take more than {most} records along", most=MAX_TAKEN_ALONG), code="delete_count",
                hint="delete the records below first, in parts",
            )  # fmt: skip
    _restricted(batch, every)
    return every


def _taken_along(batch: Batch, level: Sequence[Row]) -> list[Row]:
    """Details and records whose link says cascade, locked and marked with their origin's batch."""
    found: list[Row] = []
    for program, mine in by_object(level):
        origin = {row.id: row for row in mine}
        for link_set, spec in incoming(batch, program):
            if not (spec.master or spec.on_delete == "cascade"):
                continue
            child = batch.programs[link_set.object]
            for id, parent in pointing(batch, child, link_set, list(origin), program.object.name):
                if (child.object.name, id) not in batch.found:
                    found.extend(_go_with(batch, child, link_set.field, {id: origin[parent]}))
    return found


def _go_with(batch: Batch, child: Program, link: str, origins: dict[str, Row]) -> list[Row]:
    found = []
    for id, image in read_images(batch, batch.conn, child, list(origins), child.seize).items():
        above = linked(image.get(link), child.fields[link])
        if image.get("deleted_at") is not None or (origins[id].object, origins[id].id) not in above:
            continue  # another save had it until now, and took it into the bin or to another record
        origin = origins[id]
        row = Row(child, None, id=id, fresh=False, path=origin.path, index=origin.index)
        row.action = "delete"
        accept(batch, row, image)
        row.master = origin
        row.put("deleted_at", batch.call.now)
        row.values[DELETE_BATCH] = origin.values[DELETE_BATCH]
        found.append(row)
    return found


def pointing(
    batch: Batch, child: Program, link_set: LinkSet, ids: Sequence[str], object: str, *, live: bool = True
) -> list[tuple[str, str]]:
    """(record, target): records of `child` that point at one of `ids` through the set's link."""

    def make() -> Statement:
        table = child.table
        field = child.fields[link_set.field]
        if field.link.many:
            link = batch.call.tables.link(field)
            chosen = sa.select(table.c.id, link.c.target).select_from(
                table.join(link, link.c.record == table.c.id)
            )
            chosen = chosen.where(any_of(link.c.target))
        else:
            column = table.c[field.column.name]
            chosen = sa.select(table.c.id, column).where(any_of(column))
            if field.link.several:
                chosen = chosen.where(table.c[field.part("object").name] == sa.literal(object, sa.Text()))
        alive = table.c.deleted_at.is_(None) if live else table.c.deleted_at.is_not(None)
        return compiled(chosen.where(alive).order_by(table.c.id))

    key = ("remove.pointing", child.object.name, link_set.field, object, live)
    rows: list[tuple[Any, ...]] = batch.programs.keep(key, make).run(batch.conn, ids=list(ids))
    return [(id, target) for id, target in rows]


def _restricted(batch: Batch, rows: Sequence[Row]) -> None:
    """Records that still point here and do not go along stand against the deletion. Said with a count, no titles."""
    for program, mine in by_object(rows):
        by_id = {row.id: row for row in mine}
        for link_set, spec in incoming(batch, program):
            if spec.master or spec.on_delete != "restrict" or spec.many:
                continue
            child = batch.programs[link_set.object]
            against: dict[str, int] = defaultdict(int)
            for id, parent in pointing(batch, child, link_set, list(by_id), program.object.name):
                other = batch.found.get((child.object.name, id))
                if other is None or other.values.get("deleted_at") is None:
                    against[parent] += 1
            for parent, count in against.items():
                _refuse(batch, by_id[parent], child, link_set, count)


def _refuse(batch: Batch, row: Row, child: Program, link_set: LinkSet, count: int) -> None:
    top = row
    while top.master is not None and top.change is None:
        top = top.master
    label = batch.object_label(child.object.name)
    here = batch.label(child.fields[link_set.field])
    top.wrong(
        "referenced", Phrase("{count} {label} point here ({here})", count=count, label=label, here=here),
        hint="delete them first, or point them elsewhere",
    )  # fmt: skip


def write_batches(batch: Batch, rows: Sequence[Row]) -> None:
    """Keeps which records went with which deletion; called after the rows were written."""
    tops = {r.values[DELETE_BATCH]: r for r in reversed(rows)}.values()
    groups = batch.programs.keep("remove.batch", lambda: _batch_statements(batch))
    batch.pending.add(groups[0], [
        groups[0].values({
            "id": r.values[DELETE_BATCH], "kind": "delete", "at": batch.call.now, "by": batch.person,
            "payload": Jsonb({"object": r.object, "id": r.id}),
        })
        for r in tops
    ])  # fmt: skip
    members = [(r.values[DELETE_BATCH], r.object, r.id, "deleted", r.version) for r in rows]
    if len(members) >= COPY_FROM:
        names = ("batch", "object", "record", "action", "version")
        batch.pending.copy(groups[2], dict(zip(names, zip(*members, strict=True), strict=True)))
    else:
        batch.pending.add(groups[1], members)


def _batch_statements(batch: Batch) -> tuple[Statement, Statement, sa.Table]:
    head = batch.call.tables.system(
        "sys__batch", id="uuid", kind="text", at="timestamptz", by="uuid", payload="jsonb"
    )
    rows = batch.call.tables.system(
        "sys__batch_record", batch="uuid", object="text", record="uuid", action="text", version="bigint"
    )

    def insert(table: sa.Table) -> Statement:
        return compiled(
            table.insert().values({c.name: sa.bindparam(c.name, type_=c.type) for c in table.columns})
        )

    return insert(head), insert(rows), rows
