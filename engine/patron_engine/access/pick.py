"""Pick: which of several documents of one target is this person's: the first that fits by `for`, then priority.

In: the model, an actor, a kind and an object. Out: bodies in the order they count. Documents of upper layers come first
among equals: the fold keeps them last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.actor import Actor
from patron_engine.model.model import Model

Body = Mapping[str, Any]


def documents_for(
    model: Model, actor: Actor, kind: str, object: str | None = None, record_type: str | None = None
) -> list[Body]:
    """The documents of a kind (about an object) that are for this person and type of record, best first."""
    found = [
        (index, body)
        for index, ((k, _), body) in enumerate(model.documents.items())
        if k == kind and (object is None or body.get("object") == object) and fits(body, actor, record_type)
    ]
    found.sort(key=lambda pair: (
        not _his(pair[1], actor), -int(pair[1].get("priority") or 0), not _narrow(pair[1]), pair[0],
    ))  # fmt: skip
    return [body for _, body in found]


def fits(body: Body, actor: Actor, record_type: str | None = None) -> bool:
    """Whether `for` reaches this person and type. Departments, groups and shares come with access."""
    audience = body.get("for") or {}
    types, roles = audience.get("record_types") or (), audience.get("roles") or ()
    if types and record_type not in types:
        return False
    return not roles or actor.administrator or bool(actor.roles & set(roles))


def _his(body: Body, actor: Actor) -> bool:
    """Whether it is for his own roles: an administrator reaches the others too, but only after those for everybody."""
    roles = (body.get("for") or {}).get("roles") or ()
    return not roles or bool(actor.roles & set(roles))


def _narrow(body: Body) -> bool:
    """One that names whom it is for comes before one for everybody."""
    audience = body.get("for") or {}
    return any(audience.get(key) for key in ("roles", "record_types", "departments", "groups"))
