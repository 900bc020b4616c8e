"""Erased: what the platform keeps of somebody who signs in: told to him, and taken away.

In: a connection to the system's tables, a workspace, a user record. Out: values of JSON; or no membership, keys and sessions any more,
and no account where it opened nothing else. What the account did stays in the list of sign-ins, without address and e-mail.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_platform.identity.sessions import close_others

MOST_SIGN_INS = 5_000  # the latest ones that are told


def kept_of(conn: psycopg.Connection[Any], workspace: str, user: str) -> dict[str, Any] | None:
    """The account of a user record, its preferences, keys and sign-ins; None without one."""
    row = conn.execute(
        "SELECT a.id::text, a.email, a.name, a.languages, a.preferences, a.created_at FROM patron.account a"
        " JOIN patron.membership m ON m.account = a.id WHERE m.workspace = %s AND m.user_record = %s",
        (workspace, user),
    ).fetchone()
    if row is None:
        return None
    account, email, name, languages, preferences, made = row
    keys = conn.execute(
        "SELECT name, created_at, last_used_at FROM patron.api_key WHERE account = %s AND workspace = %s ORDER BY 2",
        (account, workspace),
    ).fetchall()
    done = conn.execute(
        "SELECT at, action, address, coalesce(detail ->> 'agent', '') FROM patron.audit WHERE (account = %s OR lower(about) ="
        " lower(%s)) AND (workspace IS NULL OR workspace = %s) ORDER BY id DESC LIMIT %s",
        (account, email, workspace, MOST_SIGN_INS),
    ).fetchall()
    return {
        "email": email, "name": name, "languages": languages, "preferences": preferences, "created_at": made,
        "keys": [{"name": n, "created_at": c, "last_used_at": u} for n, c, u in keys],
        "sign_ins": [{"at": at, "action": action, "address": address, "agent": agent} for at, action, address, agent in done],
    }  # fmt: skip


def erase_account(conn: psycopg.Connection[Any], workspace: str, user: str) -> None:
    """Ends the membership with its keys; an account that opens no other workspace goes with everything that hangs on it."""
    with conn.transaction():
        row = conn.execute(
            "SELECT a.id::text, a.email FROM patron.account a JOIN patron.membership m ON m.account = a.id"
            " WHERE m.workspace = %s AND m.user_record = %s FOR UPDATE OF a",
            (workspace, user),
        ).fetchone()
        if row is None:
            return
        account, email = row
        conn.execute(
            "DELETE FROM patron.membership WHERE account = %s AND workspace = %s", (account, workspace)
        )
        close_others(conn, account)
        if conn.execute("SELECT 1 FROM patron.membership WHERE account = %s", (account,)).fetchone():
            return
        conn.execute(
            "UPDATE patron.audit SET address = '', detail = detail - 'agent',"
            " about = CASE WHEN lower(about) = lower(%s) THEN NULL ELSE about END"
            " WHERE account = %s OR lower(about) = lower(%s)",
            (email, account, email),
        )
        conn.execute("DELETE FROM patron.account WHERE id = %s", (account,))
