"""Attach: files that a save hangs on its records, in a field or on the record itself, and takes off again.

In: rows whose values are complete. Out: problems at the fields for files that may not stand there; after the rows are
written, rows of sys__file that say where they hang. A file may be attached by who uploaded it and hangs on one place; one
that was taken off may come back to that place. Everything else is answered as a file that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields import limits
from patron_engine.fields.field import Field, FileSpec
from patron_engine.fields.files import accepts
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.store.tables import Id

FEATURE = "files"  # the feature of an object, and the name of the record's own files in history
ITSELF = ""  # in place of a field: the file hangs on the record itself


@dataclass(frozen=True, slots=True)
class _File:
    """A row of sys__file as the checks see it."""

    id: str
    object: str | None
    record: str | None
    field: str | None
    name: str
    mime: str
    size: int
    sha256: str
    created_by: str | None


def check_files(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Problems for files that may not stand where the rows name them. Locks the files until the save ends."""
    if not program.files:
        return
    asked = [
        (row, field, new)
        for row in rows
        for field in program.files
        if field.name in row.changed
        for new in _new(row, field.name)
    ]
    known = _locked(batch, [new for *_, new in asked])
    for row, field, new in asked:
        found = known.get(new)
        if found is None or not _free(batch, row, field.name, found):
            _unknown(row, field.name, batch.label(field))
        else:
            _fits(batch, row, field, found)


def hang(batch: Batch, rows: Sequence[Row]) -> None:
    """Looks at the files that changes hang on the records themselves (`Change.attach`, `Change.detach`)."""
    for row in rows:
        change = row.change
        if change is None or not (change.attach or change.detach) or row.rejected:
            continue
        if FEATURE not in row.program.object.features:
            row.wrong(
                "no_files", Phrase("{object} has no files of its own", object=batch.object_label(row.object))
            )
            continue
        before = _own(batch, row)
        after = [id for id in before if id not in change.detach]
        if len(after) != len(before) - len(change.detach):
            _unknown(row, "file", batch.object_label(row.object))
            continue
        new = [id for id in change.attach if id not in before]
        known = _locked(batch, new)
        if not all(id in known and _free(batch, row, ITSELF, known[id]) for id in new):
            _unknown(row, "file", batch.object_label(row.object))
            continue
        if len(after) + len(new) > limits.RECORD_FILES:
            message = Phrase("a record has at most {most} files of its own", most=limits.RECORD_FILES)
            row.wrong("limit_record_files", message, "file")
            continue
        row.hung = (tuple(before), (*after, *new))
        row.raised = row.raised or row.hung[0] != row.hung[1]


def attach(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Writes where files hang: they belong to the record and field that name them, in that order; what is named no
    more is kept for a while, unseen."""
    if not program.files and all(row.hung is None for row in rows):
        return
    place, drop = batch.programs.keep("attach.write", lambda: _statements(batch))
    for row in rows:
        moves = [
            (field.name, tuple(row.old.get(field.name) or ()), tuple(row.values.get(field.name) or ()))
            for field in program.files
            if field.name in row.changed
        ]
        if row.hung is not None:
            moves.append((ITSELF, *row.hung))
        for field_name, before, now in moves:
            gone = [id for id in before if id not in now]
            if gone:
                drop.do(batch.conn, ids=gone, at=batch.call.now, record=row.id)
            if now and now != before:
                given = {"object": program.object.name, "record": row.id, "field": field_name}
                place.do(batch.conn, ids=list(now), **given)


def file_ids(raw: Sequence[Any]) -> tuple[str, ...]:
    """Ids as a request names them. ValueFault for what is none."""
    return tuple(dict.fromkeys(read_id(one) for one in raw))


def _new(row: Row, name: str) -> list[str]:
    before = row.old.get(name) or ()
    return [id for id in row.values.get(name) or () if id not in before]


def _free(batch: Batch, row: Row, field: str, file: _File) -> bool:
    """Whole, not given twice in this save, and either hanging nowhere and uploaded by the caller, or taken off this very
    place before."""
    taken = batch.attached.setdefault(file.id, (row.id, field))
    if not file.sha256 or taken != (row.id, field):
        return False
    if file.object is None and file.record is None:
        actor = batch.call.actor
        return actor.system or (actor.user is not None and file.created_by == actor.user)
    return (file.object, file.record, file.field) == (row.object, row.id, field)


def _fits(batch: Batch, row: Row, field: Field, file: _File) -> None:
    spec = field.spec
    assert isinstance(spec, FileSpec)
    if file.size > spec.max_size:
        message = Phrase(
            "{field}: {file} has {size:,} bytes, at most {most:,} may stand here",
            field=batch.label(field),
            file=file.name,
            size=file.size,
            most=spec.max_size,
        )
        row.wrong("limit_file_size", message, field.name)
    if not accepts(spec, file.mime, file.name):
        message = Phrase(
            "{field}: {file} is {mime}, which may not stand here",
            field=batch.label(field),
            file=file.name,
            mime=file.mime,
        )
        row.wrong("file_type", message, field.name, hint=", ".join(spec.accept))


def _unknown(row: Row, path: str, label: str) -> None:
    row.wrong(
        "file_not_found",
        Phrase("{field}: this file was not uploaded, or belongs elsewhere", field=label),
        path,
    )


def _locked(batch: Batch, ids: Sequence[str]) -> dict[str, _File]:
    """The files of these ids, kept from everybody else until the save ends."""
    if not ids:
        return {}

    def make() -> Statement:
        table = _table(batch)
        names = ("id", "object", "record", "field", "name", "mime", "size", "sha256", "created_by")
        chosen = sa.select(*(table.c[n] for n in names)).where(any_of(table.c.id))
        return compiled(chosen.order_by(table.c.id).with_for_update())

    statement = batch.programs.keep("attach.look", make)
    return {row[0]: _File(*row) for row in statement.run(batch.conn, ids=sorted(set(ids)))}


def _own(batch: Batch, row: Row) -> list[str]:
    """Files that hang on the record itself, in their order."""

    def make() -> Statement:
        table = _table(batch)
        mine = (
            table.c.object == sa.bindparam("object", type_=sa.Text()),
            table.c.record == sa.bindparam("record", type_=Id()),
            table.c.field == sa.literal(ITSELF, sa.Text()),
            table.c.deleted_at.is_(None),
        )
        chosen = sa.select(table.c.id).where(*mine)
        return compiled(chosen.order_by(table.c.position, table.c.created_at, table.c.id))

    statement: Statement = batch.programs.keep("attach.own", make)
    return [id for (id,) in statement.run(batch.conn, object=row.object, record=row.id)]


def _statements(batch: Batch) -> tuple[Statement, Statement]:
    table = _table(batch)
    names = {c: sa.bindparam(c, type_=table.c[c].type) for c in ("object", "record", "field")}
    ids = sa.func.unnest(sa.bindparam("ids", type_=pg.ARRAY(Id())))
    order = ids.table_valued(sa.column("id", Id()), with_ordinality="n").render_derived()
    place = (
        table.update().values(**names, position=order.c.n, deleted_at=None).where(table.c.id == order.c.id)
    )
    at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
    drop = table.update().values(deleted_at=at).where(any_of(table.c.id), table.c.record == names["record"])
    return compiled(place), compiled(drop)


def _table(batch: Batch) -> sa.Table:
    return batch.call.tables.system(
        "sys__file", id="uuid", object="text", record="uuid", field="text", position="bigint", name="text",
        mime="text", size="bigint", sha256="text", created_by="uuid", created_at="timestamptz", deleted_at="timestamptz",
    )  # fmt: skip
