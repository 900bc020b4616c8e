"""People at a node: who gets a task, who needs none, who stands in for whom. Pure but for what it asks of the facts.

In: a program, an instance, a node. Out: seats, or what is done where nobody is found: approve, reject, park.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patron_engine.approval.program import FORKS, Node, Program
from patron_engine.approval.value import Facts, Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """`behalf`: the person it is done for, where a substitute does it. `why`: it is approved without him, and why."""

    person: str
    behalf: str | None = None
    why: str | None = None


def seats(program: Program, instance: Instance, node: Node, facts: Facts) -> list[Seat] | str:
    """Who decides at a node that is entered now."""
    people = facts.people(instance, node)
    own = _himself(program, instance, people, facts)
    people, skipped = own if own is not None else (people, set())
    if not people:
        rule = program.tells("no_approver")
        if isinstance(rule, str):
            return rule
        people = facts.instead(instance, "no_approver") if rule is not None else []
        again = _himself(program, instance, people, facts)
        people, skipped = again if again is not None else (people, skipped)
        if not people:
            return "park"
    before = set() if node.asks else _before(program, instance, node)
    found: dict[str, Seat] = {}
    for person in people:
        why = "self_approval" if person in skipped else "same_person" if person in before else None
        there = None if why else facts.substitute(instance, person)
        if there is not None and there in (instance.submitter, instance.initiator):
            there = None
        if there is not None and there in before:
            why = "same_person"
        seat = Seat(person=there or person, behalf=person if there else None, why=why)
        found.setdefault(seat.person, seat)
    return list(found.values())


def kept_from(program: Program, instance: Instance) -> set[str]:
    """To whom nobody hands a task: where who submitted does not decide himself, he is not made an approver by others either."""
    if (program.tells("self_approval") or "allow") == "allow":
        return set()
    return {p for p in (instance.submitter, instance.initiator) if p is not None}


def _himself(
    program: Program, instance: Instance, people: Sequence[str], facts: Facts
) -> tuple[list[str], set[str]] | None:
    """Who submitted is among the approvers: he decides, it is passed, or somebody else does, the next above him where that
    would be he again. None where it does not concern him."""
    rule = program.tells("self_approval") or "allow"
    selves = [p for p in people if p in (instance.submitter, instance.initiator)]
    if not selves or rule == "allow":
        return None
    if rule == "skip":
        return list(people), set(selves)
    others = [
        p
        for p in facts.instead(instance, "self_approval")
        if p not in (instance.submitter, instance.initiator)
    ]
    if not others:
        above = [p for me in selves for p in facts.above(me)]
        others = [p for p in above if p not in (instance.submitter, instance.initiator)][:1]
    found: list[str] = []
    for person in people:
        found.extend(others if person in selves else [person])
    return list(dict.fromkeys(found)), set()


def _before(program: Program, instance: Instance, node: Node) -> set[str]:
    """Who has approved already and is not asked again."""
    rule = program.tells("same_person") or "none"
    if rule == "none":
        return set()
    earlier = program.earlier(node.name)
    if rule == "skip_consecutive":
        earlier = _last(program, instance, node)
    names = {n.name for n in earlier}
    return {
        person
        for name in names
        for t in instance.at(name)
        if t.state == "approved" and t.kind == "approve"
        for person in (t.person, t.behalf)
        if person is not None
    }


def _last(program: Program, instance: Instance, node: Node) -> list[Node]:
    """The approve nodes right before this one; of cases that ran at once, the last of each."""
    for inner in [node.name, *(fork.name for fork, _ in reversed(program.above[node.name]))]:
        beside = program.siblings(inner)
        at = next(n for n, each in enumerate(beside) if each.name == inner)
        found = _last_of(beside[:at], instance)
        if found:
            return found
    return []


def _last_of(nodes: Sequence[Node], instance: Instance) -> list[Node]:
    for node in reversed(nodes):
        place = instance.places.get(node.name)
        if place is None:
            continue
        if node.type == "approve":
            return [node]
        if node.type in FORKS:
            found = [
                last
                for case in node.cases
                if case.name in place.cases
                for last in _last_of(case.nodes, instance)
            ]
            if found:
                return found
    return []
