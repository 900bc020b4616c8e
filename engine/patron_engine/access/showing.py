"""Showing: whether definitions would show, to their author or to everybody, what he may not read himself.

In: the release in force, the one that would be, the author. Out: the fields that would. A field that says `public` is read by whoever
reads its record, whatever it is computed from; what a default or `fill` copies is a value like any other from then on. So of what is
new in them the author must be able to read everything, on every record. What was there before was for others to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from patron_engine.access.decide import row_rule
from patron_engine.access.decision import Allow, Deny
from patron_engine.access.fields import field_rule
from patron_engine.access.inputs import inputs_of, paths_of
from patron_engine.actor import Actor
from patron_engine.expr.nodes import Expression
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.model.model import Model, Object

Name = tuple[str, str]  # object, field
Used = tuple[
    Any, bool
]  # what the definitions say of a field, and whether its values are shown of every record
SAID: Final = frozenset(  # computes nothing
    {
        "label",
        "help",
        "after",
        "required",
        "readonly",
        "visible",
        "unique",
        "indexed",
        "sensitive",
        "deprecated",
    }
)


def shows_more(old: Model | None, new: Model, actor: Actor) -> list[Field]:
    """The fields of the new release that would show him, or others, more than he may read."""
    if actor.administrator or actor.system:
        return []
    return [
        field
        for object in new.objects.values()
        for field in object.fields.values()
        if (chain := _chain(new, field)) and chain != _before(old, field) and not _reads(new, actor, chain)
    ]


def _before(old: Model | None, field: Field) -> Mapping[Name, Used]:
    known = old.objects.get(field.object) if old is not None else None
    found = known.fields.get(field.name) if known is not None else None
    return _chain(old, found) if old is not None and found is not None else {}


def _chain(model: Model, field: Field) -> Mapping[Name, Used]:
    """Everything whose values the field shows, through any depth, with what the definitions say of each; empty for a field that
    shows nothing but itself."""
    open_ones = list(_shown(model, field))
    if not open_ones:
        return {}
    made: dict[Name, Used] = {(field.object, field.name): (_said(model, field), False)}
    while open_ones:
        name, everywhere = open_ones.pop()
        if name not in made:
            used = model.objects[name[0]].fields[name[1]]
            made[name] = (_said(model, used) if used.computed else None, everywhere)
            open_ones += [(inner, everywhere) for inner in inputs_of(model, used)]
    return made


def _shown(model: Model, field: Field) -> Iterator[tuple[Name, bool]]:
    """What a field shows in one step, and whether of every record. A default may use what stands beside it; whoever links a record
    sees it, if not all its fields."""
    own = model.objects[field.object]
    if field.computed and field.public:
        yield from ((name, True) for name in inputs_of(model, field))
    if isinstance(field.default, Expression):
        for name in paths_of(model, field.default, own):
            if name[0] != own.name or own.fields[name[1]].computed:
                yield name, True
    if isinstance(field.spec, LinkSpec) and field.spec.fill:
        for path in field.spec.fill.values():
            for to in field.spec.to:
                yield from ((name, False) for name in _along(model, path, model.objects.get(to)))


def _along(model: Model, path: str, here: Object | None) -> Iterator[Name]:
    """The fields a plain path goes through."""
    for step in path.split("."):
        found = here.field(step) if here is not None else None
        if found is None:
            return
        yield found.object, found.name
        here = (
            model.object(found.expr.objects[0]) if found.expr.kind == "link" and found.expr.objects else None
        )


def _said(model: Model, field: Field) -> Any:
    """What the definition says of a field, but for its words."""
    body = model.documents.get(("object", field.object)) or {}
    for each in body.get("fields") or ():
        if each.get("name") == field.name:
            return {k: v for k, v in each.items() if k not in SAID}
    return None


def _reads(model: Model, actor: Actor, chain: Mapping[Name, Used]) -> bool:
    """Whether he reads all of it. What is computed is read where all it is made of is."""
    first = next(iter(chain))
    for (object, name), (_, everywhere) in chain.items():
        used = model.objects[object].fields[name]
        if (object, name) == first or used.computed:
            continue
        rows = row_rule(model, actor, "read", object)
        if isinstance(rows, Deny) or (everywhere and not isinstance(rows, Allow)):
            return False
        if not isinstance(field_rule(model, actor, used).plain, Allow):
            return False
    return True
