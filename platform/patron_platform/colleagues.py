"""Colleagues: the people of a workspace as somebody who manages them asks about them: by their record, with their rights.

In: a connection and the frame of a call, the id or the address of a user. Out: a `Colleague` with the actor he is when he signs in. Who may ask is for
the caller to say (`manages`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.beside import holds
from patron_engine.actor import SYSTEM, Actor
from patron_engine.errors import Forbidden, NotFound
from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read
from patron_engine.ways.standing import standing_in

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ADDRESS = re.compile(r"[^\s\"\\\x00-\x1f]{1,254}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A user record, and who he is to the engine. `on` is false for one who cannot sign in."""

    id: str
    name: str
    email: str
    on: bool
    actor: Actor


def manages(model: Model, actor: Actor) -> bool:
    """Whether he may see and change what people may do."""
    return holds(model, actor, "manage_users")


def must_manage(model: Model, actor: Actor) -> None:
    if not manages(model, actor):
        raise Forbidden("you may not manage people", hint="an administrator may")


def colleague(conn: psycopg.Connection[Any], call: Call, text: str) -> Colleague:
    """The user with this id or address. NotFound without one."""
    wanted = text.strip().lower()
    if _ID.fullmatch(wanted):
        ask = Ask(object="user", ids=(wanted,), fields=("id", "name", "email"))
    elif _ADDRESS.fullmatch(wanted):
        ask = Ask(object="user", where=f'email == "{wanted}"', fields=("id", "name", "email"))
    else:
        raise NotFound("there is no such user", code="user_not_found")
    rows = read(conn, replace(call, actor=SYSTEM), ask, secret=b"").rows()
    if not rows:
        raise NotFound("there is no such user", code="user_not_found")
    row = rows[0]
    standing = standing_in(conn, call, str(row["id"]))
    actor = Actor(
        user=str(row["id"]), name=str(row["name"]), roles=standing.roles, kind=standing.kind,
        administrator=str(row["id"]) in call.administrators(),
    )  # fmt: skip
    return Colleague(
        id=str(row["id"]), name=str(row["name"]), email=str(row["email"] or ""), on=standing.on, actor=actor
    )
