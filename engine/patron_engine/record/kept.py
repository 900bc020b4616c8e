"""Kept: what is kept about a save beside its rows, and whom it concerns: history, search, events, where records stand.

In: written rows and the parents that changed with them, within the save. Out: rows of the system's tables; what is asked of
approvals stands in the batch. Everything else in a save is decided by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from patron_engine.access import people
from patron_engine.record.asking import asked
from patron_engine.record.batch import Batch
from patron_engine.record.closure import keep_closures
from patron_engine.record.events import write_events
from patron_engine.record.gone import gone
from patron_engine.record.history import write_history
from patron_engine.record.hooks import write_hooks
from patron_engine.record.row import Row
from patron_engine.record.search import write_search
from patron_engine.record.standing import keep_standing
from patron_engine.record.tidings import write_tidings
from patron_engine.record.watch import watch


def keep(batch: Batch, rows: Sequence[Row], others: Sequence[Row]) -> None:
    """Of `others`, parents that the save did not name, only their figures changed."""
    keep_closures(batch, rows)
    write_history(batch, rows)
    write_search(batch, [*rows, *others])
    write_events(batch, [*rows, *others])
    write_hooks(batch, rows)
    keep_standing(batch, [*rows, *others])
    write_tidings(batch, rows)
    watch(batch, rows)
    batch.asks += [*asked(batch, rows), *gone(batch, rows)]
    if any(row.object == "user" for row in rows):
        batch.call.committed.append(partial(people.changed, batch.call.schema))
