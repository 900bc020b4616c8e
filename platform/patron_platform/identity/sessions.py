"""Sessions: who is signed in in a browser. Kept on the server, so that signing out ends them at once.

In: a connection to the system's tables, an account or a token. Out: a token for the cookie, shown once; what it opens. The
table keeps its hash. A new token at every sign-in: one that was set before opens nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg

from patron_engine.clock import new_id

LASTS = timedelta(days=14)  # from the last request on
SEEN_EVERY = timedelta(minutes=5)  # how often the last request is written down
AGENT = 200  # characters kept of what a browser calls itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One workspace an account opens."""

    workspace: str
    user: str
    administrator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in. `memberships` by workspace."""

    id: str
    account: str
    email: str
    name: str
    preferences: Mapping[str, Any]
    memberships: Mapping[str, Membership]


def token_hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def open_session(conn: psycopg.Connection[Any], account: str, agent: str = "", address: str = "") -> str:
    """A new session of an account; the token for its cookie."""
    token = secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO patron.session (id, hash, account, expires_at, agent, address)"
        " VALUES (%s, %s, %s, now() + %s, %s, %s)",
        (new_id(), token_hash(token), account, LASTS, agent[:AGENT], address),
    )
    conn.execute("DELETE FROM patron.session WHERE expires_at < now()")
    return token


def find_session(conn: psycopg.Connection[Any], token: str) -> Session | None:
    """What a token opens, or None: unknown, expired, or of an account that may not sign in."""
    row = conn.execute(
        "SELECT s.id::text, a.id::text, a.email, a.name, a.preferences, s.seen_at < now() - %s"
        " FROM patron.session s JOIN patron.account a ON a.id = s.account"
        " WHERE s.hash = %s AND s.expires_at > now() AND a.state = 'active'",
        (SEEN_EVERY, token_hash(token)),
    ).fetchone()
    if row is None:
        return None
    if row[5]:
        conn.execute(
            "UPDATE patron.session SET seen_at = now(), expires_at = now() + %s WHERE id = %s",
            (LASTS, row[0]),
        )
    opened = conn.execute(
        "SELECT m.workspace, m.user_record::text, m.administrator FROM patron.membership m"
        " JOIN patron.workspace w ON w.name = m.workspace AND w.state = 'ready' WHERE m.account = %s"
        " ORDER BY m.workspace",
        (row[1],),
    ).fetchall()
    return Session(
        id=row[0],
        account=row[1],
        email=row[2],
        name=row[3] or row[2],
        preferences=row[4],
        memberships={w: Membership(workspace=w, user=u, administrator=a) for w, u, a in opened},
    )


def close_session(conn: psycopg.Connection[Any], id: str) -> None:
    conn.execute("DELETE FROM patron.session WHERE id = %s", (id,))


def close_others(conn: psycopg.Connection[Any], account: str, keep: str | None = None) -> int:
    """Ends the sessions of an account, all but `keep`; how many."""
    return conn.execute(
        "DELETE FROM patron.session WHERE account = %s AND id::text IS DISTINCT FROM %s", (account, keep)
    ).rowcount


def account_by_email(conn: psycopg.Connection[Any], email: str) -> tuple[str, str | None] | None:
    """The id and the password hash of an active account; None where there is none."""
    row = conn.execute(
        "SELECT id::text, password_hash FROM patron.account WHERE lower(email) = lower(%s) AND state = 'active'",
        (email,),
    ).fetchone()
    return None if row is None else (row[0], row[1])
