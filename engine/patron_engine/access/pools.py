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
    """Whether he may be one of a pool's people: where roles are named it is decided by them, the rest is asked where it matters."""
    if actor.administrator or actor.kind == "portal":
        return actor.administrator
    for _, who in named(body, MANY):
        role = who.get("role") if isinstance(who, Mapping) else None
        if role is None or actor.roles & ({role} if isinstance(role, str) else set(role)):
            return True
    return False


def of_people(model: Model, object: Object, body: Mapping[str, Any], keys: Sequence[str]) -> Expression:
    """The actor is one of those a pool names under one of these keys, for the record. Words that mean the same people whatever
    the record is are asked as everywhere; what hangs on the record or on the candidate is a condition of its own (query/meant.py)."""
    return scopes.either(_one(model, object, body, at, who) for at, who in named(body, keys))


def hangs_on_record(body: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether who is meant is another question for each record."""
    return any(not _everywhere(who) for _, who in named(body, keys))


def named(body: Mapping[str, Any], keys: Sequence[str]) -> list[tuple[str, Any]]:
    """(where it stands, the words), for each word under one of these keys."""
    found: list[tuple[str, Any]] = []
    for key in keys:
        value = body.get(key)
        if isinstance(value, list | tuple):
            found += [(f"{key}[{n}]", who) for n, who in enumerate(value)]
        elif value is not None:
            found.append((key, value))
    return found


def _one(model: Model, object: Object, body: Mapping[str, Any], at: str, who: Any) -> Expression:
    if _everywhere(who):
        return scopes.belongs_to(model, object, who)
    path = Path("id", ExprType("link", objects=(object.name,)))
    source = f"meant by {at} of {body['name']}"
    return expression_of(
        Call(people.MEANT, (path,), BOOLEAN, ("pool", body["name"], at)), source, frozenset({"ME"})
    )


def _everywhere(who: Any) -> bool:
    return isinstance(who, Mapping) and set(who) - {"below"} <= set(scopes.CODES)


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
