"""Linking: which account is whom a provider tells of.

In: a connection to the system's tables, what the provider told. Out: an account, or None. First by issuer and subject; then by the
address, when the provider has verified it and no other subject of that issuer has the account. A new account is made only where the
settings name the workspace it joins.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_platform.identity.accounts import create_user
from patron_platform.identity.provider import Told
from patron_platform.service import Service


def account_of(service: Service, conn: psycopg.Connection[Any], told: Told) -> str | None:
    """The id of an active account. What is found by the address is linked from now on."""
    row = conn.execute(
        "SELECT a.id::text FROM patron.provider_identity p JOIN patron.account a ON a.id = p.account"
        " WHERE p.issuer = %s AND p.subject = %s",
        (told.issuer, told.subject),
    ).fetchone()
    if row is None:
        row = _by_address(service, conn, told)
        if row is None:
            return None
        conn.execute(
            "INSERT INTO patron.provider_identity (issuer, subject, account) VALUES (%s, %s, %s)"
            " ON CONFLICT (issuer, subject) DO NOTHING",
            (told.issuer, told.subject, row[0]),
        )
    active = conn.execute(
        "SELECT 1 FROM patron.account WHERE id = %s AND state = 'active'", (row[0],)
    ).fetchone()
    return row[0] if active is not None else None


def _by_address(service: Service, conn: psycopg.Connection[Any], told: Told) -> tuple[str] | None:
    if not told.email:
        return None
    find = (
        "SELECT a.id::text FROM patron.account a WHERE lower(a.email) = lower(%s) AND NOT EXISTS"
        " (SELECT 1 FROM patron.provider_identity p WHERE p.account = a.id AND p.issuer = %s)"
    )
    row = conn.execute(find, (told.email, told.issuer)).fetchone()
    known = conn.execute(
        "SELECT 1 FROM patron.account WHERE lower(email) = lower(%s)", (told.email,)
    ).fetchone()
    joins = service.settings.oidc_join
    if row is None and known is None and joins is not None:
        create_user(conn, service.runtime.workspace(joins), told.email, name=told.name or None)
        row = conn.execute(find, (told.email, told.issuer)).fetchone()
    return row
