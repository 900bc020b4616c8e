"""Tidings: what saves of comments leave to be told: to whom it mentions, to whose record it is about, to who follows it.

In: written rows of a save. Out: a parcel of the outbox for each new comment, and for one that mentions somebody more; a
worker reads it and tells. A save of anything else pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from patron_engine.record.batch import Batch
from patron_engine.record.outbox import Parcel, put
from patron_engine.record.row import Row

COMMENT: Final = "comment"
NEEDED: Final = frozenset({"mentions", "about", "body"})


def write_tidings(batch: Batch, rows: Sequence[Row]) -> None:
    mine = [row for row in rows if row.object == COMMENT and row.own and row.written and _news(row)]
    if not mine or batch.keeps_history or batch.erases:
        return
    if not set(batch.model.objects[COMMENT].fields) >= NEEDED:
        return
    parcels = []
    for row in mine:
        before = [] if row.fresh else list(row.old.get("mentions") or ())
        payload = {"comment": row.id, "new": row.fresh, "before": before, "by": batch.causer_of(row)}
        parcels.append(Parcel(id=batch.call.new_id(), kind="tell", target=COMMENT, payload=payload))
    put(batch.conn, batch.call.schema, parcels, batch.call.now)


def _news(row: Row) -> bool:
    return row.action == "create" or (row.action == "update" and "mentions" in row.changed)
