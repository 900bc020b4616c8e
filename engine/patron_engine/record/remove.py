"""Remove: the recycle bin. Delete, restore, void and unvoid: what goes with a record, what stands against it.

In: loaded rows. Out: `deleted_at`, `voided_at` put, and further rows that go with them, found level by level over the
sets. What one deletion takes along is one batch: restoring any of it restores all. Links with `clear` keep pointing, and
show nothing, until the record is purged. Writes nothing but the batch's own rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import LinkSet
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.links import linked
from patron_engine.record.load import accept, read_images
from patron_engine.record.program import DELETE_BATCH, Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.record.write import COPY_FROM, copy_in, run_many
from patron_engine.store.tables import Id

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
                f"this deletion would take more than {MAX_TAKEN_ALONG} records along", code="delete_count",
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
                    found.extend(_go_with(batch, child, {id: origin[parent]}))
    return found


def _go_with(batch: Batch, child: Program, origins: dict[str, Row]) -> list[Row]:
    found = []
    for id, image in read_images(batch, child, list(origins), child.seize).items():
        if image.get("deleted_at") is not None:
            continue
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
        "referenced", f"{count} {label} point here ({here})",
        hint="delete them first, or point them elsewhere",
    )  # fmt: skip


def write_batches(batch: Batch, rows: Sequence[Row]) -> None:
    """Keeps which records went with which deletion; called after the rows were written."""
    tops = {r.values[DELETE_BATCH]: r for r in reversed(rows)}.values()
    groups = batch.programs.keep("remove.batch", lambda: _batch_statements(batch))
    run_many(batch.conn, groups[0], [
        groups[0].values({
            "id": r.values[DELETE_BATCH], "kind": "delete", "at": batch.call.now, "by": batch.person,
            "payload": Jsonb({"object": r.object, "id": r.id}),
        })
        for r in tops
    ])  # fmt: skip
    members = [(r.values[DELETE_BATCH], r.object, r.id, "deleted", r.version) for r in rows]
    if len(members) >= COPY_FROM:
        copy_in(batch.conn, groups[2], ("batch", "object", "record", "action", "version"), members)
    else:
        run_many(batch.conn, groups[1], members)


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


# -- restore ------------------------------------------------------------------------------------------------------


def restore(batch: Batch, rows: Sequence[Row]) -> list[Row]:
    """Takes the rows out of the bin, with everything that went with them."""
    every = [r for r in rows if not r.rejected]
    for row in list(every):
        for object, id in _companions(batch, row):
            if (object, id) not in batch.found:
                every.extend(_come_back(batch, object, id, row))
    for row in every:
        row.put("deleted_at", None)
        row.values[DELETE_BATCH] = None
    _missing_targets(batch, every)
    return every


def _come_back(batch: Batch, object: str, id: str, origin: Row) -> Iterable[Row]:
    program = batch.programs[object]
    for image in read_images(batch, program, [id], program.load).values():
        if image.get("deleted_at") is None:
            return
        row = Row(program, None, id=id, fresh=False, path=origin.path, index=origin.index)
        row.action = "restore"
        row.master = origin
        accept(batch, row, image)
        yield row


def _companions(batch: Batch, row: Row) -> list[tuple[str, str]]:
    """The records of the deletion this one belongs to."""

    def make() -> Statement:
        table = batch.call.tables.system("sys__batch_record", batch="uuid", object="text", record="uuid")
        here = row.program.table
        mine = (
            sa.select(here.c[DELETE_BATCH])
            .where(here.c.id == sa.bindparam("id", type_=Id()))
            .scalar_subquery()
        )
        return compiled(
            sa.select(table.c.object, table.c.record).where(table.c.batch == mine).order_by(table.c.record)
        )

    statement = batch.programs.keep(("remove.companions", row.object), make)
    return [(o, i) for o, i in statement.run(batch.conn, id=row.id) if o in batch.model.objects]


def _missing_targets(batch: Batch, rows: Sequence[Row]) -> None:
    """A record comes back only when what it cannot be without is there: its master, required links."""
    for program, mine in by_object(rows):
        for field in program.links:
            spec = field.link
            if spec.many or not (spec.master or field.required is True):
                continue
            wanted: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
            for row in mine:
                for object, id in linked(row.values.get(field.name), field):
                    other = batch.found.get((object, id))
                    if other is None or other.values.get("deleted_at") is not None:
                        wanted[object][id].append(row)
            for object, pointing_rows in wanted.items():
                _refuse_missing(batch, field, object, pointing_rows)


def _refuse_missing(batch: Batch, field: Any, object: str, wanted: dict[str, list[Row]]) -> None:
    program = batch.programs[object]

    def make() -> Statement:
        chosen = sa.select(program.table.c.id).where(
            any_of(program.table.c.id), program.table.c.deleted_at.is_(None)
        )
        return compiled(chosen.order_by(program.table.c.id).with_for_update(read=True, key_share=True))

    alive = {
        r[0] for r in batch.programs.keep(("links.keep", object), make).run(batch.conn, ids=sorted(wanted))
    }
    for id, rows in wanted.items():
        if id in alive:
            continue
        for row in rows:
            row.wrong(
                "target_deleted", f"{batch.label(field)} is in the recycle bin itself", field.name,
                hint="restore that record first",
            )  # fmt: skip


# -- void ---------------------------------------------------------------------------------------------------------


def void(batch: Batch, rows: Sequence[Row], *, back: bool) -> list[Row]:
    """Makes records void, or valid again, with their details where those can be void too."""
    every = []
    for row in rows:
        if row.rejected:
            continue
        if "void" not in row.program.object.features or "voided_at" not in row.program.fields:
            row.wrong("not_voidable", f"{batch.object_label(row.object)} cannot be made void")
            continue
        every.append(row)
    level: list[Row] = list(every)
    while level:
        level = _void_details(batch, level)
        every.extend(level)
    for row in every:
        voided = row.values.get("voided_at")
        row.put("voided_at", None if back else (voided or batch.call.now))
    return every


def _void_details(batch: Batch, level: Sequence[Row]) -> list[Row]:
    found: list[Row] = []
    for program, mine in by_object(level):
        origin = {row.id: row for row in mine}
        for link_set, spec in incoming(batch, program):
            child = batch.programs[link_set.object]
            if not spec.master or "voided_at" not in child.fields:
                continue
            pairs = dict(pointing(batch, child, link_set, list(origin), program.object.name))
            for id, image in (read_images(batch, child, list(pairs), child.load) if pairs else {}).items():
                parent = origin[pairs[id]]
                row = Row(child, None, id=id, fresh=False, path=parent.path, index=parent.index)
                row.action = parent.action
                row.master = parent
                accept(batch, row, image)
                found.append(row)
    return found
