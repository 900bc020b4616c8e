"""Pools: connections for the whole process, one pair of pools a server, a server for each workspace.

    serving   requests: short limits of time, as many connections as there may be requests at once
    long      publications and jobs: long limits, few connections, opened when first asked for

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
from typing import Any, Literal, Self

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from patron_engine.errors import LimitExceeded, PatronError, Unavailable
from patron_engine.store.session import SETTINGS, Purpose, limit, open_session
from patron_platform.database.workspaces import WorkspacePlace, find_workspace

Kind = Literal["serving", "long"]
Pool = ConnectionPool[psycopg.Connection[Any]]

LONG_CONNECTIONS = 4
WAIT_SECONDS = 10.0  # for a free connection
WAITING_MOST = 200  # requests that may wait for one
LIFETIME_SECONDS = 1800.0  # a connection remembers every table it has touched (23 kB each) until it ends
PLACE_SECONDS = 2.0  # how long the place of a workspace is believed
RECONNECT_SECONDS = 4.0  # a pool's patience before it waits for the next request to try again
LONG_POOL = "patron-long"
LOST = ("database_unavailable", "pool_exhausted")
GONE = (
    "08",
    "57P",
    "53",
    "58",
)  # classes of SQLSTATE that say the server cannot: connection, shutdown, resources, system
REVIVE_SECONDS = 1.0  # of rest after a server of our own could not be started


class Databases:
    """Every connection of one process. Thread-safe. `revive` starts a server of our own that was killed."""

    def __init__(self, url: str, *, connections: int = 12, revive: Callable[[], None] | None = None) -> None:
        self.url = url
        self._connections = connections
        self._revive = revive
        self._failed = float("-inf")
        self._pools: dict[tuple[str, Kind], Pool] = {}
        self._places: dict[str, tuple[float, WorkspacePlace]] = {}
        self._lock = threading.Lock()
        self._failing = threading.Lock()

    # -- connections --------------------------------------------------------------------------------------------

    @contextmanager
    def system(self, purpose: Purpose = "write") -> Iterator[psycopg.Connection[Any]]:
        """A connection to the database of the system's own tables."""
        with self._taken(self.url, purpose) as conn:
            yield conn

    @contextmanager
    def connection(self, workspace: str, purpose: Purpose) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the server of a workspace; NotFound when there is none of that name."""
        with self._taken(self.place(workspace).dsn or self.url, purpose) as conn:
            yield conn

    @contextmanager
    def server(self, dsn: str | None, purpose: Purpose = "publish") -> Iterator[psycopg.Connection[Any]]:
        """A connection to a server by its address; None is the system's own."""
        with self._taken(dsn or self.url, purpose) as conn:
            yield conn

    @contextmanager
    def dedicated(self, workspace: str, purpose: Purpose) -> Iterator[psycopg.Connection[Any]]:
        """A connection outside the pools, for what lasts: LISTEN, an export's cursor. Closed at the end."""
        dsn = self.place(workspace).dsn or self.url
        with _clean_errors(purpose), psycopg.connect(dsn, autocommit=True, connect_timeout=10) as conn:
            yield open_session(conn, purpose)

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
    def _taken(self, url: str, purpose: Purpose) -> Iterator[psycopg.Connection[Any]]:
        pool = self._pool(url, "long" if purpose in ("publish", "job") else "serving")
        try:
            with _clean_errors(purpose), pool.connection() as conn:
                if pool.name == LONG_POOL:
                    limit(conn, purpose)  # a round trip more, where a round trip does not count
                yield conn
        except Unavailable as error:
            if error.code in LOST:
                self._after_failure(url, pool)
            raise

    def _pool(self, url: str, kind: Kind) -> Pool:
        found = self._pools.get((url, kind))
        if found is not None:
            return found
        with self._lock:
            if (url, kind) not in self._pools:
                self._pools[url, kind] = ConnectionPool(
                    url,
                    kwargs={"autocommit": True, "connect_timeout": 10, "application_name": f"patron {kind}"},
                    min_size=1 if kind == "serving" else 0,
                    max_size=self._connections if kind == "serving" else LONG_CONNECTIONS,
                    max_waiting=WAITING_MOST,
                    timeout=WAIT_SECONDS,
                    max_lifetime=LIFETIME_SECONDS,
                    num_workers=1,
                    open=True,
                    reconnect_timeout=RECONNECT_SECONDS,
                    configure=_configure,
                    name=LONG_POOL if kind == "long" else "patron-serving",
                )
            return self._pools[url, kind]

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


@contextmanager
def _clean_errors(purpose: Purpose) -> Iterator[None]:
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected):
        raise
    except errors.QueryCanceled as error:
        raise LimitExceeded(
            f"the database worked on this longer than {SETTINGS[purpose]['statement_timeout']}",
            code="statement_time",
            hint="ask for less at once: a narrower condition, fewer rows",
        ) from error
    except errors.LockNotAvailable as error:
        raise Unavailable(
            f"somebody else held what this needs for longer than {SETTINGS[purpose]['lock_timeout']}",
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
