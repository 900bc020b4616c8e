"""Embedded: one PostgreSQL server for all processes that share a data home, started by the first, stopped by the last.

    attach ── lock exclusively ── count ourselves in ── initialise? ── start? ── unlock ──> url
    close  ── lock exclusively ── count ourselves out ── anybody left? ── stop ── unlock

The count is a shared flock each process holds for its life: the kernel takes it back from a process that was killed, so
no list of processes can go stale. After a kill of the last one the server goes on until the next process attaches and
leaves. In: a data home and binaries. Out: an `Attachment`. Knows no tables.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from patron_engine.errors import WrongUse
from patron_platform.database.binaries import Binaries
from patron_platform.database.cluster import DURABLE, SUPERUSER, Cluster
from patron_platform.database.sizing import memory_of_machine, sized

DATABASE = "patron"
OWNER = "patron"
_HANDED_OVER = """
    WITH own AS (SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema')
    SELECT format('ALTER %%s %%s OWNER TO %%I', kind, name, %s::text) FROM (
        SELECT 'SCHEMA' AS kind, quote_ident(own.nspname) AS name, n.nspowner AS owner
        FROM own JOIN pg_namespace n ON n.oid = own.oid
        UNION ALL SELECT 'TABLE', c.oid::regclass::text, c.relowner FROM pg_class c JOIN own ON own.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm')) AS made
    JOIN pg_roles r ON r.oid = made.owner WHERE r.rolname = %s
"""  # a table takes its indexes and the sequences of its columns along


class Attachment:
    """One process's use of the server. `close` it, or end: both count."""

    def __init__(self, cluster: Cluster, home: Path, held: int) -> None:
        self.cluster = cluster
        self.url = cluster.url(DATABASE, OWNER)
        self._home = home
        self._held: int | None = held
        self._process = os.getpid()

    def close(self) -> None:
        """Leaves; the last one stops the server. A forked child leaves the counting to its parent."""
        held, self._held = self._held, None
        if held is None:
            return
        if self._process != os.getpid():
            os.close(held)
            return
        with _exclusive(self._home):
            os.close(held)
            if _nobody_left(self._home):
                self.cluster.stop()

    def revive(self) -> None:
        """Starts the server again if it was killed meanwhile."""
        with _exclusive(self._home):
            if self.cluster.pid() is None:
                self.cluster.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attach(
    home: Path, binaries: Binaries, *, settings: Mapping[str, str] | None = None, sync: bool = True
) -> Attachment:
    """Uses the server over `home`, starting it first where nobody did: with `settings`, or with those that are safe and
    fit the machine. `sync=False` is for data that may be lost."""
    home = home.absolute()
    if settings is None:
        settings = {**DURABLE, **sized(memory_of_machine())}
    _prepare(home)
    cluster = Cluster(data=home / "postgres", binaries=binaries, settings=settings)
    with _exclusive(home):
        held = os.open(home / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            fresh = not cluster.initialised
            if fresh:
                cluster.initialise(sync=sync)
            if cluster.pid() is None:
                cluster.start()
            _make_database(cluster)
        except BaseException:
            os.close(held)
            raise
    return Attachment(cluster, home, held)


def _prepare(home: Path) -> None:
    try:
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        usable = os.access(home, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise WrongUse(
            f"the data folder {home} cannot be written",
            code="data_not_writable",
            hint="give another folder with --data DIR",
        )


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """Held while somebody starts, stops or counts; everybody else waits."""
    lock = os.open(home / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _nobody_left(home: Path) -> bool:
    lock = os.open(home / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(lock)


def _make_database(cluster: Cluster) -> None:
    """The database and its owner, who is no superuser but may make roles (wall.py)."""
    with psycopg.connect(cluster.url(), autocommit=True) as conn:
        found = conn.execute(
            "SELECT r.rolname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = %s",
            (DATABASE,),
        ).fetchone()
        if found == (OWNER,):
            return
        if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone() is None:
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER)))
        database, owner = sql.Identifier(DATABASE), sql.Identifier(OWNER)
        if found is None:
            conn.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
            return
        with psycopg.connect(cluster.url(DATABASE), autocommit=True) as inside:
            _hand_over(inside)
        conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))


def _hand_over(conn: psycopg.Connection[Any]) -> None:
    """Gives the owner what the superuser made before there was one. One statement each, or they would need more locks than
    there are; a kill leaves something that the next start finishes."""
    for (statement,) in conn.execute(_HANDED_OVER, (OWNER, SUPERUSER)).fetchall():
        conn.execute(statement.encode())
