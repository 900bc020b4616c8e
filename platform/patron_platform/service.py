"""Service: one process's Patron: its settings, its database, its runtime. Commands and the web server begin here.

In: settings. Out: an open `Service`; close it at the end, for an embedded server counts its users.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from patron_engine.runtime import Runtime
from patron_platform.database.migrate import migrate_system, upgrade_workspaces
from patron_platform.database.pools import Databases
from patron_platform.database.providers import Database, open_database
from patron_platform.settings import Settings

# A save that a rule refuses ends its pipeline early; the driver would tell of each on standard error.
logging.getLogger("psycopg").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Service:
    """`database` says what it runs on, `databases` opens connections, `runtime` opens workspaces."""

    settings: Settings
    database: Database
    databases: Databases
    runtime: Runtime


@contextmanager
def open_service(settings: Settings) -> Iterator[Service]:
    """Opens the database, brings the system's tables and every workspace up to date, and gives the service."""
    with open_database(settings.database, settings.data) as database:
        revive = database.attachment.revive if database.attachment else None
        with Databases(database.url, connections=settings.pool, revive=revive) as databases:
            with databases.system("publish") as conn:
                migrate_system(conn)
                secret = _secret(conn)
            upgrade_workspaces(databases)
            yield Service(settings, database, databases, Runtime(databases, secret=secret))


def _secret(conn: psycopg.Connection[object]) -> bytes:
    """The key that seals cursors: made once, the same for every process on this database."""
    conn.execute(
        "INSERT INTO patron.secret (name, value) VALUES ('cursor', %s) ON CONFLICT (name) DO NOTHING",
        (secrets.token_bytes(32),),
    )
    row = conn.execute("SELECT value FROM patron.secret WHERE name = 'cursor'").fetchone()
    assert isinstance(row, tuple)
    return bytes(row[0])
