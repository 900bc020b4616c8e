"""Accounts: who may sign in, and which user record each opens in a workspace.

In: an e-mail address, a workspace. Out: an account, a membership, and a record of `user` in the workspace, made through the
same save as every record. A second call for the same address changes nothing but what was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from email_validator import EmailNotValidError, validate_email

from patron_engine.actor import SYSTEM, Cause
from patron_engine.clock import new_id
from patron_engine.errors import NotFound, WrongUse
from patron_engine.phrases import Phrase
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.runtime import Workspace
from patron_platform.database.pools import Databases
from patron_platform.identity.passwords import hash_password
from patron_platform.identity.sessions import close_others

# Of the pack core: whom definitions mean by {role: admin}. His rights come with the membership.
_CAUSE = Cause(kind="system", detail={"by": "patron user create"})
ADMIN_ROLE = "admin"


def read_email(text: str) -> str:
    """The address, tidied. WrongUse when it is none."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise WrongUse(
            Phrase("{text!r} is not an e-mail address: {error}", text=text, error=error), code="email"
        ) from None


def administrators_of(databases: Databases, workspace: str) -> frozenset[str]:
    """The user records of those who hold every right of a workspace, whatever their record says."""
    with databases.system("read") as conn:
        rows = conn.execute(
            "SELECT m.user_record::text FROM patron.membership m JOIN patron.account a ON a.id = m.account"
            " WHERE m.workspace = %s AND m.administrator AND a.state = 'active'",
            (workspace,),
        )
        return frozenset(row[0] for row in rows)


def create_user(
    databases: Databases,
    workspace: Workspace,
    email: str,
    *,
    name: str | None = None,
    administrator: bool = False,
    roles: Sequence[str] = (),
    password_hash: str | None = None,
) -> str:
    """Makes the account, its user record and its membership where they are missing; the account of somebody whose record was
    there before is called what the record says. Who is there already gets `roles` besides his own. Returns the user record's id."""
    address = read_email(email)
    roles = (ADMIN_ROLE, *roles) if administrator else tuple(roles)
    user, called = _user_record(workspace, address, name or address.partition("@")[0], roles)
    with databases.system() as conn, conn.transaction():
        row = conn.execute(
            "INSERT INTO patron.account (id, email, name, password_hash) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (lower(email)) DO UPDATE SET updated_at = now(),"
            " name = coalesce(nullif(patron.account.name, ''), EXCLUDED.name),"
            " password_hash = coalesce(EXCLUDED.password_hash, patron.account.password_hash) RETURNING id",
            (new_id(), address, name or called, password_hash),
        ).fetchone()
        assert row is not None
        before = conn.execute(
            "SELECT administrator FROM patron.membership WHERE account = %s AND workspace = %s",
            (row[0], workspace.name),
        ).fetchone()
        conn.execute(
            "INSERT INTO patron.membership (account, workspace, user_record, administrator) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (account, workspace) DO UPDATE SET"
            " administrator = patron.membership.administrator OR EXCLUDED.administrator",
            (row[0], workspace.name, user, administrator),
        )
        if password_hash is not None or (before is not None and administrator and not before[0]):
            # Other rights or another password: who is signed in signs in again, with a new token.
            close_others(conn, str(row[0]))
    return user


def set_password(conn: psycopg.Connection[Any], email: str, password: str) -> None:
    """A new password of an account; whoever is signed in with the old one is signed out. NotFound without the account."""
    row = conn.execute(
        "SELECT id::text, name FROM patron.account WHERE lower(email) = lower(%s)", (email,)
    ).fetchone()
    if row is None:
        raise NotFound(
            Phrase("there is no account {email}", email=email),
            code="user_not_found",
            hint="patron user create makes one",
        )
    change_password(conn, row[0], hash_password(password, row[1], email))


def demand_new_password(conn: psycopg.Connection[Any], email: str) -> None:
    """His sessions end, and at the next sign-in he has to choose another password. NotFound without the account."""
    with conn.transaction():
        row = conn.execute(
            "UPDATE patron.account SET must_change = true, updated_at = now() WHERE lower(email) = lower(%s)"
            " RETURNING id::text",
            (email,),
        ).fetchone()
        if row is None:
            raise NotFound(
                Phrase("there is no account {email}", email=email),
                code="user_not_found",
                hint="patron user create makes one",
            )
        close_others(conn, row[0])


def change_password(
    conn: psycopg.Connection[Any], account: str, password_hash: str, keep: str | None = None
) -> None:
    """Writes the hash of a new password. Every session but `keep` ends, no browser is known any more, and what was on its way to
    another password or to a session leads nowhere."""
    with conn.transaction():
        conn.execute(
            "UPDATE patron.account SET password_hash = %s, must_change = false, updated_at = now() WHERE id = %s",
            (password_hash, account),
        )
        conn.execute(
            "DELETE FROM patron.ticket WHERE account = %s AND kind IN ('reset', 'second_factor', 'new_password')",
            (account,),
        )
        close_others(conn, account, keep)
        conn.execute("DELETE FROM patron.device WHERE account = %s", (account,))


def _user_record(workspace: Workspace, email: str, name: str, roles: tuple[str, ...]) -> tuple[str, str]:
    """Id and name of the record of `user` with this address, made when there is none; it has these roles, where they are known."""
    # A validated address has neither a double quote nor a backslash.
    with workspace.connection("read") as conn:
        model = workspace.pin(conn)[0]
    known = [r for r in roles if ("role", r) in model.documents and "roles" in model.objects["user"].fields]
    fields = ("id", "name", *(("roles",) if known else ()))
    found = workspace.read(SYSTEM, Ask(object="user", where=f'email == "{email}"', fields=fields)).rows()
    if found:
        id, before = str(found[0]["id"]), found[0].get("roles") or []
        if more := [r for r in known if r not in before and r != ADMIN_ROLE]:
            given = Change(action="update", object="user", id=id, set={"roles": [*before, *more]})
            workspace.save(SYSTEM, [given], cause=_CAUSE)
        return id, str(found[0]["name"] or "")
    about = {"roles": known} if known else {}
    change = Change(action="create", object="user", set={"name": name, "email": email, **about})
    outcome = workspace.save(SYSTEM, [change], cause=_CAUSE)[0]
    return str(outcome.id), name
