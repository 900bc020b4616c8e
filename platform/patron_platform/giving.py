"""Giving: which roles somebody has, set by who manages people, never more than he has himself.

In: who gives, to whom, the roles. Out: the user's record saved through the way save, with history and rules. Forbidden for a
role that holds more than the giver: managing people is no way to become an administrator.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from patron_engine.access.contain import contains, holds_role
from patron_engine.access.roles import given_of
from patron_engine.actor import Actor, Cause
from patron_engine.errors import Forbidden, NotFound
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.record.change import Change
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague


def may_give(model: Model, giver: Actor, role: str, kind: str) -> bool:
    """Whether the giver has everything the role gives."""
    found = given_of(model).roles.get(role)
    return found is not None and found.for_users == kind and holds_role(model, giver, found)


def give_roles(
    workspace: Workspace, model: Model, giver: Actor, cause: Cause, to: Colleague, roles: Collection[str],
    more: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Saves exactly these roles, and `more` of the record. What he has already may stay, whatever it gives."""
    known = given_of(model).roles
    before = to.actor.roles
    for name in sorted(set(roles) - before):
        if name not in known:
            raise NotFound(Phrase("there is no role {name!r}", name=name[:60]))
        if not may_give(model, giver, name, to.actor.kind):
            raise Forbidden(
                Phrase("the role {name!r} is not yours to give", name=name),
                hint="it holds rights you do not have, or is for people of another kind",
            )
    if (before - set(roles)) and not contains(model, giver, to.actor):
        raise Forbidden(
            "you may not take roles from somebody who may do more than you", hint="an administrator may"
        )
    values = {**(more or {}), "roles": sorted(roles) or None}
    workspace.save(giver, [Change(action="update", object="user", id=to.id, set=values)], cause=cause)
