"""Sessions: who is signed in in a browser. Kept on the server, so that signing out ends them at once.

In: a connection to the system's tables, an account or a token. Out: a token for the cookie, shown once; what it opens. The
table keeps its hash. A new token and a new id at every sign-in, change of password and change of workspace: what was set
before opens nothing afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from patron_engine.clock import new_id

LASTS = timedelta(days=14)  # session_idle: from the last request on
ENDS = timedelta(days=90)  # session_absolute: from the sign-in on, however much it is used
SEEN_EVERY = timedelta(minutes=5)  # how often the last request is written down
FRESH = timedelta(minutes=10)  # session_fresh: a sign-in this young stands for a password
AGENT = 200  # characters kept of what a browser calls itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One workspace an account opens."""

    workspace: str
    user: str
    administrator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in. `memberships` by workspace; `workspace` is the one chosen last, if it is still his."""

    id: str
    account: str
    email: str
    name: str
    preferences: Mapping[str, Any]
    memberships: Mapping[str, Membership]
    workspace: str | None = None
    second_factor: bool = False  # whether a code is asked for when this account signs in


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as its owner sees it in a list."""

    id: str
    agent: str
    address: str
    created_at: datetime
    seen_at: datetime


def token_hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def open_session(conn: psycopg.Connection[Any], account: str, agent: str = "", address: str = "") -> str:
    """A new session of an account; the token for its cookie."""
    token = secrets.token_urlsafe(32)
    conn.execute(
        "INSERT INTO patron.session (id, hash, account, workspace, expires_at, ends_at, agent, address)"
        " SELECT %s, %s, id, preferences ->> 'workspace', now() + %s, now() + %s, %s, %s FROM patron.account"
        " WHERE id = %s",
        (new_id(), token_hash(token), LASTS, ENDS, agent[:AGENT], address, account),
    )
    conn.execute("DELETE FROM patron.session WHERE expires_at < now() OR ends_at < now()")
    return token


def find_session(conn: psycopg.Connection[Any], token: str) -> Session | None:
    """What a token opens, or None: unknown, expired, or of an account that may not sign in."""
    row = conn.execute(
        "SELECT s.id::text, a.id::text, a.email, a.name, a.preferences, s.seen_at < now() - %s, s.workspace,"
        " a.totp_secret IS NOT NULL"
        " FROM patron.session s JOIN patron.account a ON a.id = s.account"
        " WHERE s.hash = %s AND s.expires_at > now() AND s.ends_at > now() AND a.state = 'active'",
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
    memberships = {w: Membership(workspace=w, user=u, administrator=a) for w, u, a in opened}
    return Session(
        id=row[0],
        account=row[1],
        email=row[2],
        name=row[3] or row[2],
        preferences=row[4],
        memberships=memberships,
        workspace=row[6] if row[6] in memberships else None,
        second_factor=row[7],
    )


def fresh(conn: psycopg.Connection[Any], id: str) -> bool:
    """Whether this session began with a sign-in of the last minutes: as good as a password where an account has none."""
    row = conn.execute(
        "SELECT created_at > now() - %s FROM patron.session WHERE id::text = %s", (FRESH, id)
    ).fetchone()
    return row is not None and bool(row[0])


def rotate(conn: psycopg.Connection[Any], id: str, workspace: str | None = None) -> str | None:
    """A new token and a new id for a session that goes on; None when it has ended meanwhile. The old ones open nothing."""
    token = secrets.token_urlsafe(32)
    row = conn.execute(
        "UPDATE patron.session SET id = %s, hash = %s, workspace = coalesce(%s, workspace), seen_at = now()"
        " WHERE id = %s RETURNING id",
        (new_id(), token_hash(token), workspace, id),
    ).fetchone()
    return None if row is None else token


def close_session(conn: psycopg.Connection[Any], id: str) -> None:
    conn.execute("DELETE FROM patron.session WHERE id = %s", (id,))


def close_others(conn: psycopg.Connection[Any], account: str, keep: str | None = None) -> int:
    """Ends the sessions of an account, all but `keep`; how many."""
    return conn.execute(
        "DELETE FROM patron.session WHERE account = %s AND id::text IS DISTINCT FROM %s", (account, keep)
    ).rowcount


def close_one(conn: psycopg.Connection[Any], account: str, id: str) -> bool:
    """Ends one session of an account; whether it was there."""
    done = conn.execute(
        "DELETE FROM patron.session WHERE account = %s AND id::text = %s", (account, id)
    ).rowcount
    return bool(done)


def sessions_of(conn: psycopg.Connection[Any], account: str) -> list[SessionRow]:
    """Where an account is signed in, the latest used first."""
    rows = conn.execute(
        "SELECT id::text, agent, address, created_at, seen_at FROM patron.session"
        " WHERE account = %s AND expires_at > now() AND ends_at > now() ORDER BY seen_at DESC",
        (account,),
    )
    names = ("id", "agent", "address", "created_at", "seen_at")
    return [SessionRow(**dict(zip(names, row, strict=True))) for row in rows]


def account_by_email(conn: psycopg.Connection[Any], email: str) -> tuple[str, str | None] | None:
    """The id and the password hash of an active account; None where there is none."""
    row = conn.execute(
        "SELECT id::text, password_hash FROM patron.account WHERE lower(email) = lower(%s) AND state = 'active'",
        (email,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def names_of(conn: psycopg.Connection[Any], account: str) -> tuple[str, str] | None:
    """The address and the name of an active account."""
    row = conn.execute(
        "SELECT email, name FROM patron.account WHERE id = %s AND state = 'active'", (account,)
    ).fetchone()
    return None if row is None else (row[0], row[1])


def keep_preferences(
    conn: psycopg.Connection[Any], account: str, chosen: Mapping[str, Any], name: str | None = None
) -> None:
    """Writes what somebody chose for himself beside what he chose before; None takes a choice back."""
    conn.execute(
        "UPDATE patron.account SET preferences = jsonb_strip_nulls(preferences || %s), name = coalesce(%s, name),"
        " updated_at = now() WHERE id = %s",
        (Jsonb(dict(chosen)), name, account),
    )
