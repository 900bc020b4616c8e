"""Contain: whether one actor may do everything another may: nobody gives away, or looks through, more than he has himself.

In: the model and two actors. Out: yes or no. Yes only where it is certain: what the other may do on some records, the first must
be allowed on all of them, for a scope such as "his own" means other records for each person. Reads no record.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from patron_engine.access.decide import Action, row_rule
from patron_engine.access.decision import Allow, Deny
from patron_engine.access.fields import ORDER, field_rule
from patron_engine.access.grants import Grant, grants_of, object_grants, roles_of
from patron_engine.access.roles import Role
from patron_engine.actor import Actor
from patron_engine.fields.field import Field
from patron_engine.model.model import Model


def contains(model: Model, first: Actor, other: Actor) -> bool:
    """Whether `first` has every right of `other`."""
    if first.administrator or first.system:
        return True
    if other.administrator or other.system:
        return False
    if not beside(model, other) <= beside(model, first):
        return False
    return all(_object(model, first, other, name) for name in model.objects)


def holds_role(model: Model, first: Actor, role: Role) -> bool:
    """Whether `first` has everything the role gives by itself, whoever has it: what is shared with people is not the role's."""
    if first.administrator or first.system:
        return True
    holder = Actor(user=None, roles=frozenset({role.name}), kind=role.for_users)
    if not beside(model, holder) <= beside(model, first):
        return False
    for object in model.objects.values():
        grants = [g for g in object_grants(model, object, (role,), holder) if g.source == "role"]
        actions = {a for g in grants for a in (g.actions or ())}
        if not all(_everywhere(model, first, action, object.name) for action in actions):
            return False
        if actions and not all(
            _field(model, first, field, grants, actions) for field in object.fields.values()
        ):
            return False
    return True


def _field(
    model: Model, first: Actor, field: Field, grants: Sequence[Grant], actions: Collection[str]
) -> bool:
    """Whether `first` has on every record what the grants give of the field."""
    if field.hidden or field.type == "secret" or (field.computed and not field.public):
        return True  # a computed field is read where all it is computed from is, and that is asked by itself
    mine, most = field_rule(model, first, field), max(ORDER[g.right(field)] for g in grants)
    set_by_hand = not (field.computed or field.system or field.readonly is True)
    changes = "update" in actions or "create" in actions
    if set_by_hand and changes and most >= ORDER["edit"] and not isinstance(mine.edit, Allow):
        return False
    if most >= ORDER["read"]:
        return isinstance(mine.plain, Allow)
    return most < ORDER["masked"] or isinstance(mine.masked, Allow)


def _everywhere(model: Model, actor: Actor, action: str, object: str) -> bool:
    word: Action = action  # type: ignore[assignment]
    return isinstance(row_rule(model, actor, word, object), Allow)


def beside(model: Model, actor: Actor) -> frozenset[str]:
    """The rights beside objects of an actor; those to design something by its name."""
    found: set[str] = set()
    for role in roles_of(model, actor):
        found |= role.actions
        found |= {"design:"} if role.design is None else {f"design:{name}" for name in role.design}
    return frozenset(found)


def _object(model: Model, first: Actor, other: Actor, name: str) -> bool:
    actions = {a for g in grants_of(model, other) if g.object in (None, name) for a in (g.actions or ())}
    for action in sorted(actions):
        word: Action = action  # type: ignore[assignment]
        if isinstance(row_rule(model, other, word, name), Deny):
            continue
        if not _everywhere(model, first, action, name):
            return False
    if not actions:
        return True
    for field in model.objects[name].fields.values():
        mine, his = field_rule(model, first, field), field_rule(model, other, field)
        for right in ("plain", "masked", "edit"):
            if not isinstance(getattr(his, right), Deny) and not isinstance(getattr(mine, right), Allow):
                return False
    return True
