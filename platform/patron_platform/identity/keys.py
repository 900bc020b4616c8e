"""API keys: made once, shown once, kept as a hash.

In: a connection to the system's tables. Out: keys and who holds them. A key is 32 random bytes; its SHA-256 is unique, so
finding it by its hash compares nothing byte by byte and gives no timing away.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg

from patron_engine.access.hours import network, stands_in
from patron_engine.clock import new_id
from patron_engine.errors import NotFound, WrongUse
from patron_engine.phrases import Phrase

PREFIX = "patron_"
SCOPES = ("read", "write", "design")  # read records and definitions; change records; change definitions
MOST_ADDRESSES = 100  # of one key
SHOWN = len(PREFIX) + 6  # characters of a key that are kept for people to recognise it by


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """Whose key it is, and what it opens."""

    key: str
    key_name: str
    email: str
    workspace: str
    user: str
    administrator: bool
    addresses: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset(SCOPES)

    def holds(self, scope: str, address: str) -> bool:
        """Whether the key may be used for this, from this address."""
        return scope in self.scopes and (not self.addresses or stands_in(address, self.addresses))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as a list shows it."""

    id: str
    prefix: str
    name: str
    email: str
    workspace: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    addresses: list[str]
    scopes: list[str]


def key_hash(key: str) -> bytes:
    return sha256(key.encode()).digest()


def create_key(
    conn: psycopg.Connection[Any],
    email: str,
    workspace: str,
    name: str = "",
    expires_at: datetime | None = None,
    *,
    addresses: Sequence[str] = (),
    scopes: Sequence[str] = SCOPES,
) -> str:
    """A new key of an account for a workspace it belongs to. NotFound when it does not; WrongUse for what is no address or no
    scope. Without addresses it may be used from everywhere."""
    _check(addresses, scopes)
    key = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        "INSERT INTO patron.api_key (id, prefix, hash, account, workspace, name, expires_at, addresses, scopes)"
        " SELECT %s, %s, %s, m.account, m.workspace, %s, %s, %s, %s FROM patron.membership m"
        " JOIN patron.account a ON a.id = m.account WHERE lower(a.email) = lower(%s) AND m.workspace = %s RETURNING id",
        (
            new_id(),
            key[:SHOWN],
            key_hash(key),
            name,
            expires_at,
            list(addresses),
            list(scopes),
            email,
            workspace,
        ),
    ).fetchone()
    if row is None:
        raise NotFound(
            Phrase("{email} is not a user of the workspace {workspace!r}", email=email, workspace=workspace),
            code="user_not_found",
            hint=Phrase(
                "patron user create {email} --workspace {workspace}", email=email, workspace=workspace
            ),
        )
    return key


def find_key(conn: psycopg.Connection[Any], digest: bytes) -> KeyHolder | None:
    """The holder of a valid key, or None: unknown, revoked, expired, or of an account that may not sign in."""
    row = conn.execute(
        "SELECT k.id, coalesce(nullif(k.name, ''), k.prefix), a.email, k.workspace, m.user_record, m.administrator,"
        " k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute',"
        " k.addresses, k.scopes"
        " FROM patron.api_key k JOIN patron.account a ON a.id = k.account"
        " JOIN patron.membership m ON m.account = k.account AND m.workspace = k.workspace"
        " JOIN patron.workspace w ON w.name = k.workspace AND w.state = 'ready'"
        " WHERE k.hash = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"
        " AND a.state = 'active'",
        (digest,),
    ).fetchone()
    if row is None:
        return None
    if row[6]:
        conn.execute("UPDATE patron.api_key SET last_used_at = now() WHERE id = %s", (row[0],))
    return KeyHolder(
        key=str(row[0]),
        key_name=row[1],
        email=row[2],
        workspace=row[3],
        user=str(row[4]),
        administrator=row[5],
        addresses=tuple(row[7]),
        scopes=frozenset(row[8]),
    )


def list_keys(conn: psycopg.Connection[Any], workspace: str) -> list[KeyRow]:
    """The keys of a workspace, the newest first."""
    rows = conn.execute(
        "SELECT k.id, k.prefix, k.name, a.email, k.workspace, k.created_at, k.last_used_at, k.expires_at, k.revoked_at,"
        " k.addresses, k.scopes"
        " FROM patron.api_key k JOIN patron.account a ON a.id = k.account WHERE k.workspace = %s"
        " ORDER BY k.created_at DESC, k.id DESC",
        (workspace,),
    )
    names = (
        "id", "prefix", "name", "email", "workspace", "created_at", "last_used_at", "expires_at", "revoked_at",
        "addresses", "scopes",
    )  # fmt: skip
    return [KeyRow(**{**dict(zip(names, row, strict=True)), "id": str(row[0])}) for row in rows]


def _check(addresses: Sequence[str], scopes: Sequence[str]) -> None:
    wrong = next((text for text in addresses if network(text) is None), None)
    if wrong is not None:
        raise WrongUse(
            Phrase("{value!r} is neither an address nor a network", value=wrong), code="bad_address"
        )
    if len(addresses) > MOST_ADDRESSES:
        raise WrongUse(
            Phrase("a key has at most {most} addresses", most=MOST_ADDRESSES), code="key_addresses"
        )
    unknown = next((scope for scope in scopes if scope not in SCOPES), None)
    if unknown is not None or not scopes:
        raise WrongUse(
            Phrase("{scope!r} is no scope of a key", scope=unknown or ""),
            code="key_scope",
            hint="one of read, write and design",
        )


def revoke_key(conn: psycopg.Connection[Any], key: str) -> None:
    """Revokes by id or by the beginning that lists show. NotFound when there is no such key in force."""
    row = conn.execute(
        "UPDATE patron.api_key SET revoked_at = now() WHERE (id::text = %s OR prefix = %s) AND revoked_at IS NULL"
        " RETURNING id",
        (key, key[:SHOWN]),
    ).fetchone()
    if row is None:
        raise NotFound(
            "there is no such key in force", code="key_not_found", hint="`patron key list` shows them"
        )
