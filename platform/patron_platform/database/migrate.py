"""Migrate: the system's own schema, and every workspace, brought up to date.

In: connections. Out: tables as this version of the program expects them. What a migration is, and how it is applied, is in
the engine (store/migrations.py); here is only which schemas there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from patron_engine.store.history_partitions import ensure_partitions
from patron_engine.store.migrations import Migration, migrate, pending, read_migrations
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import list_workspaces

SYSTEM_SCHEMA = "patron"
PLATFORM = "patron_platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What was new in one workspace."""

    workspace: str
    applied: tuple[Migration, ...]


def migrate_system(conn: psycopg.Connection[Any]) -> tuple[Migration, ...]:
    """Makes or upgrades the schema `patron`. Any number of processes may do it at once."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('patron system', 11))")
        conn.execute("CREATE SCHEMA IF NOT EXISTS patron")
    return migrate(conn, SYSTEM_SCHEMA, read_migrations(PLATFORM))


def upgrade_workspaces(databases: Databases) -> list[Upgrade]:
    """Applies what is new to every workspace on every server, and makes the next months' history. One after the other:
    a workspace that fails stops it, and the next start goes on there."""
    done: list[Upgrade] = []
    with databases.system() as conn:
        workspaces = [w for w in list_workspaces(conn) if w.state == "ready"]
    for workspace in workspaces:
        with databases.connection(workspace.name, "publish") as conn:
            applied = migrate(conn, workspace.schema) if pending(conn, workspace.schema) else ()
            ensure_partitions(conn, workspace.schema, datetime.now(UTC))
        done.append(Upgrade(workspace=workspace.name, applied=applied))
    return done
