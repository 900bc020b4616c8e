"""Tickets: what may be done once by whoever holds a token: accept an invitation, set a forgotten password, end a sign-in.

In: a connection to the system's tables, a kind, an account. Out: a token, shown once; later the `Ticket` it stands for, as long as
it is neither used, withdrawn nor too old. The table keeps the token's hash; the database's clock decides.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

Kind = Literal["invitation", "reset", "second_factor", "new_password", "provider"]

INVITATION_LASTS = timedelta(days=7)  # invitation
RESET_LASTS = timedelta(minutes=30)  # password_reset
STEP_LASTS = timedelta(minutes=10)  # sign_in_step: between the password and the code or the new password
KEPT = timedelta(days=30)  # after its end, so that a list can say that it ended
LASTS: Mapping[Kind, timedelta] = {
    "invitation": INVITATION_LASTS, "reset": RESET_LASTS, "second_factor": STEP_LASTS, "new_password": STEP_LASTS,
    "provider": STEP_LASTS,
}  # fmt: skip
STEPS: tuple[Kind, ...] = ("second_factor", "new_password")  # of a sign-in, in their order
LONGEST = 100  # characters of a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a token stands for. `account` is "" for a sign-in whose account is not known yet."""

    account: str
    workspace: str | None
    detail: Mapping[str, Any]


def issue(
    conn: psycopg.Connection[Any],
    kind: Kind,
    account: str | None = None,
    *,
    workspace: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """A new token; the ones of this kind that the account had for the workspace open nothing any more."""
    token = secrets.token_urlsafe(32)
    with conn.transaction():
        if account is not None and kind in ("invitation", "reset"):
            withdraw(conn, kind, account, workspace)
        conn.execute(
            "INSERT INTO patron.ticket (hash, kind, account, workspace, ends_at, detail)"
            " VALUES (%s, %s, %s, %s, now() + %s, %s)",
            (_hash(token), kind, account, workspace, LASTS[kind], Jsonb(dict(detail or {}))),
        )
        conn.execute("DELETE FROM patron.ticket WHERE ends_at < now() - %s", (KEPT,))
    return token


def look(conn: psycopg.Connection[Any], kind: Kind, token: str) -> Ticket | None:
    """The ticket of a token that may still be used."""
    row = conn.execute(
        "SELECT account::text, workspace, detail FROM patron.ticket"
        " WHERE hash = %s AND kind = %s AND used_at IS NULL AND ends_at > now()",
        (_hash(token), kind),
    ).fetchone()
    return _ticket(row)


def use(conn: psycopg.Connection[Any], kind: Kind, token: str) -> Ticket | None:
    """The ticket, which is used from now on; None when it may not be used: of many at once, one gets it."""
    row = conn.execute(
        "UPDATE patron.ticket SET used_at = now() WHERE hash = %s AND kind = %s AND used_at IS NULL AND ends_at > now()"
        " RETURNING account::text, workspace, detail",
        (_hash(token), kind),
    ).fetchone()
    return _ticket(row)


def withdraw(conn: psycopg.Connection[Any], kind: Kind, account: str, workspace: str | None = None) -> bool:
    """Takes back what was not used yet; whether there was any."""
    done = conn.execute(
        "DELETE FROM patron.ticket WHERE kind = %s AND account = %s AND workspace IS NOT DISTINCT FROM %s"
        " AND used_at IS NULL",
        (kind, account, workspace),
    )
    return bool(done.rowcount)


def _ticket(row: tuple[Any, ...] | None) -> Ticket | None:
    return None if row is None else Ticket(account=row[0] or "", workspace=row[1], detail=row[2])


def _hash(token: str) -> bytes:
    return sha256(token[:LONGEST].encode()).digest()
