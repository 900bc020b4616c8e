"""Gone: records with an approval that are deleted, and records with one that come back. Decided inside the save.

In: rows that were written. Out: a `Gone` for each; what becomes of the approval is the way approve's matter. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from patron_engine.record.asking import triggers_of
from patron_engine.record.batch import Batch
from patron_engine.record.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The latest approval of a record that was deleted, or, `back`, restored."""

    instance: str
    back: bool


def gone(batch: Batch, rows: Sequence[Row]) -> list[Gone]:
    """An approval that deletes its own record goes on to its end by itself."""
    triggers = triggers_of(batch.programs)
    moved = {r.id: r for r in rows if r.action in ("delete", "restore") and r.object in triggers}
    if not moved:
        return []
    query = sql.SQL("SELECT record::text, id::text FROM {} WHERE latest AND record = ANY(%s::uuid[])").format(
        sql.Identifier(batch.call.schema, "sys__approval")
    )
    found = batch.conn.execute(query, (list(moved),)).fetchall()
    return [
        Gone(instance=id, back=moved[record].action == "restore")
        for record, id in found
        if batch.cause_of(moved[record]).get("instance") != id
    ]
