"""Linking: which account is whom a provider tells of.

In: the service, what the provider told. Out: an account, or None. First by issuer and subject; then by the
address, when the provider has verified it and no other subject of that issuer has the account. A new account is made only where the
settings name the workspace it joins.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_platform.identity.accounts import create_user
from patron_platform.identity.provider import Told
from patron_platform.service import Service


def account_of(service: Service, told: Told) -> str | None:
    """The id of an active account. What is found by the address is linked from now on."""
    with service.databases.system() as conn:
        found = _linked(conn, told)
        joins = service.settings.oidc_join if found is None and _is_new(conn, told.email) else None
    if joins is not None:  # the record of the new user is saved on a connection of its own
        workspace = service.runtime.workspace(joins)
        create_user(service.databases, workspace, told.email, name=told.name or None)
        with service.databases.system() as conn:
            found = _linked(conn, told)
    return found


def _linked(conn: psycopg.Connection[Any], told: Told) -> str | None:
    """The active account of this subject, else the one with his address, linked from now on."""
    row = conn.execute(
        "SELECT a.id::text FROM patron.provider_identity p JOIN patron.account a ON a.id = p.account"
        " WHERE p.issuer = %s AND p.subject = %s",
        (told.issuer, told.subject),
    ).fetchone()
    if row is None:
        row = _by_address(conn, told)
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


def _by_address(conn: psycopg.Connection[Any], told: Told) -> tuple[str] | None:
    if not told.email:
        return None
    return conn.execute(
        "SELECT a.id::text FROM patron.account a WHERE lower(a.email) = lower(%s) AND NOT EXISTS"
        " (SELECT 1 FROM patron.provider_identity p WHERE p.account = a.id AND p.issuer = %s)",
        (told.email, told.issuer),
    ).fetchone()


def _is_new(conn: psycopg.Connection[Any], email: str | None) -> bool:
    """Whether it is the address of nobody."""
    if not email:
        return False
    known = conn.execute("SELECT 1 FROM patron.account WHERE lower(email) = lower(%s)", (email,))
    return known.fetchone() is None
