"""Write: rows become INSERTs, UPDATEs and COPY. Effect stage of the way save.

In: rows that passed every check. Out: the database changed, `written` set. A few rows go as statements in one pipeline,
many new ones as one COPY. A row that changes nothing is not written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.field import Field
from patron_engine.record.attach import attach
from patron_engine.record.batch import Batch
from patron_engine.record.copying import Columns
from patron_engine.record.links import linked
from patron_engine.record.pending import COPY_FROM
from patron_engine.record.program import DELETE_BATCH, Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled, ids_text

STAMPS = ("updated_at", "updated_by", "version")
ITSELF = ""  # of `Batch.ready`: the rows of the object's own table


def stamp(batch: Batch, row: Row) -> None:
    """Who and when. The version of a new record is 1; each save raises it by one."""
    values = row.values
    now, person = batch.call.now, batch.person
    if row.fresh and row.version:
        return  # stamped before its turn
    if row.fresh:  # born in record/derive
        values["version"] = row.version = 1
        return
    if "updated_at" not in row.given:
        values["updated_at"], values["updated_by"] = now, person
    values["version"] = row.version = row.old["version"] + 1


def write(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Inserts new rows and updates changed ones, all of one object; their many links and files too."""
    fresh = [r for r in rows if r.fresh]
    changed = [r for r in rows if not r.fresh and (r.changed or r.raised)]
    for row in (*fresh, *changed):
        stamp(batch, row)
    if fresh:
        insert(batch, program, fresh)
    update(batch, program, [(row, _columns_changed(row)) for row in changed])
    for field in program.many:
        _write_links(batch, field, [r for r in rows if field.name in r.changed])
    attach(batch, program, rows)
    for row in (*fresh, *changed):
        row.written = True


def _columns_changed(row: Row) -> list[str]:
    moved = {n for n in row.program.bases if row.values.get(f"{n}.base") != row.old.get(f"{n}.base")}
    return [n for n in row.program.names if n in row.changed or n in STAMPS or n in moved]


def insert(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """New rows of one object."""
    if len(rows) >= COPY_FROM or _point_at_each_other(program, rows):
        ready = batch.ready_for((program.object.name, ITSELF), rows)
        if ready is not None:
            batch.pending.copy_text(program.table, ready.names, ready.blocks)
        else:
            batch.pending.copy(program.table, columns_of_new(program, rows))
        return
    names = program.names
    rendered = [program.encode(row.values, names) for row in rows]
    columns = program.columns
    statement = program.insert
    batch.pending.add(statement, [statement.values({c: r.get(c) for c in columns}) for r in rendered])


def columns_of_new(program: Program, rows: Sequence[Row]) -> Columns:
    """The columns of new rows in which something stands."""
    found = program.layout.encode_columns(program.names, [row.values for row in rows])
    written = [c for c in program.columns if c in found and found[c].count(None) < len(rows)]
    return {c: found[c] for c in written}


def _point_at_each_other(program: Program, rows: Sequence[Row]) -> bool:
    """One statement for all, where one new row links to another: foreign keys are checked at its end."""
    if len(rows) == 1:
        return False
    own = [f for f in program.links if f.columns and program.object.name in f.link.to]
    ids = {r.id for r in rows} if own else set()
    return any(id in ids for r in rows for f in own for _, id in linked(r.values.get(f.name), f))


def update(batch: Batch, program: Program, changed: Iterable[tuple[Row, Sequence[str]]]) -> None:
    """Updates by the set of fields that changed: one statement text for each, however many rows."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row, names in changed:
        if names:
            groups[tuple(names)].append(row)
    for names, rows in groups.items():
        every = [row.values for row in rows]
        found = program.layout.encode_columns(names, every)
        if "deleted_at" in names:
            found[DELETE_BATCH] = [values.get(DELETE_BATCH) for values in every]
        columns = tuple(found)
        found["row_id"] = [row.id for row in rows]
        many = program.update_many(columns) if len(rows) >= COPY_FROM else None
        if many is not None:
            given = [list(found[n]) if n != "row_id" else ids_text(found[n]) for n in many.names]
            batch.conn.execute(many.text, given)
        else:
            one = program.update(columns)
            batch.pending.add(one, list(zip(*(found[n] for n in one.names), strict=True)))


def write_figures(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Parents whose figures changed. Version and stamps change only where a detail raised them."""
    due = []
    for row in rows:
        seen = row.seen or {}
        moved = row.figures | row.changed
        names = [
            n
            for n in program.names
            if (row.own or n in moved)
            and (now := row.values.get(n)) is not (before := seen.get(n))
            and now != before
        ]
        names += [
            n
            for n in program.bases
            if n not in names and row.values.get(f"{n}.base") != seen.get(f"{n}.base")
        ]
        if row.raised and not row.fresh and row.values.get("version") == row.old.get("version"):
            stamp(batch, row)
            names += [n for n in STAMPS if n not in names]
        due.append((row, names))
    update(batch, program, due)


def _write_links(batch: Batch, field: Field, rows: Sequence[Row]) -> None:
    """The link table says what the row says, in the row's order."""
    if not rows:
        return
    old = [r.id for r in rows if not r.fresh]
    if old:
        clear_links(batch, field, old)
    table = batch.call.tables.link(field)
    pairs = [
        (row.id, target, position)
        for row in rows
        for position, (_, target) in enumerate(linked(row.values.get(field.name), field))
    ]
    if len(pairs) >= COPY_FROM:
        batch.pending.copy(table, dict(zip(table.columns.keys(), zip(*pairs, strict=True), strict=True)))
    else:
        batch.pending.add(
            batch.programs.keep(("write.link", field.object, field.name), lambda: inserting(table)), pairs
        )


def inserting(table: sa.Table) -> Statement:
    """One new row of all its columns."""
    return compiled(
        table.insert().values({c.name: sa.bindparam(c.name, type_=c.type) for c in table.columns})
    )


def clear_links(batch: Batch, field: Field, ids: Sequence[str]) -> None:
    """Removes every link of some records."""

    def make() -> Statement:
        table = batch.call.tables.link(field)
        return compiled(table.delete().where(any_of(table.c.record)))

    statement = batch.programs.keep(("write.links", field.object, field.name), make)
    batch.pending.add(statement, [statement.values({"ids": list(ids)})])


def replacing(table: sa.Table, key: Sequence[str], columns: Sequence[str]) -> Statement:
    """INSERT … ON CONFLICT (key) DO UPDATE of all other columns."""
    new = pg.insert(table).values({c: sa.bindparam(c, type_=table.c[c].type) for c in columns})
    rest = {c: new.excluded[c] for c in columns if c not in key}
    return compiled(new.on_conflict_do_update(index_elements=[table.c[k] for k in key], set_=rest))
