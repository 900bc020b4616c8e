"""Colleagues: the people of a workspace as somebody who manages them asks about them: by their record, with their rights.

In: a workspace, the id or the address of a user. Out: a `Colleague` with the actor he is when he signs in. Who may ask is for
the caller to say (`manages`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from patron_engine.access.beside import holds
from patron_engine.actor import SYSTEM, Actor
from patron_engine.errors import Forbidden, NotFound
from patron_engine.model.model import Model
from patron_engine.query.spec import Ask
from patron_engine.runtime import Workspace
from patron_platform.identity.accounts import administrators_of
from patron_platform.identity.standing import standing_of
from patron_platform.service import Service

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


def colleague(service: Service, workspace: Workspace, text: str) -> Colleague:
    """The user with this id or address. NotFound without one."""
    wanted = text.strip().lower()
    if _ID.fullmatch(wanted):
        ask = Ask(object="user", ids=(wanted,), fields=("id", "name", "email"))
    elif _ADDRESS.fullmatch(wanted):
        ask = Ask(object="user", where=f'email == "{wanted}"', fields=("id", "name", "email"))
    else:
        raise NotFound("there is no such user", code="user_not_found")
    rows = workspace.read(SYSTEM, ask).rows()
    if not rows:
        raise NotFound("there is no such user", code="user_not_found")
    row = rows[0]
    standing = standing_of(workspace, str(row["id"]))
    actor = Actor(
        user=str(row["id"]), name=str(row["name"]), roles=standing.roles, kind=standing.kind,
        administrator=str(row["id"]) in administrators(service, workspace),
    )  # fmt: skip
    return Colleague(
        id=str(row["id"]), name=str(row["name"]), email=str(row["email"] or ""), on=standing.on, actor=actor
    )


def administrators(service: Service, workspace: Workspace) -> frozenset[str]:
    """The user records of those who hold every right of the workspace."""
    return administrators_of(service.databases, workspace.name)
