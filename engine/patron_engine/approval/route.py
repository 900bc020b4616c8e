"""Route: the nodes of an instance as people look at them: what was, what is, what will be if everybody approves. Pure.

In: a program, an instance (or one that is not begun), facts of somebody who only looks. Out: `Stop`s as a tree, with people and states.
What will be is found by letting the core run on as if each who is asked approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from patron_engine import jsonio
from patron_engine.approval import state
from patron_engine.approval.program import FORKS, Node, Program
from patron_engine.approval.value import DoSteps, Facts, Instance, Place, Task

MOST: Final = 2_000  # decisions that are thought ahead
DECIDED: Final = ("approved", "rejected", "returned")
UNKNOWN: Final = ""  # whom somebody is still to choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One person at a node. `state` is that of his task; `ahead` before there is one."""

    person: str
    state: str
    task: str | None = None
    behalf: str | None = None
    kind: str = "approve"
    how: str | None = None
    why: str | None = None
    comment: str | None = None
    arrived_at: datetime | None = None
    due_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A node. `share`: of a vote, as it is written. `state`: done | open | ahead | skipped | nobody (it will find no one). Forks have `ways`, by case."""

    name: str
    label: Any
    type: str
    state: str
    mode: str | None = None
    share: str | None = None
    outcome: str | None = None
    at: datetime | None = None
    people: tuple[Sitting, ...] = ()
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One case that is taken, or will be."""

    name: str
    label: Any
    stops: tuple[Stop, ...]


def simulated(program: Program, instance: Instance, facts: Facts) -> Instance:
    """As it would end if everybody approved."""
    going = state.look_again(program, instance, facts)
    for _ in range(MOST):
        instance = going.instance
        steps = [e for e in going.effects if isinstance(e, DoSteps)]
        standing = [e.node for e in steps] or _standing(program, instance)
        if instance.state != "running":
            return instance
        waiting = instance.waiting
        if waiting:
            going = state.decide(program, instance, waiting[0], "approved", None, None, facts)
        elif standing:
            going = state.steps_done(program, instance, standing[0], facts)
        else:
            return instance
    return instance


def _standing(program: Program, instance: Instance) -> list[str]:
    return [
        n
        for n, p in instance.places.items()
        if p.state == "open" and n in program.by_name and program.by_name[n].type == "do"
    ]


def route(program: Program, real: Instance, facts: Facts) -> tuple[Stop, ...]:
    """The whole way of an instance; only what was, when it is over."""
    there = simulated(program, real, facts) if real.state == "running" else real
    return _stops(program.nodes, real, there)


def earlier(program: Program, real: Instance) -> tuple[tuple[int, Stop], ...]:
    """What was decided in rounds that are over, of steps that were entered again or are not on the way any more: round and step, in
    the order in which it happened. The route has the latest round of each step."""
    latest = {t.id for node in real.places for t in real.at(node)}
    over = [t for t in real.tasks if t.id not in latest and t.decided_at is not None and t.state in DECIDED]
    found = []
    for task in sorted(over, key=lambda t: (t.round, t.decided_at)):
        node = program.by_name.get(task.node)
        stop = Stop(
            name=task.node, label=node.body.get("label") if node else None, type="approve", state="done",
            people=(_sitting(task, real, real_one=True),),
        )  # fmt: skip
        found.append((task.round, stop))
    return tuple(found)


def _stops(nodes: Sequence[Node], real: Instance, there: Instance) -> tuple[Stop, ...]:
    return tuple(
        _stop(node, real, there) for node in nodes if node.name in there.places or _nobody(node, there)
    )


def _nobody(node: Node, there: Instance) -> bool:
    return any(p.get("node") == node.name for p in there.problems)


def _stop(node: Node, real: Instance, there: Instance) -> Stop:
    place, known = there.places.get(node.name), real.places.get(node.name)
    where = "nobody" if place is None else known.state if known is not None else "ahead"
    ways = tuple(
        Way(name=case.name, label=case.label, stops=_stops(case.nodes, real, there))
        for case in node.cases
        if place is not None and case.name in place.cases
    )
    mine = {t.id for t in real.tasks}
    return Stop(
        name=node.name, label=node.body.get("label"), type=node.type, state=where, mode=node.mode if node.type == "approve" else None,
        share=str(node.body["mode"]["vote"]) if node.mode == "vote" else None,
        outcome=_outcome(node, place, known), at=known.at if known is not None else None,
        people=tuple(_sitting(t, real, real_one=t.id in mine) for t in there.at(node.name)), ways=ways,
    )  # fmt: skip


def _outcome(node: Node, place: Place | None, known: Place | None) -> str | None:
    """How it ended; of a copy also how it will: that it finds nobody is told before."""
    there = known or (place if node.type == "cc" else None)
    return there.outcome if there is not None else None


def _sitting(task: Task, real: Instance, *, real_one: bool) -> Sitting:
    if not real_one:
        return Sitting(person=task.person, state="ahead", behalf=task.behalf, kind=task.kind, why=task.why)
    now = real.task(task.id) or task
    return Sitting(
        person=now.person, state=now.state, task=now.id, behalf=now.behalf, kind=now.kind, how=now.how, why=now.why, comment=now.comment,
        arrived_at=now.arrived_at, due_at=now.due_at, decided_at=now.decided_at, decided_by=now.decided_by,
    )  # fmt: skip


def people_of(stops: Sequence[Stop]) -> list[str]:
    """Everybody on a route, each once."""
    found: dict[str, None] = {}
    for stop in stops:
        for seat in stop.people:
            found.update(dict.fromkeys(p for p in (seat.person, seat.behalf, seat.decided_by) if p))
        for way in stop.ways:
            found.update(dict.fromkeys(people_of(way.stops)))
    return list(found)


def ahead(stops: Sequence[Stop]) -> list[Any]:
    """What follows, in a form that is the same when nothing of it changes: nodes that are not entered, and who is there."""
    found: list[Any] = []
    for stop in stops:
        ways = [[way.name, ahead(way.stops)] for way in stop.ways]
        if stop.type in FORKS:
            found.append([stop.name, ways])
        elif stop.state in ("ahead", "nobody"):
            found.append([stop.name, [[p.person, p.behalf, p.why == "self_approval"] for p in stop.people]])
    return found


def token(instance: Instance, stops: Sequence[Stop]) -> str:
    """What confirms exactly this way on."""
    told: Mapping[str, Any] = {"instance": instance.id, "ahead": ahead(stops)}
    return sha256(jsonio.canonical(told)).hexdigest()[:20]


__all__ = ["FORKS", "UNKNOWN", "Sitting", "Stop", "Way", "ahead", "people_of", "route", "simulated", "token"]
