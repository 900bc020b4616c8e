"""Sign-ins: what is written down of them, and who is signed in, for oneself and for who looks after a workspace's people.

In: a connection to the system's tables, an account or a workspace. Out: rows, the newest first. What an account did in another
workspace is not told here; that it signed in is, for a sign-in opens all of its workspaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import psycopg

from patron_platform.identity.audit import Act

PAGE = 50  # sign_ins of a page
ACTS: tuple[str, ...] = get_args(Act)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One thing that happened."""

    id: int
    at: datetime
    who: str
    action: str
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """One session of somebody."""

    account: str
    email: str
    name: str
    agent: str
    address: str
    seen_at: datetime


def of_account(conn: psycopg.Connection[Any], account: str, before: int | None = None) -> list[SignIn]:
    """What the account did and what was tried with its address; one more than a page when there is more."""
    return _rows(conn, before, account=account)


def of_workspace(conn: psycopg.Connection[Any], workspace: str, before: int | None = None) -> list[SignIn]:
    """The same of everybody who belongs to the workspace."""
    return _rows(conn, before, workspace=workspace)


def online(conn: psycopg.Connection[Any], workspace: str) -> list[Online]:
    """Who of the workspace is signed in, the latest used first."""
    rows = conn.execute(
        "SELECT s.account::text, a.email, a.name, s.agent, s.address, s.seen_at FROM patron.session s"
        " JOIN patron.account a ON a.id = s.account JOIN patron.membership m ON m.account = s.account"
        " WHERE m.workspace = %s AND s.expires_at > now() AND s.ends_at > now() ORDER BY s.seen_at DESC LIMIT 200",
        (workspace,),
    )
    names = ("account", "email", "name", "agent", "address", "seen_at")
    return [Online(**dict(zip(names, row, strict=True))) for row in rows]


def is_member(conn: psycopg.Connection[Any], workspace: str, account: str) -> bool:
    """Whether the account belongs to the workspace."""
    row = conn.execute(
        "SELECT 1 FROM patron.membership WHERE workspace = %s AND account::text = %s", (workspace, account)
    ).fetchone()
    return row is not None


def _rows(
    conn: psycopg.Connection[Any],
    before: int | None,
    *,
    account: str | None = None,
    workspace: str | None = None,
) -> list[SignIn]:
    """Of one account, or of all that belong to a workspace."""
    rows: Sequence[tuple[Any, ...]] = conn.execute(
        "WITH whose AS (SELECT a.id AS account, lower(a.email) AS email FROM patron.account a"
        " WHERE a.id = %(account)s::uuid OR a.id IN"
        " (SELECT m.account FROM patron.membership m WHERE m.workspace = %(workspace)s))"
        " SELECT u.id, u.at, coalesce(a.email, u.about, ''), u.action, u.address, coalesce(u.detail ->> 'agent', '')"
        " FROM patron.audit u LEFT JOIN patron.account a ON a.id = u.account WHERE u.action = ANY(%(acts)s)"
        " AND (%(workspace)s::text IS NULL OR u.workspace IS NULL OR u.workspace = %(workspace)s)"
        " AND (%(before)s::bigint IS NULL OR u.id < %(before)s)"
        " AND (u.account IN (SELECT account FROM whose)"
        " OR (u.account IS NULL AND lower(u.about) IN (SELECT email FROM whose)))"
        " ORDER BY u.id DESC LIMIT %(most)s",
        {"account": account, "workspace": workspace, "before": before, "acts": list(ACTS), "most": PAGE + 1},
    ).fetchall()
    names = ("id", "at", "who", "action", "address", "agent")
    return [SignIn(**dict(zip(names, row, strict=True))) for row in rows]
