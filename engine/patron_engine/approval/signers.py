"""Signers: acts that change who decides: transferred, delegated, claimed, signers added and removed, a deadline passed. Pure.

In: a program, an instance, a task, people, facts. Out: the new instance and effects, as a `Going`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from patron_engine.approval.going import Going
from patron_engine.approval.people import kept_from
from patron_engine.approval.program import Program
from patron_engine.approval.state import LAST, decide, send_back
from patron_engine.approval.value import UNDECIDED, Facts, Instance, Log, Task, Tell

DEFAULT_TIMES = 10  # reminders before `finally`, where a deadline does not say how many


def transfer(
    program: Program, instance: Instance, task: Task, to: Sequence[str], by: str | None, comment: str | None, facts: Facts,
    kind: str = "transferred",
) -> Going:  # fmt: skip
    """The task is somebody else's now. Several get it only where the first of them decides."""
    going = Going(program, instance, facts)
    going.change(task, state="transferred", decided_at=facts.now, decided_by=by, comment=comment)
    for person in to:
        behalf = task.person if kind == "stood_in" else task.behalf
        made = replace(
            task, id=facts.new_id(), person=person, behalf=behalf, state="not_started", comment=None, reminded=0,
            claimed=False, urged_at=None,
        )  # fmt: skip
        for other in going.instance.tasks:  # whoever he added still signs for his task
            if other.added_by == task.id:
                going.change(other, added_by=made.id)
            if other.opinion_for == task.id:
                going.change(other, opinion_for=made.id)
        going.add_tasks([made])
        held = task.state == "not_started"
        if not held:
            going.open([made])
        if task.state == "delegated":
            going.cancel(
                [t for t in going.instance.tasks if t.opinion_for == made.id and t.state in UNDECIDED]
            )
        behalf_told = task.person if by != task.person else task.behalf
        going.add(
            Log(
                kind=kind,
                by=by,
                behalf=behalf_told,
                node=task.node,
                task=task.id,
                person=person,
                comment=comment,
            )
        )
    return going.run()


def delegate(
    program: Program, instance: Instance, task: Task, to: str, by: str, comment: str | None, facts: Facts
) -> Going:
    """Somebody else gives his opinion; then the task comes back."""
    going = Going(program, instance, facts)
    going.change(task, state="delegated")
    made = Task(
        id=facts.new_id(), node=task.node, round=task.round, person=to, state="not_started", kind="opinion", order=task.order,
        opinion_for=task.id,
    )  # fmt: skip
    going.add_tasks([made])
    going.open([made])
    going.add(
        Log(
            kind="delegated",
            by=by,
            behalf=task.behalf,
            node=task.node,
            task=task.id,
            person=to,
            comment=comment,
        )
    )
    return going


def add_signers(
    program: Program, instance: Instance, task: Task, people: Sequence[str], how: str, by: str, comment: str | None, facts: Facts
) -> Going:  # fmt: skip
    """Before him (then it is his turn again), after him, or beside him: all who are added must agree."""
    going = Going(program, instance, facts)
    made = [
        Task(
            id=facts.new_id(), node=task.node, round=task.round, person=p, state="not_started", order=task.order,
            added_by=task.id, how=how,
        )
        for p in people
    ]  # fmt: skip
    going.add_tasks(made)
    if how == "before":
        going.change(task, state="not_started", due_at=None)
    if how != "after":
        going.open(made)
    for person in people:
        going.add(
            Log(
                kind="signer_added", by=by, behalf=task.behalf, node=task.node, task=task.id, person=person, comment=comment,
                detail={"how": how},
            )
        )  # fmt: skip
    return going


def remove_signer(program: Program, instance: Instance, signer: Task, by: str | None, facts: Facts) -> Going:
    """One who was added and has not acted yet."""
    going = Going(program, instance, facts)
    going.change(signer, state="cancelled", decided_at=facts.now, decided_by=by)
    going.add(Log(kind="signer_removed", by=by, node=signer.node, task=signer.id, person=signer.person))
    adder = going.instance.task(signer.added_by or "")
    left = any(
        t.added_by == signer.added_by and t.how == "before" and t.state in UNDECIDED
        for t in going.instance.tasks
    )
    if signer.how == "before" and adder is not None and adder.state == "not_started" and not left:
        going.open([adder])
    return going.run()


def claim(program: Program, instance: Instance, task: Task, by: str, facts: Facts) -> Going:
    """It is his; the others, and whomever they asked for an opinion, need not look at it any more. The signers he added stay."""
    going = Going(program, instance, facts)
    going.change(task, claimed=True)
    others = [
        t
        for t in instance.at(task.node)
        if t.state in UNDECIDED and task.id not in (t.id, t.added_by, t.opinion_for)
    ]
    going.cancel(others, "decided_by_other", by)
    going.add(Log(kind="claimed", by=by, behalf=task.behalf, node=task.node, task=task.id))
    return going


def late(program: Program, instance: Instance, task: Task, facts: Facts) -> Going:
    """The time of a task is over: what its deadline says is done, or, when reminders are used up, its `finally`."""
    rule = program.by_name[task.node].body["deadline"]
    times = int(rule.get("times") or (DEFAULT_TIMES if rule.get("every") else 1))
    then = rule["then"]
    if then == "remind" and task.reminded >= times:
        then = rule.get("finally")
    if then is None or (then == "remind" and task.reminded >= times):
        going = Going(program, instance, facts)
        going.change(task, due_at=None)
        return going
    if then == "remind":
        return _remind(
            program, instance, task, facts, last=task.reminded + 1 >= times and "finally" not in rule
        )
    if then == "return":
        return send_back(program, instance, task, LAST, None, None, facts, why="deadline")
    if isinstance(then, str):
        verdict = "approved" if then == "approve" else "rejected"
        return decide(program, instance, task, verdict, None, None, facts, why="deadline")  # type: ignore[arg-type]
    key = "finally" if then is rule.get("finally") else "then"
    node = program.by_name[task.node]
    without = {task.person, *kept_from(program, instance)}
    meant = [p for p in facts.transfer_to(instance, node, key) if p not in without]
    if not meant:
        return _remind(program, instance, task, facts, last=True)
    here = {t.person for t in instance.at(task.node) if t.state in UNDECIDED}
    to = [p for p in meant if p not in here]
    if not to:
        return _here_already(program, instance, task, meant[0], facts)
    return transfer(
        program,
        instance,
        task,
        to if node.mode in ("any", "claim") else to[:1],
        None,
        None,
        facts,
        "late_transferred",
    )


def _here_already(program: Program, instance: Instance, task: Task, person: str, facts: Facts) -> Going:
    """Whoever would have it decides there already: nobody does it twice."""
    going = Going(program, instance, facts)
    going.change(task, state="transferred", decided_at=facts.now)
    going.add(Log(kind="late_transferred", behalf=task.person, node=task.node, task=task.id, person=person))
    return going.run()


def late_refused(program: Program, instance: Instance, task: Task, facts: Facts) -> Going:
    """What the deadline says was refused, as what follows asks for something that is missing: whoever has the task is told, and decides."""
    return _remind(program, instance, task, facts, last=True, kind="late_refused")


def _remind(
    program: Program, instance: Instance, task: Task, facts: Facts, *, last: bool, kind: str = "reminded"
) -> Going:
    going = Going(program, instance, facts)
    following = None if last else facts.due(program.by_name[task.node], True)
    going.change(task, reminded=task.reminded + 1, due_at=following)
    going.add(
        Log(kind=kind, node=task.node, task=task.id, person=task.person),
        Tell(kind="late", people=(task.person,), node=task.node, task=task.id),
    )
    return going


def gone(program: Program, instance: Instance, task: Task, facts: Facts) -> Going:
    """Who was to decide has left: a vote counts him as absent; the others decide without him; where he was the last, the step asks
    anew, as the approval says where nobody is found."""
    if task.added_by is not None:
        return remove_signer(program, instance, task, None, facts)
    node = program.by_name[task.node]
    going = Going(program, instance, facts)
    if node.mode == "vote" and task.kind == "approve":
        return going.run()
    going.change(task, state="cancelled", why="left", decided_at=facts.now)
    going.add(Log(kind="left_out", node=task.node, task=task.id, person=task.person))
    others = [
        t for t in instance.at(task.node)
        if t.id != task.id and t.kind == "approve" and t.added_by is None and t.state not in ("transferred", "cancelled")
    ]  # fmt: skip
    if task.kind == "approve" and not others:
        places = {name: place for name, place in going.instance.places.items() if name != task.node}
        going.instance = replace(going.instance, places=places)
    return going.run()


def left_out(program: Program, instance: Instance, task: Task, by: str | None, facts: Facts) -> Going:
    """A task that nobody does: whoever would have it decides there already."""
    going = Going(program, instance, facts)
    going.change(task, state="transferred", decided_at=facts.now, decided_by=by)
    going.add(Log(kind="handed_over", by=by, behalf=task.person, node=task.node, task=task.id))
    return going.run()
