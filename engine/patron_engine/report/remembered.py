"""Remembered: whether the history can tell everything that a report of a past moment reads; else where it cannot, and why.

In: the model, a Plan with `as_of`. Out: problems. Told are fields that are stored and whose object keeps history, and what is computed
of them. Not told are secrets, files, links to several records at once, what flow keeps beside a record, trees as they stood then,
and what people belonged to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from patron_engine.expr.nodes import AggregateNode, Expression
from patron_engine.fields.field import Field, FileSpec, Formula, Rollup
from patron_engine.model.model import LINKS, Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.source import path_steps
from patron_engine.report.answer import Axis
from patron_engine.report.between import THEN

if TYPE_CHECKING:
    from patron_engine.report.plan import Plan

ALWAYS: Final = frozenset({"id", "created_at", "created_by"})
SILENT: Final = frozenset({"version", "updated_at", "updated_by"})
OF_TODAY: Final = frozenset(
    {
        "IN_SEGMENT",
        "IN_DEPARTMENT",
        "IN_ROLE",
        "REPORTS_TO",
        "SAME_GROUP",
        "ON_DUTY",
        "UNDER",
        "REPEATED",
        "MINE_OR_BELOW",
        "MY_QUEUE",
        "IN_MY_TREE",
    }
)  # they ask tables that keep no history
DEEPEST: Final = 20  # fields computed of one another
HINT: Final = "leave it out, or ask the report as it is now"

Why = Phrase | None


def forgotten(model: Model, plan: Plan) -> list[Problem]:
    """What of a plan the history cannot tell."""
    found: list[tuple[str, Phrase]] = []

    def note(path: str, why: Why) -> None:
        if why is not None:
            found.append((path, why))

    note("object", _kept(model, plan.object.name))
    note("where", _expression(model, plan.object.name, plan.where))
    for axis, groups in (("rows", plan.rows), ("columns", plan.columns)):
        for index, group in enumerate(groups):
            note(
                f"{axis}[{index}]",
                _level(group.axis, group.tree) or _path(model, plan.object.name, group.place.path),
            )
    for base in plan.bases:
        at = f"measures.{base.name}"
        note(at, _path(model, plan.object.name, base.place.path) if base.place is not None else None)
        note(
            at,
            _expression(model, plan.object.name, base.value)
            or _expression(model, plan.object.name, base.where),
        )
    if plan.units - {THEN} and not any(g.period and not g.place.sets for g in plan.groups):
        note("measures", Phrase("PREVIOUS of a past moment needs a group by time"))
    return [
        Problem(code="past_unknown", message=why, path=path, hint=HINT) for path, why in dict.fromkeys(found)
    ]


def _level(axis: Axis, tree: str | None) -> Why:
    return None if axis.kind != "level" or tree is None else Phrase("how the tree stood then is not kept")


def _kept(model: Model, object: str) -> Why:
    return None if model.objects[object].history else Phrase("{object} keeps no history", object=object)


def _expression(model: Model, object: str, made: Expression | None, depth: int = 0) -> Why:
    """The first thing of an expression that is not told."""
    return (
        next((why for why in _of(model, object, made, depth) if why is not None), None)
        if made is not None
        else None
    )


def _of(model: Model, object: str, made: Expression, depth: int) -> Iterator[Why]:
    asked = sorted(made.functions & OF_TODAY)
    if asked:
        yield Phrase("{function} is not known of the past", function=asked[0])
    for path in sorted(made.paths):
        if path_steps(path)[0] in ("me", "me()"):
            yield None if path_steps(path)[1:] in ((), ("id",)) else Phrase("what you were then is not known")
        else:
            yield _path(model, object, path.removeprefix("this."), depth)
    for node in made.aggregates:
        yield _aggregate(model, object, node, depth)


def _aggregate(model: Model, object: str, node: AggregateNode, depth: int) -> Why:
    base = [] if node.base in ("", "this") else [node.base.removeprefix("this.")]
    return (
        (_path(model, object, ".".join([*base, *node.sets, "id"]), depth) if node.sets else None)
        or _expression(model, node.object, node.value, depth)
        or _expression(model, node.object, node.condition, depth)
    )


def _path(model: Model, object: str, path: str, depth: int = 0) -> Why:
    """Why a path is not told; None where it is."""
    here, steps = model.objects[object], list(path_steps(path))
    while steps:
        why = _kept(model, here.name)
        if why is not None:
            return why
        name = steps.pop(0)
        field = here.field(name)
        if field is None:
            below = here.sets.get(here.aliases.get(name, name))
            if below is None:
                return Phrase("{name} is kept beside the record, without history", name=name)
            if below.many:
                return Phrase("which records belonged to {name} then is not kept", name=name)
            here = model.objects[below.object]
            continue
        why = _field(model, field, depth)
        if why is not None or not steps:
            return why
        if field.expr.kind != "link":
            return None  # a part of it
        named = steps.pop(0)[1:-1] if steps[0].startswith("[") else field.expr.objects[0]
        here = model.objects[named]
    return None


def _field(model: Model, field: Field, depth: int) -> Why:
    label = f"{field.object}.{field.name}"
    if field.name in ALWAYS:
        return None
    many = field.type in LINKS and field.link.many
    if (
        field.name in SILENT
        or field.encrypted
        or field.type == "secret"
        or many
        or isinstance(field.spec, FileSpec)
    ):
        return Phrase("{field} keeps no history", field=label)
    if depth > DEEPEST:
        return Phrase("{field} is computed of too many others", field=label)
    if isinstance(field.spec, Formula):
        if not field.spec.expression.has_sql:
            return Phrase("{field} cannot be worked out of the past", field=label)
        return _expression(model, field.object, field.spec.expression, depth + 1)
    if isinstance(field.spec, Rollup):
        if field.spec.deep:
            return Phrase("how the tree stood then is not kept")
        path = ".".join([*field.spec.path, field.spec.field or "id"])
        below = model.objects[field.object]
        for step in field.spec.path:
            below = model.objects[below.sets[below.aliases.get(step, step)].object]
        return _path(model, field.object, path, depth + 1) or _expression(
            model, below.name, field.spec.where, depth + 1
        )
    return None
