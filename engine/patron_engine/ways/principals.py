"""Principals: to whom a single record may be given: a user, a department with those below, a group, a role.

In: what a caller named, `{"user": ID}` or `{"role": NAME}`; ids that stand in rows of rights. Out: `Principal`s. Whom the caller
may not see is not there for him; a role is a definition and stands under an id made of its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.access.roles import given_of
from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.rights import role_principal
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
OBJECTS = ("user", "department", "group")
KINDS = (*OBJECTS, "role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """`name` is that of a role, else the id."""

    kind: str
    id: str
    name: str
    title: str


def principal_of(
    conn: Connection, call: Call, to: Any, kinds: Sequence[str] = KINDS, path: str = "to"
) -> Principal:
    """The one that `{KIND: ID}` names. Refused for what is none, and for somebody a single record gives nothing."""
    if not isinstance(to, Mapping) or len(to) != 1 or (kind := next(iter(to))) not in kinds:
        raise _wrong("bad_principal", Phrase("name one of {kinds}", kinds=list(kinds)), path)
    named = to[kind]
    if kind == "role":
        role = given_of(call.model).roles.get(named) if isinstance(named, str) else None
        if role is None or role.for_users == "portal":
            raise _wrong(
                "unknown_role", Phrase("there is no role {name!r}", name=str(named)[:60]), f"{path}.role"
            )
        title = str(label_of(role.label, role.name, call.actor.languages))
        return Principal(kind="role", id=role_principal(role.name), name=role.name, title=title)
    try:
        id = read_id(named)
    except ValueFault as fault:
        raise _wrong(fault.code, fault.message, f"{path}.{kind}") from fault
    found = _rows(conn, call, kind, [id])
    if not found:
        raise _wrong("not_found", Phrase("there is no such {object}", object=kind), f"{path}.{kind}")
    row = found[0]
    if kind == "user":
        if row.get("active") is False:
            raise _wrong("switched_off", Phrase("this user is switched off"), f"{path}.{kind}")
        if row.get("kind") == "portal":
            raise _wrong(
                "portal_user", Phrase("a portal user sees what his account sees, and no single record beside it"),
                f"{path}.{kind}",
            )  # fmt: skip
    return Principal(kind=kind, id=id, name=id, title=_title(call, kind, row))


def principals_named(conn: Connection, call: Call, ids: Sequence[str]) -> dict[str, Principal]:
    """Id -> who that is, of those the caller may see."""
    found: dict[str, Principal] = {}
    for role in given_of(call.model).roles.values():
        id = role_principal(role.name)
        if id in ids:
            title = str(label_of(role.label, role.name, call.actor.languages))
            found[id] = Principal(kind="role", id=id, name=role.name, title=title)
    for kind in OBJECTS:
        rest = [id for id in dict.fromkeys(ids) if id not in found]
        for row in _rows(conn, call, kind, rest):
            found[row["id"]] = Principal(
                kind=kind, id=row["id"], name=row["id"], title=_title(call, kind, row)
            )
    return found


def _rows(conn: Connection, call: Call, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of these ids that he may read."""
    found = call.model.objects.get(kind)
    if found is None or not ids:
        return []
    names = readable(call.model, call.actor, kind)
    wanted = [
        n for n in (found.title, "active", "kind") if n in names and (n == found.title or kind == "user")
    ]
    made: list[dict[str, Any]] = []
    for at in range(0, len(ids), 200):
        ask = Ask(
            object=kind, ids=tuple(ids[at : at + 200]), fields=("id", *dict.fromkeys(wanted)), limit=200
        )
        try:
            made.extend(read(conn, call, ask, secret=b"").rows())
        except NotFound:
            return []  # nobody of this kind is his to see
    return made


def _title(call: Call, kind: str, row: Mapping[str, Any]) -> str:
    value = row.get(call.model.objects[kind].title)
    return str(value) if isinstance(value, str) and value else "…"


def _wrong(code: str, message: str, path: str) -> PatronError:
    return Refused([Problem(code=code, message=message, path=path)])
