"""Inputs: what a computed value is made of, field by field. Whoever may not read all of it may not read the value.

In: the model and a formula or roll-up. Out: the fields it reads directly, on its own object and beyond links and sets.
Knows no actor.
"""

from __future__ import annotations

from collections.abc import Iterator

from patron_engine.expr.nodes import AggregateNode, Expression
from patron_engine.fields.field import Field, Formula, Rollup
from patron_engine.model.model import Model, Object


def inputs_of(model: Model, field: Field) -> frozenset[tuple[str, str]]:
    """(object, field) of everything a computed field reads in one step; empty for what is not computed."""
    own = model.objects[field.object]
    if isinstance(field.spec, Formula):
        return frozenset(_expression(model, field.spec.expression, own, own))
    if isinstance(field.spec, Rollup):
        return frozenset(_rollup(model, field.spec, own))
    return frozenset()


def paths_of(model: Model, expression: Expression, own: Object) -> frozenset[tuple[str, str]]:
    """The same of an expression over the fields of an object."""
    return frozenset(_expression(model, expression, own, own))


def _rollup(model: Model, rollup: Rollup, own: Object) -> Iterator[tuple[str, str]]:
    here = own
    for name in rollup.path:
        found = here.sets[here.aliases.get(name, name)]
        here = model.objects[found.object]
        yield here.name, found.field
    for path in (rollup.field, *(p for p, _ in rollup.sort)):
        if path:
            yield from _path(model, path, here, own)
    if rollup.where is not None:
        yield from _expression(model, rollup.where, here, own)


def _expression(
    model: Model, expression: Expression, here: Object, this: Object
) -> Iterator[tuple[str, str]]:
    for path in expression.paths:
        yield from _path(model, path, here, this)
    for node in expression.aggregates:
        yield from _aggregate(model, node, here, this)


def _aggregate(model: Model, node: AggregateNode, here: Object, this: Object) -> Iterator[tuple[str, str]]:
    owner: Object | None = here
    if node.base:
        first, _, rest = node.base.partition(".")
        base = rest if first == "this" else node.base
        owner = this if first == "this" else here
        for step in base.split(".") if base else ():
            link = owner.field(step) if owner is not None else None
            if owner is None or link is None:
                return
            yield owner.name, link.name
            owner = model.object(link.expr.objects[0])
    for name in node.sets:
        found = owner.sets.get(name) if owner is not None else None
        if found is None:
            return
        owner = model.objects[found.object]
        yield owner.name, found.field
    for inner in (node.value, node.condition):
        if inner is not None and owner is not None:
            yield from _expression(model, inner, owner, here)


def _path(model: Model, path: str, here: Object, this: Object) -> Iterator[tuple[str, str]]:
    steps = path.replace("[", ".[").split(".")
    start: Object | None = here
    if steps[0] in ("this", "old") and here.field(steps[0]) is None:
        start, steps = this, steps[1:]
    elif steps[0] == "me":
        start, steps = model.object("user"), steps[1:]
    at = start
    for position, step in enumerate(steps):
        if at is None or step.startswith("["):
            continue
        found = at.field(step)
        if found is None:
            return
        yield at.name, found.name
        if found.expr.kind != "link" or position + 1 == len(steps):
            return
        named = steps[position + 1]
        target = named[1:-1] if named.startswith("[") else found.expr.objects[0] if found.expr.objects else ""
        at = model.object(target)
