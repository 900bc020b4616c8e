"""Answering: what became of what a run sent, written into the run that stands for it.

In: a connection, a run, the id of what left, an answer. Out: true when the run took it: one that was answered, that goes on
another way or is over takes none. A run is answered once: one conditional UPDATE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio

Connection = psycopg.Connection[Any]
_STANDS = sql.SQL(
    "id = %(run)s AND state IN ('waiting', 'ready', 'parked') AND loops -> 'wait' ->> 'call' = %(parcel)s"
    " AND NOT loops -> 'wait' ? 'answer'"
)


def answered(conn: Connection, schema: str, run: str, parcel: str, answer: Mapping[str, Any]) -> bool:
    """The run goes on with `answer`: {status, body, error, timed_out}."""
    query = sql.SQL(
        "UPDATE {} SET loops = jsonb_set(loops, '{{wait,answer}}', %(answer)s), state = 'ready', due_at = NULL,"
        " error = NULL WHERE {}"
    ).format(sql.Identifier(schema, "sys__run"), _STANDS)
    given = {"run": run, "parcel": parcel, "answer": Jsonb(answer, dumps=jsonio.dumps)}
    return conn.execute(query, given).rowcount == 1


def unanswered(conn: Connection, schema: str, run: str, parcel: str, why: str) -> bool:
    """There will be no answer: the run is parked. Replaying it, or sending again what it waits for, lets it go on."""
    query = sql.SQL("UPDATE {} SET state = 'parked', due_at = NULL, error = %(why)s WHERE {}").format(
        sql.Identifier(schema, "sys__run"), _STANDS
    )
    return conn.execute(query, {"run": run, "parcel": parcel, "why": why[:500]}).rowcount == 1


def stands(conn: Connection, schema: str, run: str, parcel: str) -> bool:
    """Whether the run still waits for it."""
    query = sql.SQL("SELECT 1 FROM {} WHERE {}").format(sql.Identifier(schema, "sys__run"), _STANDS)
    return conn.execute(query, {"run": run, "parcel": parcel}).fetchone() is not None
