"""Pools: what membership of a pool gives, and what a record that waits hides from everybody.

In: the model, an object. Out: for each pool the condition of its members and managers; the fields it hides, and when. A member reads the records that wait, as his roles say, but for the fields that the pool hides until one is
claimed: these nobody reads but administrators. Decides nothing: grants.py and fields.py make rights of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from patron_engine.access import scopes
from patron_engine.actor import Actor
from patron_engine.expr.compile import expression_of
from patron_engine.expr.functions import people
from patron_engine.expr.nodes import Call, Expression, Path
from patron_engine.expr.types import BOOLEAN, ExprType
from patron_engine.model.model import Model, Object

MANY: Final = ("managers", "members")  # keys of a pool that name people
# Of which object, the paths that are hidden, and when they are: of a record, or of the one at the end of a link of it.
Hider = tuple[str, Sequence[str], Callable[[str, str], Expression]]


def pools_of(model: Model, object: str) -> list[Mapping[str, Any]]:
    """The pools of an object, the first first."""
    found = [b for (kind, _), b in model.documents.items() if kind == "pool" and b["object"] == object]
    return sorted(found, key=lambda b: -int(b.get("priority") or 0))


def membership(model: Model, object: Object) -> Iterator[tuple[str, tuple[Expression, ...]]]:
    """(pool, conditions): the record waits in it, and the actor is one of its people."""
    if "owner" not in object.fields:
        return
    for body in pools_of(model, object.name):
        yield body["name"], (waiting(object.name, "id", [body["name"]]), of_people(model, object, body, MANY))


def may_be_one(actor: Actor, body: Mapping[str, Any]) -> bool:
    """Whether he may be one of a pool's people: what only names roles is decided here, the rest is asked where it matters."""
    if actor.administrator or actor.kind == "portal":
        return actor.administrator
    words = [who for key in MANY for who in _listed(body.get(key))]
    named = [
        {w["role"]} if isinstance(w["role"], str) else set(w["role"]) if set(w) == {"role"} else None
        for w in words
        if "role" in w
    ]
    plain = [roles for roles in named if roles is not None]
    return len(plain) < len(words) or any(roles & actor.roles for roles in plain)


def of_people(model: Model, object: Object, body: Mapping[str, Any], keys: Sequence[str]) -> Expression:
    """The actor is one of those a pool names under one of these keys."""
    words = [who for key in keys for who in _listed(body.get(key))]
    return scopes.either(scopes.belongs_to(model, object, who) for who in words)


def hiders(model: Model) -> Iterator[Hider]:
    """What pools hide of the records that wait in them."""
    for (kind, name), body in model.documents.items():
        if kind == "pool" and body.get("hidden"):
            yield body["object"], body["hidden"], partial(waiting, pools=[name])


def waiting(object: str, link: str, pools: Sequence[str]) -> Expression:
    """The record, or the one at the end of its link, waits in one of the pools."""
    path = Path(link, ExprType("link", objects=(object,)))
    source = f"waits in {', '.join(pools)} of {link}"
    return expression_of(Call(people.WAITS_IN, (path,), BOOLEAN, (tuple(pools),)), source, frozenset({"ME"}))


def _listed(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    return [value] if isinstance(value, Mapping) else [v for v in value if isinstance(v, Mapping)]
