"""Managing: who may invite people, see their sign-ins and end their sessions.

In: the model, an actor. Out: yes or Forbidden. Administrators may, and who has a role with the right `manage_users`.
"""

from __future__ import annotations

from patron_engine.access.roles import given_of
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden
from patron_engine.model.model import Model


def manages_users(model: Model, actor: Actor) -> bool:
    """Whether the actor looks after the people of the workspace."""
    roles = given_of(model).roles
    return actor.administrator or any(
        "manage_users" in role.actions
        for name in actor.roles
        if (role := roles.get(name)) is not None and role.for_users == actor.kind
    )


def demand(model: Model, actor: Actor) -> None:
    """Forbidden for who does not."""
    if not manages_users(model, actor):
        raise Forbidden("only who has the right `manage_users` may do this", code="manage_users")
