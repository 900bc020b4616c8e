"""Approvals on paper: a definition, people by name, conditions by the names of cases; events one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import yaml

from patron_engine.approval import signers, state
from patron_engine.approval.going import Going
from patron_engine.approval.program import Case, Node, Program, program_of
from patron_engine.approval.value import DoSteps, Effect, Follow, Instance, Task

NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)


class Paper:
    """`who: [a, b]` in a node names its people; `fitting` are the cases whose condition is true."""

    def __init__(self, nodes: str, fitting: Sequence[str] = (), **more: Any) -> None:
        body = {
            "kind": "approval",
            "name": "t",
            "object": "o",
            "on": ["submit"],
            "nodes": yaml.safe_load(nodes),
            **more,
        }
        expressions = {("approval", "t", path): object() for path in _whens(body["nodes"], "nodes")}
        model: Any = SimpleNamespace(documents={("approval", "t"): body}, expressions=expressions)
        found = program_of(model, "t")
        assert found is not None
        self.program: Program = found
        self.fitting = set(fitting)
        self.now = NOON
        self.gone: set[str] = set()
        self.standing: dict[str, str] = {}
        self.bosses: Mapping[str, list[str]] = {}
        self.effects: list[Effect] = []
        self._ids = iter(range(1, 10_000))
        self.it = Instance(
            id="i", approval="t", version=found.version, release=1, object="o", record="r", trigger="submit", submitter="me",
            initiator="me", began_at=NOON,
        )  # fmt: skip
        self.took(state.begin(self.program, self.it, self))

    # -- Facts ------------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return f"t{next(self._ids)}"

    def fits(self, case: Case) -> bool:
        return case.name in self.fitting

    def people(self, instance: Instance, node: Node) -> list[str]:
        return [p for p in node.body["who"] if p not in self.gone]

    def instead(self, instance: Instance, rule: str) -> list[str]:
        return [p for p in self.program.tells(rule)["to"] if p not in self.gone]

    def above(self, person: str) -> list[str]:
        return self.bosses.get(person, [])

    def substitute(self, instance: Instance, person: str) -> str | None:
        return self.standing.get(person)

    def active(self, person: str) -> bool:
        return person not in self.gone

    def due(self, node: Node, again: bool) -> datetime | None:
        return self.now + timedelta(hours=1) if "deadline" in node.body else None

    def transfer_to(self, instance: Instance, node: Node, key: str) -> list[str]:
        return list(node.body["deadline"][key]["transfer"])

    # -- what happens -----------------------------------------------------------------------------------------------

    def took(self, going: Going) -> Paper:
        self.it = going.instance
        self.effects = going.effects
        self.now += timedelta(minutes=1)
        return self

    def task(self, who: str) -> Task:
        found = [t for t in self.it.waiting if t.person == who]
        assert len(found) == 1, f"{who}: {self.waiting}"
        return found[0]

    def yes(self, *people: str) -> Paper:
        for who in people:
            self.took(state.decide(self.program, self.it, self.task(who), "approved", who, None, self))
        return self

    def no(self, who: str) -> Paper:
        return self.took(state.decide(self.program, self.it, self.task(who), "rejected", who, "no", self))

    def back(self, who: str, to: str) -> Paper:
        return self.took(state.send_back(self.program, self.it, self.task(who), to, who, None, self))

    def again(self) -> Paper:
        return self.took(state.resubmit(self.program, self.it, "me", self))

    def steps(self, node: str) -> Paper:
        return self.took(state.steps_done(self.program, self.it, node, self))

    def sign(self, who: str, how: str, *people: str) -> Paper:
        return self.took(
            signers.add_signers(self.program, self.it, self.task(who), people, how, who, None, self)
        )

    def give(self, who: str, to: str) -> Paper:
        return self.took(signers.transfer(self.program, self.it, self.task(who), [to], who, None, self))

    def late(self, who: str) -> Paper:
        return self.took(signers.late(self.program, self.it, self.task(who), self))

    # -- what is seen -----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> list[str]:
        return sorted(t.person for t in self.it.waiting)

    @property
    def state(self) -> str:
        return self.it.state

    def states(self, node: str) -> dict[str, str]:
        return {t.person: t.state for t in self.it.at(node)}

    @property
    def follows(self) -> list[str]:
        return [e.result for e in self.effects if isinstance(e, Follow)]

    @property
    def begun(self) -> list[str]:
        return [e.node for e in self.effects if isinstance(e, DoSteps)]


def _whens(nodes: Sequence[Mapping[str, Any]], at: str) -> Iterator[str]:
    for node in nodes:
        for case in node.get("cases") or ():
            here = f"{at}.{node['name']}.cases.{case['name']}"
            if "when" in case:
                yield f"{here}.when"
            yield from _whens(case.get("nodes") or (), f"{here}.nodes")
