"""Invitations: people who were asked to join a workspace and have not answered yet.

In: the system's tables, a workspace, whom to invite and as what. Out: a user record, an account without a password
and a token; the account belongs to the workspace only when whoever holds the token accepts. Inviting again makes a new token and
ends the one before; withdrawing switches the user off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.access.contain import contains, holds_role
from patron_engine.access.roles import given_of
from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.clock import new_id
from patron_engine.errors import Conflict, Forbidden, NotFound, WrongUse
from patron_engine.phrases import Phrase
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.runtime import Workspace
from patron_platform.database.pools import Databases
from patron_platform.identity import tickets
from patron_platform.identity.accounts import read_email
from patron_platform.identity.standing import standing_of

KINDS = ("internal", "portal")  # a program is not invited: it gets a key
NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Whom to invite and what he will be. `department` and `account` are ids of records; who is of the portal has an account."""

    email: str
    name: str = ""
    department: str | None = None
    roles: Sequence[str] = ()
    kind: str = "internal"
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An invitation nobody has accepted yet."""

    account: str
    email: str
    name: str
    by: str
    made_at: datetime
    ends_at: datetime
    ended: bool


def invite(databases: Databases, workspace: Workspace, guest: Guest, *, by: str, giver: Actor) -> str:
    """Makes or completes the user record and gives the token of the invitation. `by` is the address of who invites, `giver` he
    himself: Forbidden for a role that holds more than he has."""
    address = read_email(guest.email)
    name = guest.name.strip() or address.partition("@")[0]
    if len(name) > NAME_LENGTH:
        raise WrongUse(Phrase("a name has at most {most} characters", most=NAME_LENGTH), code="name_length")
    with databases.system() as conn:
        member = _is_member(conn, address, workspace.name)
    if member:
        raise Conflict(
            Phrase("{email} is a user of this workspace already", email=address), code="already_a_user"
        )
    check_roles(workspace, guest, giver)
    user = _user_record(workspace, guest, address, name, by, giver)
    with databases.system() as conn, conn.transaction():
        row = conn.execute(
            "INSERT INTO patron.account (id, email, name) VALUES (%s, %s, %s)"
            " ON CONFLICT (lower(email)) DO UPDATE SET updated_at = now() RETURNING id::text",
            (new_id(), address, name),
        ).fetchone()
        assert row is not None
        return tickets.issue(
            conn,
            "invitation",
            row[0],
            workspace=workspace.name,
            detail={"user": user, "name": name, "by": by},
        )


def again(databases: Databases, workspace: Workspace, account: str, giver: Actor) -> tuple[str, str]:
    """The address and a new token of an invitation that was not accepted, also after its end. Forbidden for that of somebody who
    may do more than who asks: the link opens his place."""
    with databases.system() as conn:
        row = conn.execute(
            "SELECT t.detail, a.email FROM patron.ticket t JOIN patron.account a ON a.id = t.account"
            " WHERE t.kind = 'invitation' AND t.workspace = %s AND t.account::text = %s AND t.used_at IS NULL",
            (workspace.name, account),
        ).fetchone()
    if row is None:
        raise NotFound("there is no such invitation", code="invitation_not_found")
    _not_above(workspace, giver, str(row[0]["user"]))
    with databases.system() as conn:
        return row[1], tickets.issue(conn, "invitation", account, workspace=workspace.name, detail=row[0])


def _not_above(workspace: Workspace, giver: Actor, user: str) -> None:
    """Forbidden where this user may do more than the giver."""
    standing = standing_of(workspace, user)
    other = Actor(user=user, roles=standing.roles, kind=standing.kind)
    with workspace.connection("read") as conn:
        model = workspace.call(conn, SYSTEM).model
    if not contains(model, giver, other):
        raise Forbidden("you may not invite somebody who may do more than you", hint="an administrator may")


def withdraw(databases: Databases, workspace: Workspace, account: str) -> None:
    """The link opens nothing any more, and the user is switched off."""
    with databases.system() as conn:
        row = conn.execute(
            "DELETE FROM patron.ticket WHERE kind = 'invitation' AND workspace = %s AND account::text = %s"
            " AND used_at IS NULL RETURNING detail ->> 'user'",
            (workspace.name, account),
        ).fetchone()
    if row is None:
        raise NotFound("there is no such invitation", code="invitation_not_found")
    change = Change(action="update", object="user", id=row[0], set={"active": False})
    workspace.save(SYSTEM, [change], cause=Cause(kind="system", detail={"by": "invitation withdrawn"}))


def waiting(conn: psycopg.Connection[Any], workspace: str) -> list[Open]:
    """The invitations nobody has accepted, the newest first."""
    rows = conn.execute(
        "SELECT t.account::text, a.email, t.detail ->> 'name', t.detail ->> 'by', t.made_at, t.ends_at, t.ends_at <= now()"
        " FROM patron.ticket t JOIN patron.account a ON a.id = t.account"
        " WHERE t.kind = 'invitation' AND t.workspace = %s AND t.used_at IS NULL ORDER BY t.made_at DESC",
        (workspace,),
    )
    names = ("account", "email", "name", "by", "made_at", "ends_at", "ended")
    return [Open(**dict(zip(names, row, strict=True))) for row in rows]


def accept(conn: psycopg.Connection[Any], token: str, password_hash: str | None) -> str | None:
    """Makes the account a member, with its first password where a hash is given; its id. None for a token that opens nothing, and for
    a password of an account that is somebody's already: whoever invites could take it over. Its owner signs in first."""
    with conn.transaction():
        ticket = tickets.use(conn, "invitation", token)
        if ticket is None:
            return None
        if password_hash is not None:
            done = conn.execute(
                "UPDATE patron.account SET password_hash = %s, updated_at = now(),"
                " name = coalesce(nullif(name, ''), %s) WHERE id = %s AND password_hash IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM patron.membership m WHERE m.account = patron.account.id)",
                (password_hash, ticket.detail["name"], ticket.account),
            )
            if not done.rowcount:
                raise psycopg.Rollback
        conn.execute(
            "INSERT INTO patron.membership (account, workspace, user_record) VALUES (%s, %s, %s)"
            " ON CONFLICT (account, workspace) DO NOTHING",
            (ticket.account, ticket.workspace, ticket.detail["user"]),
        )
        return ticket.account
    return None


def is_new(conn: psycopg.Connection[Any], account: str) -> bool:
    """Whether nobody has this account yet: no password, no workspace."""
    row = conn.execute(
        "SELECT 1 FROM patron.account a WHERE a.id = %s AND a.password_hash IS NULL AND a.state = 'active'"
        " AND NOT EXISTS (SELECT 1 FROM patron.membership m WHERE m.account = a.id)",
        (account,),
    ).fetchone()
    return row is not None


def _is_member(conn: psycopg.Connection[Any], email: str, workspace: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM patron.membership m JOIN patron.account a ON a.id = m.account"
        " WHERE lower(a.email) = lower(%s) AND m.workspace = %s",
        (email, workspace),
    ).fetchone()
    return row is not None


def check_roles(workspace: Workspace, guest: Guest, giver: Actor) -> None:
    """Every role is there, made for people of this kind, and his to give."""
    if guest.kind not in KINDS:
        raise WrongUse(
            Phrase("{kind!r} is no kind of user that is invited", kind=guest.kind), code="user_kind"
        )
    with workspace.connection("read") as conn:
        model = workspace.call(conn, SYSTEM).model
    roles = given_of(model).roles
    for name in guest.roles:
        if name not in roles or roles[name].for_users != guest.kind:
            raise WrongUse(
                Phrase("there is no role {name!r} for {kind} users", name=name, kind=guest.kind), code="role"
            )
        if not holds_role(model, giver, roles[name]):
            raise Forbidden(
                Phrase("the role {name!r} is not yours to give", name=name),
                hint="it holds rights you do not have, or is for people of another kind",
            )


def _user_record(workspace: Workspace, guest: Guest, email: str, name: str, by: str, giver: Actor) -> str:
    """The id of the record of `user` with this address, made or brought up to what was said."""
    values: dict[str, Any] = {"name": name, "kind": guest.kind, "active": True}
    values |= {"roles": list(guest.roles)}
    values |= {k: v for k, v in (("department", guest.department), ("account", guest.account)) if v}
    with workspace.connection("read") as conn:
        user = workspace.call(conn, SYSTEM).model.object("user")
    known = {k: v for k, v in values.items() if user is not None and user.field(k) is not None}
    # A validated address has neither a double quote nor a backslash.
    rows = workspace.read(SYSTEM, Ask(object="user", where=f'email == "{email}"', fields=("id",))).rows()
    if rows:
        _not_above(workspace, giver, str(rows[0]["id"]))
        change = Change(action="update", object="user", id=str(rows[0]["id"]), set=known)
    else:
        change = Change(action="create", object="user", set={**known, "email": email})
    cause = Cause(kind="system", detail={"by": by, "why": "invitation"})
    return str(workspace.save(SYSTEM, [change], cause=cause)[0].id)
