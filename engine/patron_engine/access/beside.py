"""Beside: the rights of an actor that are about no object: to see what is masked, to import a history, to design.

In: the model, the actor, the name of an action of roles. Out: whether one of his roles has it. Never reads a record.
"""

from __future__ import annotations

from typing import Literal

from patron_engine.access.grants import roles_of
from patron_engine.actor import Actor
from patron_engine.model.model import Model

Beside = Literal["import_history", "unmask", "revoke_approval", "manage_users", "design"]


def holds(model: Model, actor: Actor, action: Beside) -> bool:
    """An administrator and the system hold them all."""
    if actor.administrator or actor.system:
        return True
    return any(action in role.actions for role in roles_of(model, actor))
