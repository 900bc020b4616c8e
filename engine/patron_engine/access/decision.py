"""Decision: what a question about rights is answered with: every row, none, or those that fit a condition, with reasons.

In: grants. Out: values. Rights are additive: one grant without condition is enough, else one of the conditions must hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patron_engine.access.grants import Grant
from patron_engine.access.scopes import either
from patron_engine.expr.nodes import Expression
from patron_engine.model.model import Model


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


def joined(model: Model, grants: Sequence[Grant], *, after: bool = False) -> Decision:
    """What these grants give together, at least one. `after`: of a record that was handed to somebody else, the roles'
    conditions without their scopes."""
    conditions = []
    for grant in grants:
        condition = grant.after if after else grant.condition
        if condition is None:
            return Allow(reasons=(grant.reason,))
        conditions.append(condition)
    return When(condition=_either(model, conditions), reasons=tuple(g.reason for g in grants))


def _either(model: Model, conditions: Sequence[Expression]) -> Expression:
    """One expression for the same conditions however often they are asked: what others make of it is kept by it."""
    kept = model.kept.setdefault("access.either", {})
    key = tuple(map(id, conditions))
    found: tuple[Expression, Sequence[Expression]] | None = kept.get(key)
    if found is None:
        found = kept[key] = (either(conditions), conditions)  # holds them, so that no id is given twice
    return found[0]
