"""Contain: whether one actor may do everything another may: nobody gives away, or looks through, more than he has himself.

In: the model and two actors. Out: yes or no. Yes only where it is certain: what the other may do on some records, the first must
be allowed on all of them, for a scope such as "his own" means other records for each person. Reads no record.
"""

from __future__ import annotations

from patron_engine.access.decide import Action, row_rule
from patron_engine.access.decision import Allow, Deny
from patron_engine.access.fields import field_rule
from patron_engine.access.grants import grants_of, roles_of
from patron_engine.actor import Actor
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
        if not isinstance(row_rule(model, first, word, name), Allow):
            return False
    if not actions:
        return True
    for field in model.objects[name].fields.values():
        mine, his = field_rule(model, first, field), field_rule(model, other, field)
        for right in ("plain", "masked", "edit"):
            if not isinstance(getattr(his, right), Deny) and not isinstance(getattr(mine, right), Allow):
                return False
    return True
