"""Touched: what an import did to which record, kept with its batch, so that it can be taken back.

In: outcomes of a piece. Out: rows of `sys__batch_record`. A trial (no batch) keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from patron_engine import jsonio
from patron_engine.query.call import Call
from patron_engine.record.change import Outcome
from patron_engine.record.statements import Conn
from patron_engine.record.undo import RAISED, Done, record_batch


def keep_made(conn: Conn, call: Call, batch: str | None, made: Sequence[Outcome]) -> None:
    """Records that `missing: create` made belong to the batch."""
    keep(conn, call, batch, [
        Done(object=o.object, id=str(o.id), action="created", version=o.version or 1, old={}) for o in made
    ])  # fmt: skip


def keep(conn: Conn, call: Call, batch: str | None, done: Sequence[Done]) -> None:
    """Adds to the batch. A record it has touched before keeps its first values and gets its last version."""
    if batch is None or not done:
        return
    known = _known(conn, call, batch, [d for d in done if d.action in ("updated", RAISED)])
    record_batch(conn, call, batch, [d for d in done if (d.object, d.id) not in known])
    again = [d for d in done if (d.object, d.id) in known]
    if again:
        query = sql.SQL(
            "UPDATE {}.sys__batch_record b SET version = n.version, old = n.old || coalesce(b.old, '{{}}')"
            " FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::jsonb[], %s::text[]) AS n(object, record, version, old, action)"
            " WHERE b.batch = %s AND b.object = n.object AND b.record = n.record"
            " AND (n.action <> %s OR b.version = (n.old->>'version')::bigint)"  # else somebody changed it in between
        ).format(sql.Identifier(call.schema))
        columns = [[d.object for d in again], [d.id for d in again], [d.version for d in again],
                   [jsonio.dumps(d.old).decode() for d in again], [d.action for d in again]]  # fmt: skip
        conn.execute(query, (*columns, batch, RAISED))


def _known(conn: Conn, call: Call, batch: str, done: Sequence[Done]) -> set[tuple[str, str]]:
    if not done:
        return set()
    query = sql.SQL(
        "SELECT b.object, b.record FROM unnest(%s::text[], %s::uuid[]) AS n(object, record) JOIN {}.sys__batch_record b"
        " ON b.object = n.object AND b.record = n.record AND b.batch = %s"
    )
    named = ([d.object for d in done], [d.id for d in done], batch)
    rows = conn.execute(query.format(sql.Identifier(call.schema)), named)
    return {(object, str(record)) for object, record in rows}
