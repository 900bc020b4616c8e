"""Going: an instance on its way through its nodes, as far as it gets by itself.

In: a program, an instance, facts. Out: the instance further on, and effects. The whole tree is looked at from the top each time:
what is done is passed, what is open is judged, what comes next is entered. So joins, nesting and several branches at once need
nothing of their own. Pure but for what it asks of the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from patron_engine.approval.people import Seat, seats
from patron_engine.approval.program import FORKS, Node, Program
from patron_engine.approval.value import (
    UNDECIDED,
    DoSteps,
    Effect,
    Facts,
    Follow,
    Instance,
    Left,
    Log,
    Place,
    Task,
    Tell,
    changed,
)


class Going:
    """One event's way. `instance` and `effects` are what it has come to."""

    def __init__(self, program: Program, instance: Instance, facts: Facts) -> None:
        self.program = program
        self.instance = instance
        self.facts = facts
        self.effects: list[Effect] = []

    def run(self) -> Going:
        """As far as it goes."""
        if (
            self.instance.state == "running"
            and self._run(self.program.nodes)
            and self.instance.state == "running"
        ):
            self.finish("approved")
        return self

    def add(self, *effects: Effect) -> None:
        self.effects.extend(effects)

    def finish(self, result: Any) -> None:
        """The instance is over: what is still open is cancelled."""
        self.cancel(t for t in self.instance.tasks if t.state in UNDECIDED)
        now = self.facts.now
        self.instance = replace(self.instance, state=result, ended_at=now, decided_at=now)
        self.add(Log(kind=result), Follow(result=result))

    def park(self, code: str, node: str | None = None, why: str | None = None) -> None:
        """It cannot go on by itself: an administrator mends it."""
        problem = {"code": code, "node": node, **({"message": why} if why else {})}
        self.instance = replace(self.instance, state="parked", problems=(problem,))
        self.add(
            Log(kind="parked", node=node, detail={"code": code}), Tell(kind="parked", people=(), node=node)
        )

    def cancel(self, tasks: Iterable[Task], state: Any = "cancelled", by: str | None = None) -> None:
        for task in list(tasks):
            self.change(task, state=state, decided_at=self.facts.now, decided_by=by)

    def change(self, task: Task, **more: Any) -> None:
        self.instance = changed(self.instance, task, **more)

    def place(self, node: str, place: Place) -> None:
        self.instance = replace(self.instance, places={**self.instance.places, node: place})

    # -- the tree ---------------------------------------------------------------------------------------------------

    def _run(self, nodes: Sequence[Node]) -> bool:
        """Whether all of them are through."""
        for node in nodes:
            if node.name not in self.instance.places:
                self._enter(node)
            if self.instance.state != "running" or not self._through(node):
                return False
        return True

    def _through(self, node: Node) -> bool:
        place = self.instance.places[node.name]
        if place.state != "open":
            return True
        if node.type in FORKS:
            taken = [case for case in node.cases if case.name in place.cases]
            through = [self._run(case.nodes) for case in taken if self.instance.state == "running"]
            if self.instance.state != "running" or not all(through):
                return False
            self.place(node.name, replace(place, state="done", at=self.facts.now))
            return True
        return node.type == "approve" and self._judged(node)

    def _enter(self, node: Node) -> None:
        place = Place(state="open", round=self.instance.round, at=self.facts.now)
        if node.type in FORKS:
            self.place(node.name, replace(place, cases=self._taken(node)))
        elif node.type == "do":
            self.place(node.name, place)
            self.add(DoSteps(node=node.name))
        elif node.type == "cc":
            self.place(node.name, replace(place, state="done", outcome=self._copy(node)))
        else:
            self._ask(node, place)

    def _taken(self, node: Node) -> tuple[str, ...]:
        if node.type == "parallel":
            return tuple(case.name for case in node.cases)
        fitting = [case.name for case in node.cases if case.when is not None and self.facts.fits(case)]
        otherwise = [case.name for case in node.cases if case.when is None]
        if node.type == "branch":
            first = next((c.name for c in node.cases if c.when is None or c.name in fitting), None)
            return (first,) if first is not None else ()
        return tuple(fitting or otherwise)

    def _copy(self, node: Node) -> str | None:
        """Nobody gets a second copy. Where that leaves nobody: nobody, or had (each has one already)."""
        had = {t.person for t in self.instance.tasks if t.kind == "copy"}
        meant = self.facts.people(self.instance, node)
        people = [p for p in meant if p not in had]
        if not people:
            why = "had" if meant else "nobody"
            self.add(Log(kind="not_copied", node=node.name, detail={"why": why}))
            return why
        self.add_tasks(
            Task(
                id=self.facts.new_id(), node=node.name, round=self.instance.round, person=p, state="copied", kind="copy",
                arrived_at=self.facts.now,
            )
            for p in people
        )  # fmt: skip
        self.add(Log(kind="copied", node=node.name, detail={"people": people}), Tell(kind="copied", people=tuple(people), node=node.name))  # fmt: skip
        return None

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        self.instance = replace(self.instance, tasks=(*self.instance.tasks, *tasks))

    # -- approvers --------------------------------------------------------------------------------------------------

    def _ask(self, node: Node, place: Place) -> None:
        """Its people get their tasks, or what the approval says where there is nobody."""
        found = seats(self.program, self.instance, node, self.facts)
        if isinstance(found, str):
            if found == "park":
                self.park("no_approver", node.name)
                return
            result = "approved" if found == "approve" else "rejected"
            self.place(node.name, replace(place, state="done", outcome=result))
            self.add(
                Log(kind=result, node=node.name, detail={"why": "no_approver"}),
                Left(node=node.name, result=result),
            )
            if found == "reject":
                self.finish("rejected")
            return
        self.place(node.name, place)
        self.add_tasks(self._task(node, place, seat, n) for n, seat in enumerate(found))
        for task in self.instance.at(node.name):
            if task.why is not None and task.state == "approved":
                self.add(
                    Log(
                        kind="approved",
                        node=node.name,
                        task=task.id,
                        person=task.person,
                        detail={"why": task.why},
                    )
                )
        if node.mode != "each":
            self.open(t for t in self.instance.at(node.name) if t.state == "not_started")

    def _task(self, node: Node, place: Place, seat: Seat, order: int) -> Task:
        now = self.facts.now
        made = Task(
            id=self.facts.new_id(), node=node.name, round=place.round, person=seat.person, behalf=seat.behalf,
            state="not_started", order=order,
        )  # fmt: skip
        if seat.why is None:
            return made
        return replace(made, state="approved", why=seat.why, arrived_at=now, decided_at=now)

    def open(self, tasks: Iterable[Task]) -> None:
        """It is their turn; of somebody who is away now, that of who stands in for him."""
        for each in list(tasks):
            task = self._stood_in(each)
            due = self.facts.due(self.program.by_name[task.node], False) if task.kind == "approve" else None
            self.change(task, state="waiting", arrived_at=self.facts.now, due_at=due)
            self.add(Tell(kind="to_decide", people=(task.person,), node=task.node, task=task.id))

    def _stood_in(self, task: Task) -> Task:
        """The task as its substitute's. A task that somebody does for another is not passed on once more."""
        there = self.facts.substitute(self.instance, task.person) if task.behalf is None else None
        others = {t.person for t in self.instance.at(task.node) if t.state in UNDECIDED and t.id != task.id}
        if there is None or there in {self.instance.submitter, self.instance.initiator, *others}:
            return task
        made = replace(task, person=there, behalf=task.person)
        self.change(task, person=there, behalf=task.person)
        self.add(Log(kind="stood_in", behalf=task.person, node=task.node, task=task.id, person=there))
        return made

    # -- is it decided? ---------------------------------------------------------------------------------------------

    def _leave_out(self, node: Node) -> None:
        """One after the other: who has left meanwhile, and whose turn has not come, is not asked."""
        held = {t.added_by for t in self.instance.at(node.name) if t.how == "before"}
        for task in self.instance.at(node.name):
            if task.state != "not_started" or task.added_by is not None or task.id in held:
                continue
            if not self.facts.active(task.person):
                self.change(task, state="cancelled", why="left", decided_at=self.facts.now)
                self.add(Log(kind="left_out", node=node.name, task=task.id, person=task.person))

    def _judged(self, node: Node) -> bool:
        if node.mode == "each":
            self._leave_out(node)
        tasks = [t for t in self.instance.at(node.name) if t.kind == "approve"]
        own = [t for t in tasks if t.added_by is None and t.state not in ("transferred", "cancelled")]
        added = [t for t in tasks if t.added_by is not None and t.state not in ("transferred", "cancelled")]
        result = "rejected" if any(t.state == "rejected" for t in added) else self._result(node, own)
        if result is None:
            self._next_turns(node, own, added)
            return False
        decider = max((t for t in tasks if t.decided_at and t.why is None), key=lambda t: t.decided_at or self.facts.now, default=None)  # fmt: skip
        left = [t for t in own if t.state in UNDECIDED]
        self.cancel(left, "decided_by_other", decider.decided_by if decider else None)
        pending = [t for t in added if t.state in UNDECIDED and not self._gone(t)]
        if result == "approved" and pending:
            self.open(t for t in pending if t.state == "not_started")
            return False
        self.cancel((t for t in self.instance.at(node.name) if t.state in UNDECIDED), "decided_by_other")
        place = self.instance.places[node.name]
        self.place(node.name, replace(place, state="done", outcome=result, at=self.facts.now))
        self.add(Left(node=node.name, result=result))
        if result == "rejected":
            self.finish("rejected")
        return result == "approved"

    def _gone(self, task: Task) -> bool:
        """Whoever added this signer had his own task decided by others: nobody needs the signer any more."""
        adder = self.instance.task(task.added_by or "")
        return adder is not None and adder.state == "decided_by_other"

    def _result(self, node: Node, own: Sequence[Task]) -> str | None:
        approved = [t for t in own if t.state == "approved"]
        rejected = [t for t in own if t.state == "rejected"]
        if node.mode == "vote":
            return self._voted(node, own, len(approved))
        if node.mode in ("any", "claim"):
            first = min((*approved, *rejected), key=lambda t: t.decided_at or self.facts.now, default=None)
            return first.state if first is not None else None
        if rejected:
            return "rejected"
        return "approved" if len(approved) == len(own) else None

    def _voted(self, node: Node, own: Sequence[Task], approved: int) -> str | None:
        """Of those asked; who has left counts as absent: he cannot approve any more."""
        needed = max(1, int((node.share * Decimal(len(own))).to_integral_value(ROUND_CEILING)))
        possible = approved + sum(1 for t in own if t.state in UNDECIDED and self.facts.active(t.person))
        return "approved" if approved >= needed else "rejected" if possible < needed else None

    def _next_turns(self, node: Node, own: Sequence[Task], added: Sequence[Task]) -> None:
        """Who waited for signers before him has his turn when they have all agreed; one after the other, the next has his."""
        before = {t.added_by for t in added if t.how == "before" and t.state in UNDECIDED}
        held = {t.added_by for t in added if t.how == "before"} - before
        self.open(t for t in own if t.state == "not_started" and t.id in held)
        agreed = {t.id for t in (*own, *added) if t.state == "approved"}
        self.open(t for t in added if t.how == "after" and t.state == "not_started" and t.added_by in agreed)
        active = [t for t in self.instance.at(node.name) if t.state in ("waiting", "delegated")]
        if node.mode != "each" or active:
            return
        following = next((t for t in sorted(own, key=lambda t: t.order) if t.state in UNDECIDED), None)
        if following is not None and following.state == "not_started" and following.id not in before:
            self.open([following])
