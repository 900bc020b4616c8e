"""Begin: how a write transaction begins, and when a whole one is repeated.

In: a connection in a new transaction and the frame of the call. Out: a publication is kept away, the release is pinned.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import sqlalchemy as sa

from patron_engine.errors import Conflict, ReleaseChanged, Unavailable
from patron_engine.query.call import Call
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn, compiled

RETRIES = 6  # of a deadlock or a serialisation failure
LOCK_SALT = 7  # of the workspace's advisory lock, shared by writers, exclusive for a publication

Result = TypeVar("Result")


def begin_write(conn: Conn, call: Call) -> None:
    """Keeps a publication away until the transaction ends, and pins the release: ReleaseChanged when the call was
    prepared under an older one."""
    both = Programs.of(call.tables).keep("begin", lambda: _begin(conn, call))
    cursor = conn.execute(both)
    cursor.nextset()  # two statements in one round trip: the second sees what was committed while the first waited
    current = cursor.fetchone()
    if current is None or current[0] != call.model.release:
        raise ReleaseChanged("the workspace's definitions changed meanwhile", hint="try again")


def _begin(conn: Conn, call: Call) -> str:
    hashed = sa.func.hashtextextended(
        sa.bindparam("schema", type_=sa.Text()), sa.literal(LOCK_SALT, sa.BigInteger())
    )
    key = compiled(sa.select(hashed)).run(conn, schema=call.schema)[0][0]
    lock = sa.func.pg_advisory_xact_lock_shared(sa.literal(key, sa.BigInteger(), literal_execute=True))
    state = call.tables.system("sys__state", release="bigint")
    return f"{compiled(sa.select(lock)).text};\n{compiled(sa.select(state.c.release)).text}"


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
