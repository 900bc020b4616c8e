"""Choices: people whom somebody names for steps that come: the submitter, or an approver for those after him. Part of the way approve.

In: what was sent, an instance. Out: ids by node; Refused where somebody is still to be chosen, or may not be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from patron_engine.approval.ahead import Ahead
from patron_engine.approval.program import Node, Program
from patron_engine.approval.route import simulated
from patron_engine.approval.value import Instance
from patron_engine.approval.who import choices, choose_first
from patron_engine.errors import MustChoose, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.intended import as_intended

ASKS: Final = ("user", "key")  # causes behind which somebody stands who can be asked


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
    with as_intended(conn, call, instance):
        facts = Ahead(conn, call, program, instance)
        asked = _asked(facts, instance, "submitter")
        missing = [node for node in asked if not instance.chosen.get(node.name)]
        if missing:
            raise choose_first(missing, call.actor.languages)
        for node in asked:
            check_choice(facts, instance, node.name, instance.chosen[node.name])


def ask_of_save(conn: Conn, call: Call, program: Program, instance: Instance) -> None:
    """The same for a change that asks for the approval: MustChoose, with who is offered, where a person saves it. Nobody is
    there to ask when a rule or an import does: then it parks."""
    asks = any(
        w["chosen_by"] == "submitter" for n in program.by_name.values() for w in choices(n.body.get("who"))
    )
    if not asks or call.cause.kind not in ASKS or call.actor.user is None:
        return
    try:
        ask_choices(conn, call, program, instance)
    except Refused as refused:
        offered = to_choose(conn, call, program, replace(instance, chosen={}), "submitter")
        raise MustChoose(refused.problems, offered, refused.hint) from refused


def to_choose(conn: Conn, call: Call, program: Program, instance: Instance, by: str) -> list[dict[str, Any]]:
    """The nodes that come and for which somebody is to be chosen, with who may be: None is anybody."""
    with as_intended(conn, call, instance):
        facts = Ahead(conn, call, program, instance)
        return [
            {
                "node": node.name,
                "label": label_of(node.body.get("label") or "", node.name, call.actor.languages),
                "from": facts.offered(instance, node),
            }
            for node in _asked(facts, instance, by)
            if node.name not in instance.places and not instance.chosen.get(node.name)
        ]


def left_to_choose(conn: Conn, call: Call, program: Program, instance: Instance) -> list[dict[str, Any]]:
    """Of one that stands where somebody was to choose and nobody was asked (a rule or an import began it, a deadline decided): the
    steps for which an administrator is to choose, where it stands and those that come."""
    if instance.state != "parked" or not unchosen(program, instance):
        return []
    going = replace(instance, state="running", problems=())
    found = [c for by in ("submitter", "approver") for c in to_choose(conn, call, program, going, by)]
    return list({c["node"]: c for c in found}.values())


def unchosen(program: Program, instance: Instance) -> list[Node]:
    """Where it stands because nobody chose who decides."""
    nodes = [program.by_name.get(str(p.get("node"))) for p in instance.problems if p["code"] == "no_approver"]
    return [
        n for n in nodes if n is not None and choices(n.body.get("who")) and not instance.chosen.get(n.name)
    ]


def _asked(facts: Ahead, instance: Instance, by: str) -> list[Node]:
    """The nodes on its way, as if everybody approved, whose people somebody chooses."""
    there = simulated(facts.program, instance, facts)
    return [
        node
        for name, node in facts.program.by_name.items()
        if name in there.places and any(w["chosen_by"] == by for w in choices(node.body.get("who")))
    ]


def check_named(
    conn: Conn, call: Call, program: Program, instance: Instance, people: Mapping[str, Sequence[str]], *by: str
) -> None:  # fmt: skip
    """Refused where `people` names somebody for a step whose people are not his to choose, or who is not offered there; also of
    a step that is not on the way now, since it may come onto it."""
    if not people:
        return
    with as_intended(conn, call, instance):
        facts = Ahead(conn, call, program, instance)
        for name, named in people.items():
            _his_to_choose(program, name, by)
            check_choice(facts, instance, name, named)


def _his_to_choose(program: Program, name: str, by: Sequence[str]) -> None:
    node, path = program.by_name.get(name), f"chosen.{name[:40]}"
    if node is None:
        message = Phrase("there is no step {name!r}", name=name[:40])
        raise Refused([Problem(code="unknown_node", message=message, path=path)])
    if not any(w["chosen_by"] in by for w in choices(node.body.get("who"))):
        message = Phrase("who decides at {node} is not yours to choose", node=name)
        raise Refused([Problem(code="not_yours_to_choose", message=message, path=path)])


def check_choice(facts: Ahead, instance: Instance, node: str, people: Sequence[str]) -> None:
    """Refused for somebody who is not offered."""
    offered = facts.offered(instance, facts.program.by_name[node])
    wrong = [p for p in people if not facts.active(p) or (offered is not None and p not in offered)]
    if wrong:
        message = Phrase("this person cannot be chosen here")
        raise Refused([Problem(code="not_offered", message=message, path=f"chosen.{node}")])
