"""Standing: what a user of a workspace is by his own record: on or off, of which kind, with which roles. Asked again by whatever
goes on without him: an import, a handing over, an automation.

In: a connection, the frame of a call, the id of a user. Out: a `Standing`; the actor he is at this moment, or None for one who may
do nothing any more. A workspace whose users have no such fields has them all on, inside, without roles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.actor import SYSTEM, Actor, Kind
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
Who = Callable[[Connection, Call, str], Actor | None]  # a user as he stands now; None: he may not do anything
Administrators = Callable[[], frozenset[str]]  # the users who have every right, whatever their record says

FIELDS = ("active", "kind", "roles")
KINDS: Mapping[str, Kind] = {"internal": "internal", "portal": "portal", "service": "service"}


@dataclass(frozen=True, slots=True)
class Standing:
    """`on` is false for one that was switched off or deleted."""

    on: bool
    kind: Kind = "internal"
    roles: frozenset[str] = frozenset()


def standing_in(conn: Connection, call: Call, user: str) -> Standing:
    """What this user is at this moment."""
    object = call.model.object("user")
    if object is None:
        return Standing(on=True)
    names = ("id", *(name for name in FIELDS if object.field(name) is not None))
    ask = Ask(object="user", ids=(user,), fields=names)
    rows = read(conn, replace(call, actor=SYSTEM), ask, secret=b"").rows()
    if not rows:
        return Standing(on=False)
    row = rows[0]
    return Standing(
        on=row.get("active") is not False,
        kind=KINDS.get(row.get("kind") or "", "internal"),
        roles=frozenset(row.get("roles") or ()),
    )


def who_is(conn: Connection, call: Call, user: str) -> Actor | None:
    """The user as an actor, by his record and the list of administrators."""
    standing = standing_in(conn, call, user)
    if not standing.on:
        return None
    administrator = user in call.administrators()
    return Actor(user=user, administrator=administrator, roles=standing.roles, kind=standing.kind)


@dataclass(frozen=True, slots=True)
class People:
    """Whom a task asks about people, where no request stands behind it."""

    who: Who = who_is
    administrators: Administrators = frozenset


NOBODY = People()
