"""Beside: rights that are about no object: to manage people, to unmask, to import with the dates of old records.

In: the model and an actor. Out: whether one of his roles names the right. An administrator has them all.
"""

from __future__ import annotations

from patron_engine.access.grants import roles_of
from patron_engine.actor import Actor
from patron_engine.model.model import Model


def holds(model: Model, actor: Actor, right: str) -> bool:
    return actor.administrator or actor.system or any(right in r.actions for r in roles_of(model, actor))
