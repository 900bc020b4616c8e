"""Locks: how a publication gets its tables without making readers wait.

In: an open transaction, tables. Out: nothing, or Unavailable after the budget. A lock request that waits makes every
later reader wait behind it, so this one waits at most 50 ms, gives everything back, sleeps, and tries again. Readers wait
at most for one try (100 ms at the very worst), writers for the whole publication.

Locks taken inside a savepoint are given back by rolling back to it; what the transaction wrote before stays.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from patron_engine.errors import Unavailable
from patron_engine.store import ddl

Connection = psycopg.Connection[Any]

LOCK_WAIT = 50  # ms that one try waits for one lock
TRY_TIME = 80  # ms that one try may take for all of them
BUDGET = 60.0  # seconds of trying
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
VACUUM_AFTER = 3  # tries after which autovacuum is asked to step aside


def acquire(
    conn: Connection,
    schema: str,
    tables: Sequence[str] = (),
    *,
    referenced: Sequence[str] = (),
    budget: float = BUDGET,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Takes the workspace's advisory lock exclusively and `tables` (altered: ACCESS EXCLUSIVE; `referenced` by new
    links: SHARE ROW EXCLUSIVE) all at once, until the end of the transaction. Returns the number of tries.

    Unavailable with code `tables_busy` when `budget` seconds were not enough: nothing is held then.
    """
    _begin(conn)
    end = time.monotonic() + budget
    pause = FIRST_PAUSE
    tries = 0
    while True:
        tries += 1
        try:
            with conn.transaction():
                _take(conn, schema, tables, referenced)
            return tries
        except (errors.LockNotAvailable, errors.QueryCanceled):
            if time.monotonic() + pause > end:
                raise Unavailable(
                    f"the tables of {schema} were in use for {budget:.0f} seconds without a pause",
                    code="tables_busy",
                    hint="a long report or import is running; publish again when it has ended",
                ) from None
        if tries >= VACUUM_AFTER:
            _stop_autovacuum(conn, schema, (*tables, *referenced))
        sleep(pause * random.uniform(0.7, 1.3))
        pause = min(pause * 1.6, LONGEST_PAUSE)


def _begin(conn: Connection) -> None:
    """Locks live as long as their transaction: there must be one outside the savepoints used here."""
    if conn.info.transaction_status == TransactionStatus.IDLE:
        if conn.autocommit:
            raise ValueError("locks are taken inside a transaction")
        conn.execute("SELECT 1")


def _take(conn: Connection, schema: str, tables: Sequence[str], referenced: Sequence[str]) -> None:
    before = conn.execute(
        "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    ).fetchone()
    assert before is not None
    _limit(conn, f"{LOCK_WAIT}ms", f"{TRY_TIME}ms")
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (schema,))
    modes: list[tuple[Sequence[str], LiteralString]] = [
        (tables, "ACCESS EXCLUSIVE"),
        ([t for t in referenced if t not in tables], "SHARE ROW EXCLUSIVE"),
    ]
    for names, mode in modes:
        if names:
            conn.execute(ddl.lock_tables(schema, names, mode))
    _limit(conn, *before)


def _limit(conn: Connection, lock: str, statement: str) -> None:
    conn.execute(
        "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
        (lock, statement),
    )


def _stop_autovacuum(conn: Connection, schema: str, tables: Sequence[str]) -> None:
    """Autovacuum holds a lock that ends only when someone waits a second for it, which nobody here does. Where the
    login may, it is cancelled (it comes back by itself); not when it runs against wraparound."""
    if not tables:
        return
    try:
        with conn.transaction():
            conn.execute(
                "SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
                " WHERE a.backend_type = 'autovacuum worker' AND a.query NOT LIKE '%%wraparound%%' AND a.pid IN ("
                " SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE l.granted AND n.nspname = %s AND c.relname = ANY(%s))",
                (schema, list(tables)),
            )
    except errors.InsufficientPrivilege:
        return


def shared(conn: Connection, schema: str) -> None:
    """The lock every write transaction takes first; waits while a publication runs."""
    conn.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 7))", (schema,))
