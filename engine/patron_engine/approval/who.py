"""Around: what the core asks about the world, answered by the workspace as it is now.

In: a connection, the frame of a call, a program and the instance it is about. Out: the `Facts` of approval/value.py: which cases fit,
whom the words of a node mean (flow/people), who stands in, when a time is over. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime, time
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.approval.program import Case, Node, Program
from patron_engine.approval.value import Instance
from patron_engine.errors import Refused
from patron_engine.flow.people import managers_above, of_users, people
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call

END_OF_DAY = time(23, 59)


def choices(words: Any) -> list[Mapping[str, Any]]:
    """The `chosen_by` words among those of a node."""
    listed = words if isinstance(words, Sequence) and not isinstance(words, str) else [words]
    return [w for w in listed if isinstance(w, Mapping) and "chosen_by" in w]


class Around:
    """The world as it is now. `approver` is whoever decides in this event."""

    def __init__(
        self, conn: psycopg.Connection[Any], call: Call, program: Program, instance: Instance
    ) -> None:
        self.call = call
        self.now = call.now
        self.program = program
        self.instance = instance
        self.reading = Reading(conn, call)
        self.approver: str | None = None
        self.given: dict[str, list[str]] = {}  # who decides at a node whatever its words say
        self.intended: Callable[[Instance], AbstractContextManager[None]] = lambda _: (
            nullcontext()
        )  # with its change carried out
        self._active: dict[str, bool] = {}

    def new_id(self) -> str:
        return self.call.new_id()

    # -- people -----------------------------------------------------------------------------------------------------

    def people(self, instance: Instance, node: Node) -> list[str]:
        if node.name in self.given:
            return self.given[node.name]
        for words in choices(node.body.get("who")):
            if (
                words["chosen_by"] == "approver"
                and not instance.chosen.get(node.name)
                and self.approver is not None
            ):
                raise choose_first([node], self.call.actor.languages)
        return self._meant(instance, node.step, "who", node.body["who"])

    def instead(self, instance: Instance, rule: str) -> list[str]:
        words = self.program.tells(rule)
        return (
            self._meant(instance, self.program.root, f"{rule}.to", words["to"])
            if isinstance(words, Mapping)
            else []
        )

    def transfer_to(self, instance: Instance, node: Node, key: str) -> list[str]:
        return self._meant(
            instance, node.step, f"deadline.{key}.transfer", node.body["deadline"][key]["transfer"]
        )

    def among(self, instance: Instance, node: Node) -> list[str] | None:
        """Whom an approver may name at his step, to hand it on or to sign with him; None: anybody."""
        words = node.body.get("among")
        return None if words is None else self._meant(instance, node.step, "among", words)

    def offered(self, instance: Instance, node: Node) -> list[str] | None:
        """Whom one may choose for a node; None: anybody."""
        found: list[str] = []
        for number, words in enumerate(choices(node.body.get("who"))):
            if "from" not in words:
                return None
            listed = isinstance(node.body.get("who"), list)
            key = f"who[{number}].from" if listed else "who.from"
            found += self._meant(instance, node.step, key, words["from"])
        return list(dict.fromkeys(found))

    def _meant(self, instance: Instance, step: Step, key: str, words: Any) -> list[str]:
        with self._as_intended() as reading:
            return people(reading, step, key, words, self.subject(instance))

    @contextmanager
    def _as_intended(self) -> Iterator[Reading]:
        """The record; of a change that waits: as it would be with it."""
        if self.instance.intent is None:
            yield self.reading
            return
        with self.intended(self.instance):
            yield Reading(self.reading.conn, self.call)

    def above(self, person: str) -> list[str]:
        return managers_above(self.reading, person)

    def active(self, person: str) -> bool:
        if person not in self._active:
            found = of_users(self.reading, [person], "active").get(person)
            self._active[person] = found is not None and found.get("active") is not False
        return self._active[person]

    def substitute(self, instance: Instance, person: str) -> str | None:
        """Who stands in for somebody who is away now, in this approval."""
        row = self.reading.conn.execute(
            sql.SQL(
                'SELECT substitute::text FROM {} WHERE person = %s AND "from" <= %s AND (until IS NULL OR until > %s)'
                " AND (approvals = '{{}}' OR %s = ANY(approvals)) AND (objects = '{{}}' OR %s = ANY(objects))"
                ' ORDER BY "from" DESC, id LIMIT 1'
            ).format(sql.Identifier(self.call.schema, "sys__substitute")),
            (person, self.now, self.now, instance.approval, instance.object),
        ).fetchone()
        return str(row[0]) if row is not None and self.active(str(row[0])) else None

    # -- conditions and times ---------------------------------------------------------------------------------------

    def fits(self, case: Case) -> bool:
        with self._as_intended() as reading:
            return reading.holds(case.when, [self.subject(self.instance)])[0]

    def due(self, node: Node, again: bool) -> datetime | None:
        """When the time of a task that arrives now is over; `again`: when it is reminded of once more."""
        rule = node.body.get("deadline")
        if not rule:
            return None
        if again and rule.get("every"):
            return after(self.now, read_span(rule["every"]), self.reading.context)
        expression = node.step.expressions.get("deadline.after")
        with self._as_intended() as reading:
            value = (
                rule["after"]
                if expression is None
                else reading.evaluate(expression, [self.subject(self.instance)])[0]
            )
        if value is None or isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return self.reading.context.moment(datetime.combine(value, END_OF_DAY))
        span = value if isinstance(value, str) else f"{max(1, int(value) // 60)} minutes"
        return after(self.now, read_span(span), self.reading.context)

    # -- as flow sees it --------------------------------------------------------------------------------------------

    def subject(self, instance: Instance) -> Subject:
        return Subject(run=run_of(instance, self.call, approver=self.approver))


def run_of(
    instance: Instance, call: Call, *, rule: str = "", approver: str | None = None, **more: Any
) -> Run:
    """The instance as the run that flow's words and steps are asked for."""
    event = {
        "name": "approval", "at": call.now.isoformat(), "by": approver or instance.submitter, "approval": instance.approval,
        "instance": instance.id, "initiator": instance.initiator, "approver": approver, "comment": instance.comment,
        "chosen": {node: list(ids) for node, ids in instance.chosen.items()},
        "approvers": {
            node: list(dict.fromkeys(t.person for t in instance.at(node) if t.state == "approved" and t.kind == "approve"))
            for node in instance.places
        },
        **more,
    }  # fmt: skip
    return Run(
        id=call.new_id(), rule=rule or f"approval:{instance.approval}", version=instance.version, release=instance.release,
        object=instance.object, record=instance.record, causer=instance.submitter, event=event,
    )  # fmt: skip


def choose_first(nodes: Sequence[Node], languages: tuple[str, ...]) -> Refused:
    """Somebody is to be chosen before it goes on."""
    problems = [
        Problem(
            code="choose_people",
            message=Phrase(
                "choose who decides at {node}", node=label_of(n.body.get("label") or "", n.name, languages)
            ),
            path=f"chosen.{n.name}",
        )
        for n in nodes
    ]
    return Refused(problems, code="choose_people", hint=Phrase("send `chosen` with the node and the people"))
