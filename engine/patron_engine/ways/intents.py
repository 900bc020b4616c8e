"""Intents: changes that wait for an approval. They are saved as any other, so that they are authorised and checked, and undone
again; what was asked for is kept with the approval, whose end carries it out (ways/intended). Part of the way save.

In: changes, what saves a list of them whole. Out: outcomes; of a change that waits `submitted`, with its instance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from patron_engine.errors import MustChoose, Refused
from patron_engine.model.values import as_wire
from patron_engine.query.call import Call
from patron_engine.record.asking import Ask, Asked
from patron_engine.record.batch import RowsRefused
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
            intent = {**intent_of(change), "id": asked.ask.record}
            instance = _begun(conn, call, number, asked.ask, intent)
            outcomes[number] = Outcome(
                action="submitted", object=asked.ask.object, id=asked.ask.record, instance=instance
            )
    return outcomes


def begin_asked(conn: Conn, call: Call, asks: Sequence[Ask | Gone], outcomes: dict[int, Outcome]) -> None:
    """Approvals of records that were saved begin; those of records that went end."""
    approvals().gone(conn, call, [g for g in asks if isinstance(g, Gone)])
    for ask in asks:
        if isinstance(ask, Gone):
            continue
        numbers = [number for number, outcome in outcomes.items() if outcome.id == ask.record]
        instance = _begun(conn, call, numbers[0] if numbers else None, ask, None)
        for number in numbers:
            outcomes[number] = replace(outcomes[number], instance=instance)


def _begun(conn: Conn, call: Call, number: int | None, ask: Ask, intent: Mapping[str, Any] | None) -> str:
    """What an approval is refused for is wrong with the change that asked for it, and with no other."""
    try:
        return approvals().begin(conn, call, ask, intent)
    except (Refused, MustChoose) as error:
        if number is None:
            raise
        raise RowsRefused({number: list(error.problems)}, error) from error


def intent_of(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    kept = {name: getattr(change, name) for name in _KEPT}
    return {**kept, "set": as_wire(dict(change.set)) if change.source != "text" else dict(change.set), "confirm": sorted(change.confirm), "external_ids": dict(change.external_ids)}  # fmt: skip
