"""State: what one event makes of an instance: submitted, decided, sent back, withdrawn, ended. Pure.

In: a program, an instance, an event, facts. Out: the new instance and effects, as a `Going`. Who may do it is asked before, in
may.py; that it is done once is the store's matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from patron_engine.approval.going import Going
from patron_engine.approval.program import Node, Program
from patron_engine.approval.value import (
    UNDECIDED,
    Facts,
    Follow,
    Instance,
    Left,
    Log,
    Place,
    State,
    Task,
    Tell,
)

SUBMITTER: Final = "submitter"
LAST: Final = "last"
Verdict = Literal["approved", "rejected"]


def begin(program: Program, instance: Instance, facts: Facts) -> Going:
    """Submitted: as far as it goes, which is to its end where there are no nodes."""
    going = Going(program, instance, facts)
    going.add(
        Log(kind="submitted", by=instance.submitter, comment=instance.comment), Follow(result="submitted")
    )
    return going.run()


def decide(
    program: Program, instance: Instance, task: Task, verdict: Verdict, by: str | None, comment: str | None, facts: Facts,
    why: str | None = None, files: Sequence[str] = (),
) -> Going:  # fmt: skip
    """One person's decision, with the files he sends; an opinion goes back to whoever asked for it."""
    going = Going(program, instance, facts)
    going.change(task, state=verdict, decided_at=facts.now, decided_by=by, comment=comment, why=why)
    going.instance = replace(going.instance, comment=comment or going.instance.comment)
    kind = f"opinion_{verdict}" if task.kind == "opinion" else verdict
    detail = {**({"why": why} if why else {}), **({"files": list(files)} if files else {})}
    going.add(_log(kind, task, by, comment=comment, detail=detail))
    if task.kind == "opinion":
        asker = going.instance.task(task.opinion_for or "")
        if asker is not None and asker.state == "delegated":
            going.open([asker])
    return going.run()


def _log(kind: str, task: Task, by: str | None, **more: object) -> Log:
    behalf = task.behalf or (task.person if by is not None and by != task.person else None)
    return Log(kind=kind, by=by, behalf=behalf, node=task.node, task=task.id, **more)  # type: ignore[arg-type]


# -- back -----------------------------------------------------------------------------------------------------------


def return_targets(program: Program, instance: Instance, node: str) -> list[str]:
    """The nodes a decision may be sent back to: those before it where somebody decided."""
    return [
        n.name
        for n in program.earlier(node)
        if n.type == "approve" and (p := instance.places.get(n.name)) is not None and p.state == "done"
    ]


def send_back(
    program: Program, instance: Instance, task: Task, to: str, by: str | None, comment: str | None, facts: Facts,
    why: str | None = None,
) -> Going:  # fmt: skip
    """To the submitter, to the node before, or to a named one."""
    going = Going(program, instance, facts)
    going.change(task, state="returned", decided_at=facts.now, decided_by=by, comment=comment, why=why)
    going.instance = replace(going.instance, comment=comment or going.instance.comment)
    if to == LAST:
        to = next(iter(reversed(return_targets(program, instance, task.node))), SUBMITTER)
    going.add(
        _log("returned", task, by, comment=comment, detail={"to": to}),
        Left(node=task.node, result="returned"),
    )
    if to == SUBMITTER:
        going.cancel(t for t in going.instance.tasks if t.state in UNDECIDED)
        going.instance = replace(
            going.instance, state="returned", returned_from=task.node, decided_at=facts.now
        )
        going.add(Follow(result="returned"))
        return going
    straight = program.tells("resubmit") == "returner"
    anew = [program.by_name[to], program.by_name[task.node]] if straight else program.later(to)
    _reset(going, anew)
    return going.run()


def _reset(going: Going, nodes: list[Node]) -> None:
    """These nodes are entered again, in a new round; what was open in them is cancelled. The forks around them are open."""
    names = {n.name for n in nodes}
    going.cancel(t for t in going.instance.tasks if t.node in names and t.state in UNDECIDED)
    places = {name: place for name, place in going.instance.places.items() if name not in names}
    for node in nodes[:1]:
        for fork, _ in going.program.above[node.name]:
            if fork.name in places:
                places[fork.name] = replace(places[fork.name], state="open")
    going.instance = replace(going.instance, places=places, round=going.instance.round + 1)


def resubmit(
    program: Program, instance: Instance, by: str | None, facts: Facts, comment: str | None = None
) -> Going:  # fmt: skip
    """After it was returned: from the beginning, or straight to whoever returned it."""
    going = Going(program, replace(instance, state="running", problems=(), comment=comment), facts)
    going.add(Log(kind="resubmitted", by=by, comment=comment), Follow(result="submitted"))
    node = program.by_name.get(instance.returned_from or "")
    straight = program.tells("resubmit") == "returner" and node is not None
    _reset(
        going,
        [node, *_beside(program, instance, node)]
        if straight and node is not None
        else list(program.by_name.values()),
    )
    going.instance = replace(going.instance, returned_from=None)
    return going.run()


def _beside(program: Program, instance: Instance, node: Node) -> list[Node]:
    """What was open in other cases when it was returned: its tasks were cancelled, so it is asked anew as well."""
    return [
        other
        for name, place in instance.places.items()
        if place.state == "open" and (other := program.by_name[name]).type == "approve" and name != node.name
    ]


def take_back_refused(program: Program, instance: Instance, task: Task) -> str | None:
    """Why an approver cannot take his approval back; None when he can."""
    if (
        instance.state != "running"
        or task.state != "approved"
        or task.kind != "approve"
        or task.why is not None
    ):
        return "not_approved"
    node = program.by_name.get(task.node)
    place = instance.places.get(task.node)
    if node is None or place is None or place.round != task.round or place.state != "done":
        return "not_through"
    if node.mode in ("all", "each", "vote") or any(t.added_by == task.id for t in instance.tasks):
        return "several_decided"
    following = program.later(task.node)[1:]
    for later in following:
        if later.type == "do" and later.name in instance.places:
            return "steps_done"
        if any(
            t.decided_by is not None and t.state in ("approved", "rejected", "returned")
            for t in instance.at(later.name)
        ):
            return "next_decided"
    return None


def take_back(program: Program, instance: Instance, task: Task, by: str, facts: Facts) -> Going:
    """His node is open once more."""
    going = Going(program, instance, facts)
    going.add(_log("taken_back", task, by))
    _reset(going, program.later(task.node))
    return going.run()


# -- the end --------------------------------------------------------------------------------------------------------


def close(
    program: Program, instance: Instance, result: State, by: str | None, comment: str | None, facts: Facts
) -> Going:
    """withdrawn, ended, revoked: nobody decides any more."""
    going = Going(program, instance, facts)
    going.cancel(t for t in instance.tasks if t.state in UNDECIDED)
    going.instance = replace(
        going.instance, state=result, ended_at=facts.now, decided_at=facts.now, comment=comment or instance.comment, problems=()
    )  # fmt: skip
    going.add(Log(kind=result, by=by, comment=comment), Follow(result=result))
    return going


def lost(program: Program, instance: Instance, by: str | None, facts: Facts) -> Going:
    """The record was deleted: nobody decides any more, and there is nothing that `after` could be done with."""
    going = Going(program, instance, facts)
    told = dict.fromkeys(
        p for p in (instance.submitter, instance.initiator, *instance.approvers) if p is not None
    )
    going.cancel(t for t in instance.tasks if t.state in UNDECIDED)
    going.instance = replace(
        going.instance, state="ended", ended_at=facts.now, decided_at=facts.now, problems=()
    )
    going.add(Log(kind="ended", by=by, detail={"why": "deleted"}), Tell(kind="ended", people=tuple(told)))
    return going


# -- an administrator's hand ----------------------------------------------------------------------------------------


def jump(
    program: Program, instance: Instance, to: str, by: str | None, comment: str | None, facts: Facts
) -> Going:
    """To a node, forward or back: what stands before it is passed, it and what follows is entered anew."""
    going = Going(program, replace(instance, state="running", problems=()), facts)
    going.add(Log(kind="jumped", by=by, node=to, comment=comment))
    above = program.above[to]
    anew = program.later(to)
    beside = {n.name for n in anew}
    going.cancel(t for t in instance.tasks if t.state in UNDECIDED)
    round = instance.round + 1
    places = {name: place for name, place in instance.places.items() if name not in beside}
    for node in program.earlier(to):
        place = places.get(node.name)
        if place is None or place.state == "open":
            places[node.name] = Place(state="skipped", round=round, at=facts.now)
    for fork, case in above:
        cases = (
            (case.name,)
            if fork.type == "branch"
            else (place.cases if (place := places.get(fork.name)) else (case.name,))
        )
        places[fork.name] = Place(
            state="open", round=round, at=facts.now, cases=tuple(dict.fromkeys((*cases, case.name)))
        )
    going.instance = replace(going.instance, places=places, round=round, returned_from=None)
    for name in [
        n
        for n in program.order
        if n in places and places[n].state == "open" and program.by_name[n].type == "approve"
    ]:
        going.instance = replace(
            going.instance, places={k: v for k, v in going.instance.places.items() if k != name}
        )
    return going.run()


def mend(program: Program, instance: Instance, by: str | None, facts: Facts) -> Going:
    """What was parked is tried again."""
    going = Going(program, replace(instance, state="running", problems=()), facts)
    going.add(Log(kind="mended", by=by))
    return going.run()


def look_again(program: Program, instance: Instance, facts: Facts) -> Going:
    """Something around it changed: somebody left, steps were done."""
    return Going(program, instance, facts).run()


def steps_done(program: Program, instance: Instance, node: str, facts: Facts) -> Going:
    """The steps of a `do` node have come to their end, those it was parked for as well."""
    mended = instance.state == "parked" and any(
        p.get("node") == node and p["code"] == "steps_failed" for p in instance.problems
    )
    going = Going(program, replace(instance, state="running", problems=()) if mended else instance, facts)
    place = instance.places.get(node)
    if place is not None and place.state == "open":
        going.place(node, replace(place, state="done", at=facts.now))
        going.add(Log(kind="done", node=node), Left(node=node, result="approved"))
    return going.run()


def steps_failed(program: Program, instance: Instance, node: str, why: str | None, facts: Facts) -> Going:
    """The steps of a `do` node were tried as often as they are: an administrator mends what they met."""
    going = Going(program, instance, facts)
    place = instance.places.get(node)
    if instance.state == "running" and place is not None and place.state == "open":
        going.park("steps_failed", node, why)
    return going


def urged(program: Program, instance: Instance, by: str | None, facts: Facts) -> Going:
    """Whoever is waited for is told once more."""
    going = Going(program, replace(instance, urged_at=facts.now), facts)
    for task in instance.waiting:
        going.change(task, urged_at=facts.now)
        going.add(Tell(kind="urged", people=(task.person,), node=task.node, task=task.id))
    going.add(Log(kind="urged", by=by))
    return going
