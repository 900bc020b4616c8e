"""Grants: what an actor has been given, as values. Compiled from the model; the decisions read nothing else.

In: the model and the actor. Out: a tuple of grants. Today there is one: an administrator (and the system) may do
everything. Roles and sharing add theirs here, their conditions joined into one for each object and action.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from patron_engine.actor import Actor
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field
from patron_engine.model.model import Model

FieldRight = Literal["none", "read", "edit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right. `object` and `actions` None mean every one; `condition` None means every row.

    fields  (name, right) for what differs from `edit`; "*" names the rest
    reason  one sentence for the explanation, e.g. "administrator of the workspace"
    """

    reason: str
    object: str | None = None
    actions: frozenset[str] | None = None
    condition: Expression | None = None
    fields: tuple[tuple[str, FieldRight], ...] = ()

    def covers(self, object: str, action: str) -> bool:
        return self.object in (None, object) and (self.actions is None or action in self.actions)

    def reaches(self, field: Field, right: Literal["read", "update"]) -> bool:
        """Does the grant give this right on the field? Silent is edit, but none for a sensitive field unless the
        grant is the administrator's (which names no object)."""
        rights: Mapping[str, FieldRight] = dict(self.fields)
        silent: FieldRight = "none" if field.sensitive and self.object is not None else "edit"
        given = rights.get(field.name, rights.get("*", silent))
        return given == "edit" or (given == "read" and right == "read")


ADMINISTRATOR = (Grant(reason="administrator of the workspace"),)


def grants_of(model: Model, actor: Actor) -> tuple[Grant, ...]:
    """Everything `actor` has been given in this release."""
    if actor.administrator or actor.system:
        return ADMINISTRATOR
    return ()
