"""Decide: may this actor do this, and on which rows. The one place both ways, save and read, ask.

In: the model, the actor, an action on an object (and a field). Out: `Allow | Deny | When(condition)`, each with its
reasons. A condition is a compiled expression over the object's own columns and the actor (`me()`): the planner puts it
on every table it reads, the targets of paths included, and a save judges the locked row and the after-image by it.

An object or field that one may not read is unknown: callers answer as for a name that does not exist.
Never reads a record and never talks to a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from patron_engine.access.grants import Grant, audience, grants_of
from patron_engine.access.scopes import either
from patron_engine.access.inputs import inputs_of
from patron_engine.actor import Actor
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field
from patron_engine.model.model import Model

Action = Literal[
    "read", "create", "update", "delete", "restore", "purge", "void", "assign", "share", "convert", "merge",
    "transfer", "import", "export", "bulk",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Every row."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """No row. For reading that means: the object does not exist for this actor."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The rows that fit `condition`, an expression whose bare names are the row's and whose `me()` is the actor."""

    condition: Expression
    reasons: tuple[str, ...]


Decision = Allow | Deny | When


def decide(model: Model, actor: Actor, action: Action, object: str, field: str | None = None) -> Decision:
    """May `actor` do `action` on records of `object` (and touch `field` in doing so)?"""
    rule = row_rule(model, actor, action, object)
    if field is None or isinstance(rule, Deny):
        return rule
    names = readable(model, actor, object) if action in ("read", "export") else writable(model, actor, object)
    if field not in names:
        return Deny(reasons=(f"{object} has no field {field!r} that {_who(actor)} may use",))
    return rule


def row_rule(model: Model, actor: Actor, action: Action, object: str) -> Decision:
    """Which rows of `object` the action reaches."""
    if object not in model.objects:
        return Deny(reasons=(f"there is no object {object!r}",))
    found = [(g, g.condition) for g in grants_of(model, actor) if g.covers(object, action)]
    return _ruled(model, actor, action, object, found)


def after_rule(model: Model, actor: Actor, action: Action, object: str) -> Decision:
    """Which rows a record may be among once it was handed to somebody else: the roles' conditions without their scopes."""
    found = [(g, g.after) for g in grants_of(model, actor) if g.covers(object, action)]
    return _ruled(model, actor, action, object, found)


def _ruled(
    model: Model, actor: Actor, action: Action, object: str, found: Sequence[tuple[Grant, Expression | None]]
) -> Decision:
    """Rights are additive: one without condition is enough, else one of the conditions must hold."""
    if not found:
        return Deny(reasons=(f"nothing grants {_who(actor)} to {action} {object}",))
    conditions = []
    for grant, condition in found:
        if condition is None:
            return Allow(reasons=(grant.reason,))
        conditions.append(condition)
    return When(condition=_either(model, conditions), reasons=tuple(g.reason for g, _ in found))


def _either(model: Model, conditions: Sequence[Expression]) -> Expression:
    """One expression for the same conditions however often they are asked: what others make of it is kept by it."""
    kept = model.kept.setdefault("access.either", {})
    key = tuple(map(id, conditions))
    found: tuple[Expression, Sequence[Expression]] | None = kept.get(key)
    if found is None:
        found = kept[key] = (either(conditions), conditions)  # holds them, so that no id is given twice
    return found[0]


def readable(model: Model, actor: Actor, object: str) -> Mapping[str, Field]:
    """The fields of `object` the actor may read, in the order of definition. Empty: the object is unknown to him.

    Write-only fields (secrets) and hidden ones are in nobody's.
    """
    return _fields(model, actor, object, "read")


def writable(model: Model, actor: Actor, object: str) -> Mapping[str, Field]:
    """The fields the actor may set by hand. What the platform writes (computed, system) is in nobody's, except the
    owner's columns: whether those may be set is the action `assign`."""
    return _fields(model, actor, object, "update")


ASSIGNED = frozenset({"owner", "department", "queue", "record_type", "currency"})


def _fields(model: Model, actor: Actor, object: str, right: Literal["read", "update"]) -> Mapping[str, Field]:
    found = model.objects.get(object)
    grants = grants_of(model, actor)
    rights = tuple(g for g in grants if g.covers(object, "read"))
    if not rights or found is None:
        return {}
    kept = _reads if right == "read" else _writes
    everything = any(g.object is None and not g.fields for g in rights)
    return {
        name: field
        for name, field in found.fields.items()
        if kept(field) and (everything or _given(model, grants, field, right, frozenset()))
    }


def _given(
    model: Model,
    grants: tuple[Grant, ...],
    field: Field,
    right: Literal["read", "update"],
    above: frozenset[tuple[str, str]],
) -> bool:
    """A grant reaches the field, and all it is computed from, unless its definition says `public`."""
    if not any(g.covers(field.object, "read") and g.reaches(field, right) for g in grants):
        return False
    if right != "read" or field.public or not field.computed:
        return True
    seen = above | {(field.object, field.name)}
    for object, name in inputs_of(model, field) - seen:
        used = model.objects[object].fields[name]
        if not _reads(used) or not _given(model, grants, used, right, seen):
            return False
    return True


def _reads(field: Field) -> bool:
    return not field.hidden and field.type != "secret"


def _writes(field: Field) -> bool:
    if field.hidden or field.computed or field.readonly is True:
        return False
    return not field.system or field.name in ASSIGNED


def _who(actor: Actor) -> str:
    return actor.name or actor.user or "an unknown caller"
