"""Connections: the other sides a workspace speaks to: its mail server, an SMS provider, robots of chat groups.

In: a connection to the database, a schema, the workspace's vault. Out: `Connection`s. What must not be read (passwords,
addresses that open something) is sealed, and leaves the vault only for who sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.fields.vault import Vault
from patron_engine.phrases import Phrase

Conn = psycopg.Connection[Any]
ROBOTS: Final = ("wecom", "dingtalk", "feishu")
KINDS: Final = ("smtp", "sms", *ROBOTS)
MOST: Final = 50  # limit_connections: connections of one workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`config` may be read by administrators, `secret` by nobody: it is empty unless it was asked for."""

    name: str
    kind: str
    label: str
    config: Mapping[str, Any] = field(default_factory=dict)
    active: bool = True
    error: str | None = None
    failed_at: datetime | None = None
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)


def connections(conn: Conn, schema: str, vault: Vault | None = None) -> list[Connection]:
    """All of them by name; with the vault their secrets too."""
    rows = conn.execute(
        sql.SQL(
            "SELECT name, kind, label, config, active, error, failed_at, secret FROM {} ORDER BY name"
        ).format(_table(schema))
    ).fetchall()
    return [
        Connection(
            name=r[0], kind=r[1], label=r[2], config=r[3], active=r[4], error=r[5], failed_at=r[6],
            secret=vault.open(_place(r[0]), r[7]) if vault is not None and r[7] is not None else {},
        )
        for r in rows
    ]  # fmt: skip


def one(conn: Conn, schema: str, name: str, vault: Vault | None = None) -> Connection:
    for found in connections(conn, schema, vault):
        if found.name == name:
            return found
    raise NotFound("there is no such connection", code="connection_not_found")


def first(conn: Conn, schema: str, kind: str, vault: Vault | None = None) -> Connection | None:
    """The one of a kind of which there is one: the mail server, the SMS provider. None when there is none in use."""
    return next((c for c in connections(conn, schema, vault) if c.kind == kind and c.active), None)


def robots_for(conn: Conn, schema: str, words: frozenset[str]) -> list[Connection]:
    """The robots that serve one of these groups, departments or roles; those that serve everybody where none does."""
    robots = [c for c in connections(conn, schema) if c.kind in ROBOTS and c.active]
    mine = [c for c in robots if words & set(c.config.get("serves") or ())]
    return mine or [c for c in robots if not c.config.get("serves")]


def serve_only(conn: Conn, schema: str, words: frozenset[str]) -> bool:
    """Whether what these groups are told reaches robots of theirs alone, and none of everybody."""
    return all(words & set(c.config.get("serves") or ()) for c in robots_for(conn, schema, words))


def keep(conn: Conn, schema: str, vault: Vault, one: Connection, now: datetime) -> None:
    """Writes it, a new one or in place of that of its name. LimitExceeded for one too many."""
    known = {c.name for c in connections(conn, schema)}
    if one.name not in known and len(known) >= MOST:
        raise LimitExceeded(
            Phrase("a workspace has at most {most} connections", most=MOST),
            code="limit_connections",
            hint="remove one that is not used any more",
        )
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (name, kind, label, config, secret, active, made_at) VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET kind = EXCLUDED.kind, label = EXCLUDED.label, config = EXCLUDED.config,"
            " secret = EXCLUDED.secret, active = EXCLUDED.active, error = NULL, failed_at = NULL"
        ).format(_table(schema)),
        (
            one.name, one.kind, one.label, Jsonb(dict(one.config), dumps=jsonio.dumps),
            vault.seal(_place(one.name), dict(one.secret)), one.active, now,
        ),
    )  # fmt: skip


def remove(conn: Conn, schema: str, name: str) -> None:
    if not conn.execute(sql.SQL("DELETE FROM {} WHERE name = %s").format(_table(schema)), (name,)).rowcount:
        raise NotFound("there is no such connection", code="connection_not_found")


def failed(conn: Conn, schema: str, name: str, why: str | None, now: datetime) -> None:
    """Notes what went wrong with it last; None when it works."""
    conn.execute(
        sql.SQL(
            "UPDATE {} SET error = %s, failed_at = %s WHERE name = %s AND error IS DISTINCT FROM %s"
        ).format(_table(schema)),
        (why, now if why else None, name, why),
    )


def _place(name: str) -> str:
    return f"connection.{name}"


def _table(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "sys__connection")
