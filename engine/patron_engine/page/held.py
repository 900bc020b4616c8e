"""Held: what a stage holds a record with, as something that can be done on the spot.

In: the problems of a refused move. Out: a `Held`: fields of the record that the conditions of those tasks and criteria look at, a
follow-up where they count activities, and the sets whose records they count. Whether that is enough the save judges again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patron_engine.access.decide import readable, writable
from patron_engine.access.pick import Body, documents_for
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field
from patron_engine.model.model import LinkSet, Object
from patron_engine.page.asked import small_widget
from patron_engine.page.follow_up import FollowUp, follow_up_of
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.stage_tasks import task_key

CODES = frozenset({"stage_task", "stage_criterion"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`problems` are those something can be done about. One alone of `fields` and `follow_up` may be enough: none is demanded."""

    problems: tuple[Problem, ...] = ()
    fields: tuple[Field, ...] = ()
    follow_up: FollowUp | None = None
    sets: tuple[LinkSet, ...] = ()


def held(call: Call, object: Object, problems: Iterable[Problem]) -> Held:
    """What the problems of a move offer. Problems nothing can be done about here are not among its own."""
    mended: list[Problem] = []
    fields: dict[str, Field] = {}
    sets: dict[str, LinkSet] = {}
    may = writable(call.model, call.actor, object.name)
    for problem in problems:
        if (problem.path or "").startswith("log."):  # of the follow-up itself
            mended.append(problem)
            continue
        found = _conditions(call, object, problem) if problem.level == "error" else ()
        own = {
            f.name: f
            for c in found
            for path in sorted(c.paths)
            if (f := may.get(path)) is not None and path != problem.path and small_widget(f) is not None
        }
        below = {s.name: s for c in found for s in _sets(call, object, c)}
        if own or below:
            mended.append(problem)
            fields |= own
            sets |= below
    logged = sets.pop("activities", None)
    follow_up = follow_up_of(call, object) if logged else None
    if logged and follow_up is None:
        sets["activities"] = logged
    return Held(
        problems=tuple(mended), fields=tuple(fields.values()), follow_up=follow_up, sets=tuple(sets.values())
    )


def _conditions(call: Call, object: Object, problem: Problem) -> Sequence[Expression]:
    """The conditions that a task or a criterion of this name waits for."""
    if problem.code not in CODES or not problem.rule:
        return ()
    bodies = documents_for(call.model, call.actor, "stage_path", object.name)
    keys = [
        (body["name"], key)
        for body in bodies
        if body["field"] == problem.path
        for key in _keys(body, problem)
    ]
    found = [call.model.expressions.get(("stage_path", name, key)) for name, key in keys]
    return [f for f in found if f is not None]


def _keys(body: Body, problem: Problem) -> list[str]:
    if problem.code == "stage_task":
        named = [(s["name"], t["name"]) for s in body["stages"] for t in s.get("tasks") or ()]
        return [task_key(stage, task, "done_when") for stage, task in named if task == problem.rule]
    return [
        f"stages.{stage['name']}.{kind}.{criterion['name']}.when"
        for stage in body["stages"]
        for kind in ("enter_when", "leave_when")
        for criterion in stage.get(kind) or ()
        if criterion["name"] == problem.rule
    ]


def _sets(call: Call, object: Object, condition: Expression) -> list[LinkSet]:
    """Sets of the record itself that are counted, of objects he may read."""
    names = [a.sets[0] for a in condition.aggregates if a.base == "" and len(a.sets) == 1]
    found = [object.sets[n] for n in names if n in object.sets]
    return [s for s in found if s.field in readable(call.model, call.actor, s.object)]
