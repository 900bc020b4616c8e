"""Members: what the platform keeps about the people of a workspace beside their records: accounts, sign-ins, sessions, keys.

In: a connection to the system's tables, a workspace, user records. Out: values for pages. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from patron_platform.identity.keys import KeyRow, list_keys
from patron_platform.identity.sessions import SessionRow, sessions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The account of a user record. `last_in` is the last sign-in that is known, or the last use of a session."""

    account: str
    email: str
    administrator: bool
    active: bool
    last_in: datetime | None


def members_of(conn: psycopg.Connection[Any], workspace: str, users: Collection[str]) -> dict[str, Member]:
    """User record -> account, for those who have one."""
    rows = conn.execute(
        "SELECT m.user_record::text, a.id::text, a.email, m.administrator, a.state = 'active', greatest("
        " (SELECT max(s.seen_at) FROM patron.session s WHERE s.account = a.id),"
        " (SELECT max(u.at) FROM patron.audit u WHERE u.account = a.id AND u.action = 'sign_in'))"
        " FROM patron.membership m JOIN patron.account a ON a.id = m.account"
        " WHERE m.workspace = %s AND m.user_record = ANY(%s::uuid[])",
        (workspace, list(users)),
    )
    return {
        user: Member(account=account, email=email, administrator=administrator, active=active, last_in=last)
        for user, account, email, administrator, active, last in rows
    }


def signed_in(
    conn: psycopg.Connection[Any], workspace: str, member: Member
) -> tuple[list[SessionRow], list[KeyRow]]:
    """Where he is signed in, and the keys that act as him here."""
    keys = [k for k in list_keys(conn, workspace) if k.email == member.email and k.revoked_at is None]
    return sessions_of(conn, member.account), keys
