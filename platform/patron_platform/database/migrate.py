"""Migrate: the system's own schema, and every workspace, brought up to date.

In: connections. Out: tables as this version of the program expects them. What a migration is, and how it is applied, is in
the engine (store/migrations.py); here is only which schemas there are.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from patron_engine.store.history_partitions import ensure_partitions
from patron_engine.store.migrations import Migration, migrate, pending, read_migrations
from patron_platform.database.pools import Databases
from patron_platform.database.wall import SYSTEM_SCHEMA, admit, open_system_to, stands
from patron_platform.database.workspaces import list_workspaces

PLATFORM = "patron_platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What was new in one workspace."""

    workspace: str
    applied: tuple[Migration, ...]


def open_system(databases: Databases, application: str | None = None) -> bytes:
    """The system's own tables brought up to date and the second wall raised around them; gives the key all processes share."""
    with databases.system("publish") as conn:
        applied = migrate_system(conn)
        secret = _secret(conn)
    wall = databases.guard(secret, application)
    with databases.system("publish") as conn:
        open_system_to(conn, wall, changed=bool(applied))
    return secret


def migrate_system(conn: psycopg.Connection[Any]) -> tuple[Migration, ...]:
    """Makes or upgrades the schema `patron`. Any number of processes may do it at once."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('patron system', 11))")
        conn.execute("CREATE SCHEMA IF NOT EXISTS patron")
    return migrate(conn, SYSTEM_SCHEMA, read_migrations(PLATFORM))


def upgrade_workspaces(databases: Databases) -> list[Upgrade]:
    """Applies what is new to every workspace on every server, gives those their role that have none yet, and makes the next
    months' history. One after the other: a workspace that fails stops it, and the next start goes on there."""
    done: list[Upgrade] = []
    with databases.system() as conn:
        workspaces = [w for w in list_workspaces(conn) if w.state == "ready"]
    for workspace in workspaces:
        with databases.connection(workspace.name, "publish") as conn:
            applied = migrate(conn, workspace.schema) if pending(conn, workspace.schema) else ()
            ensure_partitions(conn, workspace.schema, datetime.now(UTC))
            wall = databases.wall(workspace.dsn)
            if applied or not stands(conn, wall, workspace.schema):
                admit(conn, wall, workspace.schema)
        done.append(Upgrade(workspace=workspace.name, applied=applied))
    return done


def _secret(conn: psycopg.Connection[Any]) -> bytes:
    """The key that seals cursors and makes the application's password: made once, the same for every process on this database."""
    conn.execute(
        "INSERT INTO patron.secret (name, value) VALUES ('cursor', %s) ON CONFLICT (name) DO NOTHING",
        (secrets.token_bytes(32),),
    )
    row = conn.execute("SELECT value FROM patron.secret WHERE name = 'cursor'").fetchone()
    assert isinstance(row, tuple)
    return bytes(row[0])
