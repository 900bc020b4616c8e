"""Moving: a running instance taken over to a newer version of its definition. Pure.

In: both programs, an instance, what its nodes are called now. Out: the instance under the new version, or why it cannot go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from patron_engine.approval.program import FORKS, Program
from patron_engine.approval.value import UNDECIDED, Instance
from patron_engine.phrases import Phrase


def names_now(now: Program, given: Mapping[str, str]) -> dict[str, str]:
    """Old name -> new: what the nodes say they were, and what somebody says of them."""
    said = {old: node.name for node in now.by_name.values() for old in node.body.get("was") or ()}
    return {**said, **given}


def moved(now: Program, instance: Instance, release: int, given: Mapping[str, str]) -> Instance | Phrase:
    """Where it stands must be there still, of the same type; what is passed and gone is forgotten; what is new before
    it is passed over."""
    names = names_now(now, given)

    def called(node: str) -> str:
        return names.get(node, node)

    for name, place in instance.places.items():
        if place.state == "open" and called(name) not in now.by_name:
            return Phrase("step {node} stands open and is not in the new version", node=name)
    places = {called(name): place for name, place in instance.places.items() if called(name) in now.by_name}
    for name in list(places):
        for fork, case in now.above[name]:
            there = places.get(fork.name)
            if there is None or (places[name].state == "open" and case.name not in there.cases):
                return Phrase("step {node} stands in another branch of the new version", node=name)
    for name, place in list(places.items()):
        if place.state == "open" and now.by_name[name].type not in FORKS:
            for node in now.earlier(name):  # new before where it stands: it has come past that
                places.setdefault(node.name, replace(place, state="skipped", cases=(), outcome=None))
    tasks = tuple(replace(t, node=called(t.node)) for t in instance.tasks)
    lost = next((t for t in tasks if t.state in UNDECIDED and t.node not in now.by_name), None)
    if lost is not None:
        return Phrase("step {node} stands open and is not in the new version", node=lost.node)
    back = called(instance.returned_from) if instance.returned_from is not None else None
    chosen = {called(node): people for node, people in instance.chosen.items()}
    return replace(
        instance,
        places=places,
        tasks=tasks,
        version=now.version,
        release=release,
        returned_from=back,
        chosen=chosen,
    )
