"""Pools: connections for the whole process, four pools a server, a server for each workspace.

    serving   requests in workspaces: short limits of time, as many connections as there may be requests at once
    system    who signs in, which workspaces there are: the same limits, fewer
    long      jobs: long limits, few connections, opened when first asked for
    owner     publications, migrations, work on tables: as long, as few

All but the last sign in as the application (wall.py) and take the role of the workspace they work in. A connection keeps the
role it took, so that this costs a round trip where a connection changes workspace and nothing where it does not.

In: the URL of the system's database. Out: configured connections in autocommit mode (a transaction is opened where one is
meant). What the network or the server did wrong leaves here as Unavailable or LimitExceeded, never as a driver's error.
Deadlocks and serialisation failures pass: the engine repeats the work.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, Self

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from patron_engine.errors import LimitExceeded, PatronError, Unavailable
from patron_engine.phrases import Phrase
from patron_engine.store.session import SETTINGS, Purpose, limit, open_session
from patron_engine.store.wire import Wire
from patron_platform.database.wall import Wall, raise_wall
from patron_platform.database.workspaces import WorkspacePlace, find_workspace

Kind = Literal["serving", "system", "long", "owner"]
Role = tuple[str, datetime]  # of a workspace; one dropped and made again has another, of the same name

OWNERS: frozenset[Purpose] = frozenset({"publish", "upkeep"})
SYSTEM_CONNECTIONS = 4  # at least: some requests hold one while they look for the place of a workspace
LONG_CONNECTIONS = 4  # of each of the pools for long work
WAIT_SECONDS = 10.0  # for a free connection
WAITING_MOST = 200  # requests that may wait for one
LIFETIME_SECONDS = 1800.0  # a connection remembers every table it has touched (23 kB each) until it ends
PLACE_SECONDS = 2.0  # how long the place of a workspace is believed
RECONNECT_SECONDS = 4.0  # a pool's patience before it waits for the next request to try again
LONG: frozenset[Kind] = frozenset({"long", "owner"})
LOST = ("database_unavailable", "pool_exhausted")
GONE = (
    "08",
    "57P",
    "53",
    "58",
)  # classes of SQLSTATE that say the server cannot: connection, shutdown, resources, system
REVIVE_SECONDS = 1.0  # of rest after a server of our own could not be started


class Session(Wire):
    """A connection that remembers whose role it has."""

    role: Role | None = None


Pool = ConnectionPool[Session]


class Databases:
    """Every connection of one process. Thread-safe. `url` is the owner's; until `guard` was called everything signs in as
    the owner. `revive` starts a server of our own that was killed."""

    def __init__(self, url: str, *, connections: int = 12, revive: Callable[[], None] | None = None) -> None:
        self.url = url
        self._secret: bytes | None = None
        self._walls: dict[str, Wall] = {}
        self._connections = connections
        self._revive = revive
        self._failed = float("-inf")
        self._pools: dict[tuple[str, Kind], Pool] = {}
        self._places: dict[str, tuple[float, WorkspacePlace]] = {}
        self._lock = threading.Lock()
        self._failing = threading.Lock()
        self._guarding = threading.Lock()

    # -- the second wall ----------------------------------------------------------------------------------------

    def guard(self, secret: bytes, application: str | None = None) -> Wall:
        """Raises the wall of the system's database, with the login in the address `application` or one of its own."""
        with self.server(None) as conn:
            wall = self._walls[self.url] = raise_wall(conn, self.url, secret, application)
        self._secret = secret
        return wall

    def wall(self, dsn: str | None) -> Wall:
        """The wall of a server's database, raised when first asked for."""
        url = dsn or self.url
        found = self._walls.get(url)
        if found is None and self._secret is not None:
            with self._guarding, self.server(dsn) as conn:
                found = self._walls[url] = raise_wall(conn, url, self._secret)
        return found or Wall(url=url)

    # -- connections --------------------------------------------------------------------------------------------

    @contextmanager
    def system(self, purpose: Purpose = "write") -> Iterator[psycopg.Connection[Any]]:
        """A connection to the database of the system's own tables."""
        kind: Kind = "owner" if purpose in OWNERS else "long" if purpose == "job" else "system"
        with self._taken(self.url, kind, purpose) as conn:
            yield conn

    @contextmanager
    def connection(self, workspace: str, purpose: Purpose) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the server of a workspace, in its role where its tables are not changed; NotFound when there is
        none of that name."""
        place = self.place(workspace)
        if purpose in OWNERS:
            with self._taken(place.dsn or self.url, "owner", purpose) as conn:
                yield conn
            return
        name = self.wall(place.dsn).role(place.schema)
        role = None if name is None else (name, place.created_at)
        kind: Kind = "long" if purpose == "job" else "serving"
        with self._taken(place.dsn or self.url, kind, purpose, role) as conn:
            yield conn

    @contextmanager
    def server(self, dsn: str | None, purpose: Purpose = "publish") -> Iterator[psycopg.Connection[Any]]:
        """A connection of the owner to a server by its address; None is the system's own."""
        with self._taken(dsn or self.url, "owner", purpose) as conn:
            yield conn

    # -- places -------------------------------------------------------------------------------------------------

    def place(self, workspace: str) -> WorkspacePlace:
        """Where a workspace lies; believed for two seconds."""
        now = time.monotonic()
        known = self._places.get(workspace)
        if known is None or known[0] < now:
            with self.system("read") as conn:
                known = (now + PLACE_SECONDS, find_workspace(conn, workspace))
            self._places[workspace] = known
        return known[1]

    def schema(self, workspace: str) -> str:
        """The schema of a workspace; NotFound when there is none of that name."""
        return self.place(workspace).schema

    def forget(self, workspace: str) -> None:
        """The next question about this workspace looks again (it was dropped, or made)."""
        self._places.pop(workspace, None)

    # -- life ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- parts --------------------------------------------------------------------------------------------------

    @contextmanager
    def _taken(
        self, url: str, kind: Kind, purpose: Purpose, role: Role | None = None
    ) -> Iterator[psycopg.Connection[Any]]:
        pool = self._pool(url, kind)
        try:
            with _clean_errors(purpose), pool.connection() as conn:
                if kind in LONG:
                    limit(conn, purpose)  # a round trip more, where a round trip does not count
                if conn.role != role:
                    _take_role(conn, role)
                yield conn
        except Unavailable as error:
            if error.code in LOST:
                self._after_failure(url, pool)
            raise

    def _pool(self, url: str, kind: Kind) -> Pool:
        wall = self._walls.get(url)
        address = wall.url if wall is not None and kind != "owner" else url
        found = self._pools.get((address, kind))
        if found is not None:
            return found
        most = {"serving": self._connections, "system": max(self._connections // 3, SYSTEM_CONNECTIONS)}
        with self._lock:
            if (address, kind) not in self._pools:
                self._pools[address, kind] = ConnectionPool(
                    address,
                    connection_class=Session,
                    kwargs={"autocommit": True, "connect_timeout": 10, "application_name": f"patron {kind}"},
                    min_size=0 if kind in LONG else 1,
                    max_size=most.get(kind, LONG_CONNECTIONS),
                    max_waiting=WAITING_MOST,
                    timeout=WAIT_SECONDS,
                    max_lifetime=LIFETIME_SECONDS,
                    num_workers=1,
                    open=True,
                    reconnect_timeout=RECONNECT_SECONDS,
                    configure=_configure,
                    name=f"patron-{kind}",
                )
            return self._pools[address, kind]

    def _after_failure(self, url: str, pool: Pool) -> None:
        """Starts our own server again where it is gone, and throws away the connections that died with it."""
        with self._failing:
            if time.monotonic() - self._failed < REVIVE_SECONDS:
                return
            try:
                if self._revive is not None and url == self.url:
                    self._revive()
            except PatronError:
                self._failed = time.monotonic()
                return
        with contextlib.suppress(psycopg.Error, PoolClosed, PoolTimeout):
            pool.check()


def _configure(conn: psycopg.Connection[Any]) -> None:
    open_session(conn, "write")


def _take_role(conn: Session, role: Role | None) -> None:
    """For this and the following uses of the connection. It is in no transaction, so nothing takes the role back."""
    conn.role = None
    try:
        conn.execute("SELECT set_config('role', %s, false)", (role[0] if role else "none",))
    except errors.InvalidParameterValue as error:
        raise Unavailable(
            "the workspace has no role in the database: it is being dropped or was not made by this version",
            code="workspace_without_role",
            hint="start Patron again: it makes what is missing",
        ) from error
    conn.role = role


@contextmanager
def _clean_errors(purpose: Purpose) -> Iterator[None]:
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected):
        raise
    except errors.QueryCanceled as error:
        raise LimitExceeded(
            Phrase(
                "the database worked on this longer than {limit}",
                limit=SETTINGS[purpose]["statement_timeout"],
            ),
            code="statement_time",
            hint="ask for less at once: a narrower condition, fewer rows",
        ) from error
    except errors.LockNotAvailable as error:
        raise Unavailable(
            Phrase(
                "somebody else held what this needs for longer than {limit}",
                limit=SETTINGS[purpose]["lock_timeout"],
            ),
            code="locked",
            hint="try again",
        ) from error
    except (PoolTimeout, TooManyRequests) as error:
        raise Unavailable(
            "every connection to the database is in use", code="pool_exhausted", hint="try again"
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolClosed) as error:
        state = getattr(error, "sqlstate", None)
        if state is not None and not state.startswith(GONE):
            raise
        raise Unavailable(
            "the database does not answer at the moment", code="database_unavailable", hint="try again"
        ) from error
