"""Void: makes records void, or valid again, with those details that can be void too.

In: loaded rows. Out: `voided_at` put, and the details' rows. A void record stays where it is and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.load import accept, read_images
from patron_engine.record.remove import incoming, pointing
from patron_engine.record.row import Row


def void(batch: Batch, rows: Sequence[Row], *, back: bool) -> list[Row]:
    """Makes records void, or valid again, with their details where those can be void too."""
    every = []
    for row in rows:
        if row.rejected:
            continue
        if "void" not in row.program.object.features or "voided_at" not in row.program.fields:
            row.wrong(
                "not_voidable", Phrase("{object} cannot be made void", object=batch.object_label(row.object))
            )
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
            for id, image in (
                read_images(batch, batch.conn, child, list(pairs), child.load) if pairs else {}
            ).items():
                parent = origin[pairs[id]]
                row = Row(child, None, id=id, fresh=False, path=parent.path, index=parent.index)
                row.action = parent.action
                row.master = parent
                accept(batch, row, image)
                found.append(row)
    return found
