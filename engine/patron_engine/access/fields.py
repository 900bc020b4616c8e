"""Field rights: which fields of an object an actor reads, sees masked and sets, and on which of its records.

In: the model, the actor, a field. Out: a `FieldRule` of decisions. A right on a field comes from the grants that reach the
record, the most permissive of them: where grants differ, the rule is a condition on the row, and the one place that makes
SQL of a request turns it into a CASE (query/binding). A computed field is read where all it is computed from is.
Never reads a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from patron_engine.access import grants as given
from patron_engine.access.decision import Allow, Decision, Deny, When, joined
from patron_engine.access.grants import Grant
from patron_engine.access.hidden import hidden_when, unless
from patron_engine.access.inputs import inputs_of
from patron_engine.access.roles import FieldRight
from patron_engine.access.scopes import both
from patron_engine.actor import Actor
from patron_engine.expr.nodes import Expression
from patron_engine.fields.field import Field
from patron_engine.model.model import Model

ORDER: Mapping[FieldRight, int] = {"none": 0, "masked": 1, "read": 2, "edit": 3}
NOTHING = Deny(reasons=("no grant gives this field",))
ASSIGNED = frozenset({"owner", "department", "queue", "record_type", "currency"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """The rows, among those he may read, on which he reads the field, sees at least its mask, and (among those he may
    change) sets it."""

    plain: Decision
    masked: Decision
    edit: Decision


def field_rule(model: Model, actor: Actor, field: Field) -> FieldRule:
    """The rule of one field, kept with the release."""
    kept = model.kept.setdefault("access.fields", {})
    grants = given.grants_of(model, actor)
    key = (id(grants), field.object, field.name)
    found: tuple[FieldRule, Sequence[Grant]] | None = kept.get(key)
    if found is None:
        found = kept[key] = (
            _rule(model, actor, grants, field),
            grants,
        )  # holds them, so that their id stays theirs
    return found[0]


def creates_with(model: Model, actor: Actor, field: Field) -> bool:
    """Whether who makes a record of this object may set the field in it, by what lets him make it."""
    grants = given.grants_of(model, actor)
    return any(g.covers(field.object, "create") and g.right(field) == "edit" for g in grants)


def _rule(model: Model, actor: Actor, grants: Sequence[Grant], field: Field) -> FieldRule:
    mine = [
        (g, _right(model, actor, g, field, frozenset())) for g in grants if g.covers(field.object, "read")
    ]
    changing = [
        (g, g.right(field))
        for g in grants
        if g.covers(field.object, "update") or g.covers(field.object, "create")
    ]
    rule = FieldRule(
        plain=_at_least(model, "read", mine) if _reads(field) else NOTHING,
        masked=_at_least(model, "masked", mine) if _reads(field) else NOTHING,
        edit=_at_least(model, "edit", changing) if _writes(field) else NOTHING,
    )
    hidden = hidden_when(model, field) if grants is not given.ADMINISTRATOR else None
    if hidden is None:
        return rule
    open = unless(hidden)
    return FieldRule(
        plain=_narrowed(rule.plain, open),
        masked=_narrowed(rule.masked, open),
        edit=_narrowed(rule.edit, open),
    )


def _narrowed(decision: Decision, open: Expression) -> Decision:
    """The same, where this holds too."""
    if isinstance(decision, Deny):
        return decision
    condition = both((decision.condition if isinstance(decision, When) else None, open))
    assert condition is not None
    return When(condition=condition, reasons=decision.reasons)


def _at_least(model: Model, right: FieldRight, rights: Iterable[tuple[Grant, FieldRight]]) -> Decision:
    """Where one of the grants gives this right. All of them: wherever the record is his at all."""
    every = list(rights)
    giving = [g for g, has in every if ORDER[has] >= ORDER[right]]
    if not giving:
        return NOTHING
    if len(giving) == len(every):
        return Allow(reasons=tuple(g.reason for g in giving))
    return joined(model, giving)


def _right(
    model: Model, actor: Actor, grant: Grant, field: Field, above: frozenset[tuple[str, str]]
) -> FieldRight:
    """What one grant gives of a field: for a computed one no more than of everything it is computed from, through any
    depth, unless its definition says `public`."""
    right = grant.right(field)
    if field.public or not field.computed or grant.object is None:
        return right
    seen = above | {(field.object, field.name)}
    for object, name in inputs_of(model, field) - seen:
        used = model.objects[object].fields[name]
        if not _reads(used):
            return "none"
        if object == field.object:
            inner = _right(model, actor, grant, used, seen)
        else:
            inner = "none" if not _somewhere(model, actor, used, seen) else "read"
        if ORDER[inner] < ORDER["read"]:
            return "none"
    return right


def _somewhere(model: Model, actor: Actor, field: Field, seen: frozenset[tuple[str, str]]) -> bool:
    grants = [g for g in given.grants_of(model, actor) if g.covers(field.object, "read")]
    return any(ORDER[_right(model, actor, g, field, seen)] >= ORDER["read"] for g in grants)


def readable(model: Model, actor: Actor, object: str) -> Mapping[str, Field]:
    """The fields of `object` the actor reads on some record, in the order of definition. Empty: the object is unknown to
    him. Write-only fields (secrets) and hidden ones are in nobody's, masked ones neither: they can be looked at only."""
    return _with(model, actor, object, "plain")


def visible(model: Model, actor: Actor, object: str) -> Mapping[str, Field]:
    """The fields he may look at, some of them as a mask."""
    return _with(model, actor, object, "masked")


def writable(model: Model, actor: Actor, object: str) -> Mapping[str, Field]:
    """The fields the actor may set by hand on some record. What the platform writes (computed, system) is in nobody's,
    except the owner's columns: whether those may be set is the action `assign`."""
    return _with(model, actor, object, "edit")


def _with(
    model: Model, actor: Actor, object: str, right: Literal["plain", "masked", "edit"]
) -> Mapping[str, Field]:
    found = model.objects.get(object)
    if found is None or not any(g.covers(object, "read") for g in given.grants_of(model, actor)):
        return {}
    return {
        name: field
        for name, field in found.fields.items()
        if not isinstance(getattr(field_rule(model, actor, field), right), Deny)
    }


def _reads(field: Field) -> bool:
    return not field.hidden and field.type != "secret"


def _writes(field: Field) -> bool:
    if field.hidden or field.computed or field.readonly is True:
        return False
    return not field.system or field.name in ASSIGNED
