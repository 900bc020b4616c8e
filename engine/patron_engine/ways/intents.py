"""Intents: changes that wait for an approval. They are saved as any other, so that they are authorised and checked, and undone
again; what was asked for is kept with the approval, whose end carries it out. Part of the way save.

In: changes, what saves a list of them whole. Out: outcomes; of a change that waits `submitted`, with its instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from patron_engine.actor import SYSTEM, Cause
from patron_engine.approval.value import Instance
from patron_engine.errors import PatronError
from patron_engine.model.values import as_wire
from patron_engine.query.call import Call
from patron_engine.record.asking import Ask, Asked
from patron_engine.record.change import Action, Change, Outcome, Source
from patron_engine.record.each import Numbered
from patron_engine.record.gone import Gone
from patron_engine.record.statements import Conn

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
    from patron_engine.ways.approval_gone import follow
    from patron_engine.ways.approve import begin_of  # they save, so they stand above this

    follow(conn, call, [g for g in asks if isinstance(g, Gone)])
    for ask in asks:
        if isinstance(ask, Gone):
            continue
        instance = begin_of(conn, call, ask, None)
        for number, outcome in outcomes.items():
            if outcome.id == ask.record:
                outcomes[number] = replace(outcome, instance=instance)


def _kept(conn: Conn, call: Call, change: Change, ask: Ask) -> Outcome:
    from patron_engine.ways.approve import begin_of

    instance = begin_of(conn, call, ask, {**intent_of(change), "id": ask.record})
    return Outcome(action="submitted", object=ask.object, id=ask.record, instance=instance)


def intent_of(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    kept = {name: getattr(change, name) for name in _KEPT}
    return {**kept, "set": as_wire(dict(change.set)) if change.source != "text" else dict(change.set), "confirm": sorted(change.confirm), "external_ids": dict(change.external_ids)}  # fmt: skip


@contextmanager
def as_intended(conn: Conn, call: Call, instance: Instance) -> Iterator[None]:
    """Meanwhile the record is as it would be with the change that waits; what does not pass as it is now leaves it as it is."""
    from patron_engine.ways.save import save  # it asks here which changes wait

    intent = instance.intent
    if intent is None or intent["action"] not in ("update", "upsert", "transfer"):
        yield
        return
    detail = {"approval": instance.approval, "instance": instance.id, "of": instance.record}
    quiet = replace(call, actor=SYSTEM, cause=Cause(kind="approval", detail=detail), committed=[])
    with conn.transaction(force_rollback=True):
        with suppress(PatronError), conn.transaction():
            save(conn, quiet, [change_kept(intent)])
        yield


def change_kept(intent: Mapping[str, Any]) -> Change:
    """The change that an intent keeps; an upsert has found its record by now."""
    action: Action = "update" if intent["action"] == "upsert" else intent["action"]
    source: Source = "wire" if intent["source"] == "typed" else intent["source"]
    return Change(
        action=action, object=intent["object"], id=intent["id"], set=intent["set"], source=source,
        confirm=frozenset(intent["confirm"]), external_ids=intent["external_ids"], attach=tuple(intent["attach"]),
        detach=tuple(intent["detach"]),
    )  # fmt: skip
