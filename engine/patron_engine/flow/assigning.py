"""Assigning: an assignment as a program, and whom its rules choose. Plan stage.

In: the document of an assignment; runs of it, what they read. Out: a `Flow` of one step, and of another after each pause of `again`;
for each run an `Act`: the owner or the queue, and `Chosen`, which keeps whose turn it was and why it was he.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine import jsonio
from patron_engine.expr.compile import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.flow import turns
from patron_engine.flow.act import Act, Command
from patron_engine.flow.choosing import by_chance, by_load, in_turns, without
from patron_engine.flow.people import people
from patron_engine.flow.program import Do, Flow, Step, flow_at, flow_of
from patron_engine.flow.select import outside_of, roots_of
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import matches_of
from patron_engine.model.automations import events_of
from patron_engine.model.model import Model
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.change import Change
from patron_engine.store.tables import Id

DO: Final = "assign_by_rules"
CANDIDATES: Final = "candidates"


@dataclass(frozen=True, slots=True)
class Chosen(Command):
    """Who got a record by which rule. `list` is the list of turns, "" where nobody's turn counts."""

    object: str
    record: str
    assignment: str
    rule: str
    person: str | None
    queue: str | None
    list: str
    told: Mapping[str, Any] = field(default_factory=dict)


def program_in(model: Model, name: str) -> Flow | None:
    """An automation by its name, an assignment as `assignment:name`, the steps of another document as `kind:name:path`."""
    kind, _, rest = name.partition(":")
    if not rest:
        return flow_of(model, name)
    return (
        flow_of_assignment(model, rest) if kind == "assignment" and ":" not in rest else flow_at(model, name)
    )


def flow_of_assignment(model: Model, name: str) -> Flow | None:
    """The assignment of that name as a program; None when there is none, or it is switched off."""
    body = model.documents.get(("assignment", name))
    if body is None or body.get("active") is False:
        return None
    expressions = {key[2]: e for key, e in model.expressions.items() if key[:2] == ("assignment", name)}
    told = {k: body.get(k) for k in ("object", "rules", "again")}
    version = sha256(jsonio.dumps(told)).hexdigest()[:16]
    rule = f"assignment:{name}"

    def step(path: str, do: str, body: Mapping[str, Any], expressions: Mapping[str, Expression]) -> Do:
        return Do(
            step=Step(
                name=None, do=do, path=path, rule=f"{rule}.{version}", body=body, expressions=expressions
            )
        )

    code = [step("rules", DO, body, expressions)]
    again = body.get("again") or {}
    for _ in range(again.get("times", 1) if again else 0):
        code.append(step("again.after", "wait", {"for": again["after"]}, {}))
        still = {"when": expressions["again.while"]} if "again.while" in expressions else {}
        code.append(
            step("again", DO, body, {**{k: e for k, e in expressions.items() if k != "when"}, **still})
        )
    return Flow(
        name=rule, object=body["object"], version=version, on=events_of(body), when=None, stop_when=None, once="per_change",
        by_system=True, code=tuple(code),
    )  # fmt: skip


def assign_by_rules(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first rule that fits each record chooses. A rule that finds nobody leaves the record to the next one."""
    served: dict[str, dict[str, int]] = {}
    loads: dict[str, dict[str, int]] = {}
    name = flow.name.partition(":")[2]
    return [_act(reading, step, name, subject, served, loads) for subject in subjects]


def _act(
    reading: Reading, step: Step, name: str, subject: Subject,
    served: dict[str, dict[str, int]], loads: dict[str, dict[str, int]],
) -> Act:  # fmt: skip
    owner = None
    if step.path == "again" and subject.run.record:
        found = fetch_values(
            reading.conn, reading.call, str(subject.run.object), [subject.run.record], ["owner"]
        )
        owner = found.get(subject.run.record, {}).get("owner")
    why: list[dict[str, Any]] = []
    for rule in step.body["rules"]:
        when = step.expressions.get(f"rules.{rule['name']}.when")
        if not reading.holds(when, [subject])[0]:
            why.append({"rule": rule["name"], "why": "when"})
            continue
        made = _chosen(reading, step, name, rule, subject, owner, served, loads)
        if made is None:
            why.append({"rule": rule["name"], "why": "nobody"})
            continue
        values: dict[str, Any] = {"owner": made.person}
        object = reading.call.model.objects[made.object]
        if made.queue is not None:
            values = {"owner": None, "queue": {"code": made.queue}}
        change = Change(action="update", object=object.name, id=made.record, set=values, source="wire")
        told = {"rule": rule["name"], "to": made.person or made.queue, **made.told, "before": why}
        return Act(changes=(change,), commands=(made,), told=told)
    return Act(told={"left_out": "nobody", "before": why})


def _chosen(
    reading: Reading, step: Step, name: str, rule: Mapping[str, Any], subject: Subject, owner: str | None,
    served: dict[str, dict[str, int]], loads: dict[str, dict[str, int]],
) -> Chosen | None:  # fmt: skip
    run, by = subject.run, rule.get("by", "turns")
    list = f"assignment:{name}:{rule['name']}"

    def made(person: str | None, queue: str | None, turn: bool, **told: Any) -> Chosen:
        return Chosen(
            run.object or "", run.record or "", name, rule["name"], person, queue, list if turn else "", told
        )

    to = rule["to"]
    if isinstance(to, Mapping) and isinstance(to.get("queue"), str):
        return made(None, to["queue"], False, by="queue") if _there_is(reading, to["queue"]) else None
    among = people(reading, step, f"rules.{rule['name']}.to", to, subject)
    away = turns.absent(reading.conn, reading.call, among, run.object) if rule.get("skip_absent") else set()
    there = [p for p in without(among, away) if p != owner]
    told = {"by": by, "among": len(among), "absent": len(away)}
    if not there:
        return None
    if by == "load" or rule.get("max") is not None:
        if list not in loads:
            turns.served(reading.conn, reading.call, list, [])  # whoever counts at the same time waits
            loads[list] = {}
        has = loads[list]
        missing = [p for p in there if p not in has]
        has.update({p: 0 for p in missing} | _load(reading, step, rule, subject, missing))
        there = [p for p in there if rule.get("max") is None or has[p] < rule["max"]]
        if not there:
            return None
    if by == "load":
        (person,) = by_load(there, loads[list], most=rule.get("max"))
        told["has"] = loads[list][person or ""]
    elif by == "random":
        (person,) = by_chance(there, [f"{run.id}:{step.path}:{run.at}"])
    else:
        known = served.get(list)
        if known is None or any(p not in known for p in there):
            known = served[list] = {**turns.served(reading.conn, reading.call, list, there), **(known or {})}
        (person,) = in_turns(there, known)
        known[person or ""] = max(known.values(), default=0) + 1
    if list in loads and person is not None:
        loads[list][person] = loads[list].get(person, 0) + 1
    return made(person, None, by == "turns", **told)


def _there_is(reading: Reading, queue: str) -> bool:
    """A queue that nobody made, or that was deleted, is nobody: the next rule chooses."""
    known = reading.call.model.objects.get("queue")
    return known is not None and matches_of(reading, known, ("code",), [{"code": queue}]) != [None]


def _load(
    reading: Reading, step: Step, rule: Mapping[str, Any], subject: Subject, among: Sequence[str]
) -> dict[str, int]:
    """Person -> how many of the records that count are his; of the object itself where nobody says which."""
    call = reading.call
    object = str((rule.get("load") or {}).get("object") or subject.run.object)
    if not among or "owner" not in call.model.objects[object].fields:
        return {}
    where = step.expressions.get(f"rules.{rule['name']}.load.where")

    def make() -> Any:
        row = Building(tables=call.tables).root(object)
        binding = SqlBinding(row=row, roots=roots_of(where))
        owner = binding.value(row, ("owner",))
        query = sa.select(owner, sa.func.count()).select_from(row.source.from_).group_by(owner)
        conditions = [owner == sa.any_(parameter(CANDIDATES, pg.ARRAY(Id()))), *row.live(voided=False)]
        if where is not None:
            conditions.append(condition_sql(where, binding))
        return compiled(query.where(*conditions), call.model.release)

    statement = kept(call.tables).get(("assigning.load", step.rule, rule["name"]), make)
    given = {**call_values(call), **outside_of(reading, where, [subject])[0], CANDIDATES: [*among]}
    rows = reading.conn.execute(statement.text, statement.values(given)).fetchall()
    return {str(person): int(count) for person, count in rows}
