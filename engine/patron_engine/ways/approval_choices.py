"""Choices: people whom somebody names for steps that come: the submitter, or an approver for those after him. Part of the way approve.

In: what was sent, an instance. Out: ids by node; Refused where somebody is still to be chosen, or may not be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.approval.ahead import Ahead
from patron_engine.approval.program import Program
from patron_engine.approval.route import simulated
from patron_engine.approval.value import Instance
from patron_engine.approval.who import choices, choose_first
from patron_engine.errors import Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn


def chosen_people(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for node, people in given.items():
        listed = people if isinstance(people, list) else [people]
        try:
            found[node] = tuple(dict.fromkeys(read_id(p) for p in listed))
        except ValueFault as error:
            problem = Problem(
                code="not_users", message=Phrase("name users by their ids"), path=f"chosen.{node}"
            )
            raise Refused([problem]) from error
    return found


def ask_choices(conn: Conn, call: Call, program: Program, instance: Instance) -> None:
    """Refused where the submitter has still to choose somebody, or chose whom he may not."""
    facts = Ahead(conn, call, program, instance)
    there = simulated(program, instance, facts)
    asked = [
        node
        for name, node in program.by_name.items()
        if name in there.places and any(w["chosen_by"] == "submitter" for w in choices(node.body.get("who")))
    ]
    missing = [node for node in asked if not instance.chosen.get(node.name)]
    if missing:
        raise choose_first(missing)
    for node in asked:
        check_choice(facts, instance, node.name, instance.chosen[node.name])


def check_choice(facts: Ahead, instance: Instance, node: str, people: Sequence[str]) -> None:
    """Refused for somebody who is not offered."""
    offered = facts.offered(instance, facts.program.by_name[node])
    wrong = [p for p in people if not facts.active(p) or (offered is not None and p not in offered)]
    if wrong:
        message = Phrase("this person cannot be chosen here")
        raise Refused([Problem(code="not_offered", message=message, path=f"chosen.{node}")])
