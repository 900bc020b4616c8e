"""Service: one process's Patron: its settings, its database, its runtime. Commands and the web server begin here.

In: settings. Out: an open `Service`; close it at the end, for an embedded server counts its users.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from patron_engine.runtime import Runtime
from patron_platform.database.migrate import open_system, upgrade_workspaces
from patron_platform.database.pools import Databases
from patron_platform.database.providers import Database, open_database
from patron_platform.identity.accounts import administrators_of
from patron_platform.identity.standing import who_of
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
            secret = open_system(databases, settings.application)
            upgrade_workspaces(databases)
            runtime = Runtime(
                databases, secret=secret, administrators=lambda name: administrators_of(databases, name),
                who=lambda name: who_of(databases, name),
            )  # fmt: skip
            yield Service(settings, database, databases, runtime)
