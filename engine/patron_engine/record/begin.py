"""Begin: how a write transaction begins, and when a whole one is repeated.

In: a connection and the frame of the call. Out: a transaction in which a publication is kept away and the release pinned.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from patron_engine.errors import Conflict, ReleaseChanged, Unavailable
from patron_engine.query.call import Call
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn, compiled
from patron_engine.store.counters import raise_saved
from patron_engine.store.wire import Asked, together

RETRIES = 6  # of a deadlock or a serialisation failure
BEGIN: Asked = ("BEGIN", ())
LOCK_SALT = 7  # of the workspace's advisory lock, shared by writers, exclusive for a publication

Result = TypeVar("Result")


@contextmanager
def write_transaction(conn: Conn, call: Call) -> Iterator[None]:
    """A transaction for writing, begun by `begin_write`: committed at the end, undone by what is raised inside."""
    try:
        begin_write(conn, call)
        yield
        raise_saved(conn, call.tables)
    except BaseException:
        with suppress(psycopg.Error):  # a connection that was lost has undone everything itself
            _undo(conn)
        raise
    conn.commit()
    for act in call.committed:
        act()


def _undo(conn: Conn) -> None:
    """Rolls back and keeps what is prepared. `conn.rollback()` would throw every prepared statement away, for fear of tables
    that were made and undone; a save makes none, and after each refused one all the others would be planned anew. After an error
    of the database it does so: of a pipeline that broke nobody knows what was prepared."""
    if conn.info.transaction_status == TransactionStatus.INTRANS:
        conn.pgconn.exec_(b"ROLLBACK")
    else:
        conn.rollback()


def begin_write(conn: Conn, call: Call) -> None:
    """Keeps a publication away until the transaction ends, and pins the release: ReleaseChanged when the call was
    prepared under an older one. Begins the transaction where none is open yet."""
    lock_and_look = Programs.of(call.tables).keep("begin", lambda: _begin(call))
    fresh = conn.info.transaction_status == TransactionStatus.IDLE
    # One round trip, but a statement each: the last sees what was committed while the one before it waited.
    *_, state = together(conn, [BEGIN, *lock_and_look] if fresh else lock_and_look)
    current = state.fetchone()
    if current is None or current[0] != call.model.release:
        raise ReleaseChanged("the workspace's definitions changed meanwhile", hint="try again")


def _begin(call: Call) -> Sequence[Asked]:
    schema = sa.literal(call.schema, sa.Text(), literal_execute=True)
    key = sa.func.hashtextextended(schema, sa.literal(LOCK_SALT, sa.BigInteger(), literal_execute=True))
    lock = sa.select(sa.func.pg_advisory_xact_lock_shared(key))
    state = call.tables.system("sys__state", release="bigint")
    return [(compiled(lock).text, ()), (compiled(sa.select(state.c.release)).text, ())]


def retrying(attempt: Callable[[], Result], *, tries: int = RETRIES) -> Result:
    """Repeats a whole transaction that lost a deadlock, a serialisation failure or a race of upserts."""
    for left in range(tries, -1, -1):
        try:
            return attempt()
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
            if not left:
                raise Unavailable("many people change these records at once", hint="try again") from error
        except Conflict as error:
            if error.code != "raced" or not left:
                raise
        except psycopg.errors.LockNotAvailable as error:
            raise Unavailable("the record is being changed by somebody else", hint="try again") from error
        time.sleep(random.uniform(0.001, 0.02) * 2 ** (tries - left))
    raise AssertionError("unreachable")
