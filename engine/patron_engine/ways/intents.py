"""Intents: changes that wait for an approval. They are saved as any other, so that they are authorised and checked, and undone
again; what was asked for is kept with the approval, whose end carries it out (ways/intended). Part of the way save.

In: changes, what saves a list of them whole. Out: outcomes; of a change that waits `submitted`, with its instance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from patron_engine.model.values import as_wire
from patron_engine.query.call import Call
from patron_engine.record.asking import Ask, Asked
from patron_engine.record.change import Change, Outcome
from patron_engine.record.each import Numbered
from patron_engine.record.gone import Gone
from patron_engine.record.statements import Conn
from patron_engine.ways.doors import approvals

SaveAll = Callable[[Conn, Call, Sequence[Numbered]], dict[int, Outcome]]
_KEPT = ("action", "object", "set", "source", "attach", "detach")


def save_asking(conn: Conn, call: Call, changes: Sequence[Numbered], save_all: SaveAll) -> dict[int, Outcome]:
    """Each change by itself: what asks for an approval that must come first is kept, the others are saved."""
    outcomes: dict[int, Outcome] = {}
    for number, change in changes:
        try:
            with conn.transaction():
                outcomes.update(save_all(conn, call, [(number, change)]))
        except Asked as asked:
            outcomes[number] = _kept(conn, call, change, asked.ask)
    return outcomes


def begin_asked(conn: Conn, call: Call, asks: Sequence[Ask | Gone], outcomes: dict[int, Outcome]) -> None:
    """Approvals of records that were saved begin; those of records that went end."""
    approvals().gone(conn, call, [g for g in asks if isinstance(g, Gone)])
    for ask in asks:
        if isinstance(ask, Gone):
            continue
        instance = approvals().begin(conn, call, ask, None)
        for number, outcome in outcomes.items():
            if outcome.id == ask.record:
                outcomes[number] = replace(outcome, instance=instance)


def _kept(conn: Conn, call: Call, change: Change, ask: Ask) -> Outcome:
    instance = approvals().begin(conn, call, ask, {**intent_of(change), "id": ask.record})
    return Outcome(action="submitted", object=ask.object, id=ask.record, instance=instance)


def intent_of(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    kept = {name: getattr(change, name) for name in _KEPT}
    return {**kept, "set": as_wire(dict(change.set)) if change.source != "text" else dict(change.set), "confirm": sorted(change.confirm), "external_ids": dict(change.external_ids)}  # fmt: skip
