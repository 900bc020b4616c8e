"""Load: the records of a level as they are, locked.

In: rows with ids. Out: `old` and `values` filled, versions compared. What is not there and what may not be known get the same
answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from patron_engine.errors import StaleVersion
from patron_engine.fields.registry import type_of
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.identify import not_found
from patron_engine.record.layout import Layout
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import ByIds, Conn, Statement, any_of, compiled


def load_rows(batch: Batch, rows: Sequence[Row], *, deleted: bool = False, seize: bool = False) -> None:
    """Locks and reads the rows that exist already. `deleted` asks for records in the recycle bin instead of live
    ones; `seize` also keeps new links to them away."""
    for program, mine in by_object(r for r in rows if not r.rejected and not r.fresh):
        _masters_first(batch, program, [r.id for r in mine if r.master is None])
        found = read_images(
            batch, batch.conn, program, [r.id for r in mine], program.seize if seize else program.load
        )
        for row in mine:
            image = found.get(row.id)
            if image is None or (image.get("deleted_at") is not None) is not deleted:
                not_found(batch, row, row.id)
                continue
            if row.master is not None and image.get(program.object.master or "") != row.master.id:
                not_found(batch, row, row.id)
                continue
            accept(batch, row, image)


def _masters_first(batch: Batch, program: Program, ids: Sequence[str]) -> None:
    """A detail saved by itself changes its master too, and is locked after it, as in its master's own save."""
    link = program.object.master
    if link is None or not ids:
        return

    def make() -> Statement:
        master = batch.programs[program.fields[link].link.to[0]].table
        named = sa.select(program.table.c[program.fields[link].column.name]).where(any_of(program.table.c.id))
        chosen = sa.select(master.c.id).where(master.c.id.in_(named)).order_by(master.c.id)
        return compiled(chosen.with_for_update(key_share=True))

    batch.programs.keep(("load.masters", program.object.name), make).run(batch.conn, ids=sorted(set(ids)))


def accept(batch: Batch, row: Row, image: dict[str, Any]) -> None:
    """Makes an image read from the database the row's own."""
    row.old = row.seen = image  # nobody changes either
    row.values = {**row.values, **image}
    row.version = image["version"]
    batch.register(row)


def hold(batch: Batch, conn: Conn, program: Program, ids: Iterable[str]) -> None:
    """Locks and reads records that the caller does not save, but that may change with those he does."""
    missing = [id for id in ids if (program.object.name, id) not in batch.found]
    if missing:
        for id, image in read_images(batch, conn, program, missing, program.load).items():
            row = Row(program, None, id=id, fresh=False)
            row.own = False
            accept(batch, row, image)


def read_images(
    batch: Batch,
    conn: Conn,
    program: Program,
    ids: Sequence[str],
    statement: ByIds,
    layout: Layout | None = None,
) -> dict[str, dict[str, Any]]:
    """id -> own values, many links and files included. `layout` is that of the statement where it does not read all."""
    images = map((layout or program.layout).decode, statement.run(conn, sorted(set(ids))))
    found = {image["id"]: image for image in images}
    if found:
        _many_links(batch, conn, program, found)
        _files(batch, conn, program, found)
    return found


def _many_links(batch: Batch, conn: Conn, program: Program, images: dict[str, dict[str, Any]]) -> None:
    for field in program.many:

        def make(field: Any = field) -> Statement:
            table = batch.call.tables.link(field)
            chosen = sa.select(table.c.record, table.c.target).where(any_of(table.c.record))
            return compiled(chosen.order_by(table.c.record, table.c.position))

        statement = batch.programs.keep(("load.many", program.object.name, field.name), make)
        targets: dict[str, list[str]] = defaultdict(list)
        for record, target in statement.run(conn, ids=sorted(images)):
            targets[record].append(target)
        for id, image in images.items():
            image[field.name] = tuple(targets[id]) if id in targets else None


def _files(batch: Batch, conn: Conn, program: Program, images: dict[str, dict[str, Any]]) -> None:
    if not program.files:
        return

    def make() -> Statement:
        table = batch.call.tables.system(
            "sys__file", id="uuid", object="text", record="uuid", field="text", position="bigint",
            created_at="timestamptz", deleted_at="timestamptz",
        )  # fmt: skip
        where = (
            table.c.object == sa.bindparam("object", type_=sa.Text()),
            any_of(table.c.record),
            table.c.deleted_at.is_(None),
        )
        chosen = sa.select(table.c.record, table.c.field, table.c.id).where(*where)
        return compiled(chosen.order_by(table.c.position, table.c.created_at, table.c.id))

    statement = batch.programs.keep("load.files", make)
    kept: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record, field, id in statement.run(conn, object=program.object.name, ids=sorted(images)):
        kept[(record, field)].append(id)
    for id, image in images.items():
        for field_ in program.files:
            found = kept.get((id, field_.name))
            image[field_.name] = tuple(found) if found else None


def compare_versions(batch: Batch, rows: Sequence[Row]) -> None:
    """A caller who has seen another version is told what differs. Called after the values are bound.

    One record: StaleVersion with both values. Several: a problem at each.
    """
    for row in rows:
        seen = row.change.version if row.change is not None else None
        if seen is None or row.fresh or row.rejected or seen == row.version:
            continue
        if len(batch.levels[0]) == 1 and row.master is None:
            raise stale(row)
        row.wrong(
            "stale_version",
            Phrase("the record has version {version} by now, not {seen}", version=row.version, seen=seen),
            "version",
        )


def stale(row: Row) -> StaleVersion:
    """The error with both values of what the caller wanted to change."""

    differs: dict[str, Any] = {}
    for name in sorted(row.given):
        field = row.program.fields.get(name)
        if field is None or row.values.get(name) == row.old.get(name):
            continue
        kind = type_of(field)
        mine, theirs = row.values.get(name), row.old.get(name)
        differs[name] = {
            "mine": None if mine is None else kind.to_wire(field, mine),
            "theirs": None if theirs is None else kind.to_wire(field, theirs),
        }
    return StaleVersion(
        Phrase("somebody changed the record meanwhile: it has version {version} by now", version=row.version),
        hint="look at both values and save again with the new version",
        values={**differs, "version": row.version},
    )
