"""Presence: a worker shows that it lives by an advisory lock, which goes with its connection however it ends.

In: a connection and a task's id. Out: a lock while the worker is at it, and the condition that finds tasks whose worker is
gone. Whose a task is the lease alone says (tasks.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, LiteralString

import psycopg

# First number of the locks; the second is made of the task. A worker has ten seconds from its claim until it shows itself.
ABSENT: Final[LiteralString] = """updated_at < now() - interval '10 seconds' AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.classid = 19 AND l.objsubid = 2
      AND l.objid::bigint = hashtext(k.id::text)::bigint & 4294967295)"""


@contextmanager
def present(conn: psycopg.Connection[Any], task: str) -> Iterator[None]:
    """Holds the lock. A worker that slept past its lease may hold it beside its heir, so it is shared."""
    conn.execute("SELECT pg_advisory_lock_shared(19, hashtext(%s))", (task,))
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a connection that was lost holds nothing
            conn.execute("SELECT pg_advisory_unlock_shared(19, hashtext(%s))", (task,))
