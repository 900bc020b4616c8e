"""Automations as the model knows them: which run after a save, and what of them the save must know.

In: the documents of a release. Out: bodies by object and event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from patron_engine.model.model import Model

WAITING: Final = frozenset({"wait", "run", "call"})  # steps that are not done when they return

KEPT_BY_FLOW: Final = frozenset({"approval_task", "stage_stay", "sla_clock", "pool_move"})
# records that flow writes about others: they go with these, whoever removes them

Body = Mapping[str, Any]


def runs_after(body: Body) -> bool:
    """It is switched on and runs after the save."""
    return body.get("timing", "after") == "after" and body.get("active") is not False


def document_of(rule: str) -> tuple[str, str]:
    """Kind and name of the document whose steps a run takes: an automation, or KIND:NAME with a path in it where there is one.

    >>> document_of("won"), document_of("assignment:leads"), document_of("sla:times:clocks.first.late[0].steps")
    (('automation', 'won'), ('assignment', 'leads'), ('sla', 'times'))
    """
    kind, name, *_ = (rule if ":" in rule else f"automation:{rule}").split(":", 2)
    return kind, name


def events_of(body: Body) -> tuple[Mapping[str, Any], ...]:
    """What starts it, each as a map."""
    on = body.get("on")
    entries = on if isinstance(on, (list, tuple)) else [on]
    return tuple({"event": e} if isinstance(e, str) else e for e in entries if e)


def automations(model: Model) -> Iterator[tuple[str, Body]]:
    """Name and body of those that run after a save, in the order of their names."""
    for (kind, name), body in sorted(model.documents.items(), key=lambda item: item[0]):
        if kind == "automation" and runs_after(body):
            yield name, body


def assignments(model: Model) -> Iterator[tuple[str, Body]]:
    """The assignments that run, by the key of their program: they listen to saves as automations do."""
    for (kind, name), body in sorted(model.documents.items(), key=lambda item: item[0]):
        if kind == "assignment" and body.get("active") is not False:
            yield f"assignment:{name}", body


def steps_of(body: Body) -> Iterator[Mapping[str, Any]]:
    """Every step of it, those of branches and loops too."""
    yield from _every(body.get("steps") or ())


def runs_at_once(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether steps come to their end without waiting for anything."""
    return all(step.get("do") not in WAITING for step in _every(steps))


def _every(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _every(step.get("steps") or ())
        yield from _every(step.get("on_error") or ())
        for case in step.get("cases") or ():
            yield from _every(case.get("steps") or ())
