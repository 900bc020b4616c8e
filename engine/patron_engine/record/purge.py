"""Purge: takes records out of the recycle bin for good. What pointed at them with `clear` is cleared now.

In: deleted rows. Out: rows of objects, links, files, search, external ids gone; a row of history that says so. Live records
that still must point here stand against it.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.model.model import LinkSet
from patron_engine.phrases import Phrase
from patron_engine.record import closure, external, search
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.history import COLUMNS, history_insert, write_history
from patron_engine.record.load import accept, read_images
from patron_engine.record.program import Program
from patron_engine.record.remove import incoming, pointing
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.record.write import clear_links, write


def purge(batch: Batch, rows: Sequence[Row]) -> list[Row]:
    """Removes the rows, and what is in the bin below them. Returns the live rows whose links were cleared."""
    going = [r for r in rows if not r.rejected]
    every, level = list(going), going
    while level:
        level = _below(batch, level)
        every.extend(level)
    cleared: list[Row] = []
    for program, mine in by_object(every):
        for link_set, spec in incoming(batch, program):
            child = batch.programs[link_set.object]
            ids = [r.id for r in mine]
            if spec.many:
                _drop_targets(batch, child, link_set, ids)
                continue
            if not spec.master:
                _let_go(batch, child, link_set, ids, program.object.name)
            live = dict(pointing(batch, child, link_set, ids, program.object.name))
            if live and spec.on_delete != "clear":
                top = mine[0]
                top.wrong(
                    "referenced",
                    Phrase(
                        "{count} {object} still point here",
                        count=len(live),
                        object=batch.object_label(child.object.name),
                    ),
                )
                continue
            cleared.extend(_clear(batch, child, link_set, list(live)))
    if any(r.rejected for r in every):
        return []
    for program, changed in by_object(cleared):
        write(batch, program, changed)
    write_history(batch, cleared)
    _remove(batch, every)
    return cleared


def _below(batch: Batch, level: Sequence[Row]) -> list[Row]:
    """Records in the bin that cannot be without these."""
    found: list[Row] = []
    for program, mine in by_object(level):
        for link_set, spec in incoming(batch, program):
            if not (spec.master or spec.on_delete == "cascade") or spec.many:
                continue
            child = batch.programs[link_set.object]
            pairs = pointing(batch, child, link_set, [r.id for r in mine], program.object.name, live=False)
            new = [id for id, _ in pairs if (child.object.name, id) not in batch.found]
            for id, image in (read_images(batch, batch.conn, child, new, child.seize) if new else {}).items():
                row = Row(child, None, id=id, fresh=False, path=mine[0].path, index=mine[0].index)
                row.action = "purge"
                row.master = mine[0]
                accept(batch, row, image)
                found.append(row)
    return found


def _clear(batch: Batch, child: Program, link_set: LinkSet, ids: Sequence[str]) -> list[Row]:
    """Live records whose link becomes empty: a change of their own, with version and history."""
    found = []
    for id, image in (read_images(batch, batch.conn, child, ids, child.load) if ids else {}).items():
        row = Row(child, None, id=id, fresh=False)
        accept(batch, row, image)
        row.put(link_set.field, None)
        found.append(row)
    return found


def _let_go(batch: Batch, child: Program, link_set: LinkSet, ids: Sequence[str], object: str) -> None:
    """Records in the bin that may be without these lose the link, silently."""
    field = child.fields[link_set.field]

    def make() -> Statement:
        table = child.table
        column = table.c[field.column.name]
        nothing = {c.name: sa.null() for c in field.columns}
        change = table.update().values(nothing).where(any_of(column), table.c.deleted_at.is_not(None))
        if field.link.several:
            change = change.where(table.c[field.part("object").name] == sa.literal(object, sa.Text()))
        return compiled(change)

    batch.programs.keep(("purge.let_go", child.object.name, field.name, object), make).do(
        batch.conn, ids=list(ids)
    )


def _drop_targets(batch: Batch, child: Program, link_set: LinkSet, ids: Sequence[str]) -> None:
    def make() -> Statement:
        table = batch.call.tables.link(child.fields[link_set.field])
        return compiled(table.delete().where(any_of(table.c.target)))

    batch.programs.keep(("purge.targets", child.object.name, link_set.field), make).do(
        batch.conn, ids=list(ids)
    )


def _remove(batch: Batch, rows: Sequence[Row]) -> None:
    """Deepest first, so that foreign keys agree."""
    history = batch.programs.keep("history", lambda: history_insert(batch))
    cause = Jsonb(batch.call.cause.as_dict(), dumps=jsonio.dumps)
    for program, mine in reversed(_by_level(rows)):
        name, ids = program.object.name, [r.id for r in mine]
        for field in program.many:
            clear_links(batch, field, ids)
        search.forget(batch, name, ids)
        external.forget(batch, name, ids)
        closure.forget(batch, name, ids)
        _forget_files(batch, name, ids)
        _delete(batch, program).do(batch.conn, ids=ids)
        for row in mine:
            values = (
                name,
                row.id,
                batch.call.now,
                batch.model.release,
                row.version,
                batch.person,
                cause,
                "purged",
                Jsonb({}),
            )
            batch.pending.add(history, [history.values(dict(zip(COLUMNS, values, strict=True)))])


def _by_level(rows: Sequence[Row]) -> list[tuple[Program, list[Row]]]:
    """Groups of one object, those found first (the upper ones) first."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        level, here = 0, row
        while here.master is not None:
            level, here = level + 1, here.master
        groups.setdefault((level, row.object), []).append(row)
    return [(groups[key][0].program, groups[key]) for key in sorted(groups)]


def _delete(batch: Batch, program: Program) -> Statement:
    def make() -> Statement:
        return compiled(program.table.delete().where(any_of(program.table.c.id)))

    found: Statement = batch.programs.keep(("purge", program.object.name), make)
    return found


def _forget_files(batch: Batch, object: str, ids: Sequence[str]) -> None:
    """File rows go with their chunks."""

    def make() -> Statement:
        table = batch.call.tables.system("sys__file", object="text", record="uuid")
        return compiled(
            table.delete().where(
                table.c.object == sa.bindparam("object", type_=sa.Text()), any_of(table.c.record)
            )
        )

    batch.programs.keep("purge.files", make).do(batch.conn, object=object, ids=list(ids))
