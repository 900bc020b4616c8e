"""Restore: out of the recycle bin, with everything that went there in the same deletion.

In: loaded rows of the bin. Out: `deleted_at` put, and the companions' rows. A record comes back only when what it cannot
be without is there. Writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.links import linked
from patron_engine.record.load import accept, read_images
from patron_engine.record.program import DELETE_BATCH
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.store.tables import Id


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
    for image in read_images(batch, batch.conn, program, [id], program.load).values():
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
                "target_deleted", Phrase("{field} is in the recycle bin itself", field=batch.label(field)), field.name,
                hint="restore that record first",
            )  # fmt: skip
