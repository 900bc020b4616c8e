"""Counters: how often each table of a workspace has changed, so that what was read of it is known to hold still or not.

In: a transaction that wrote, at its end (`raise_changed`). Out: `sys__changed`: a row for each table and backend, raised in the transaction
that changed the table and so seen exactly when the change is; the sum over a table's rows is its counter. No two backends write one
row, so that saves never wait for one another. What a transaction touched is asked of the database itself (its own account of rows
written), so that no way of writing can be forgotten.

Raised where a report of the release keeps its answers (`keeps`: of the compiled model, no question), and by every task, whose
pieces are long.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from patron_engine.model.model import Model
from patron_engine.store.tables import Tables

Connection = psycopg.Connection[Any]
ANY: Final = "*"
UNREAD: Final = (
    "sys__changed",
    "sys__kept_answer",
    "sys__task",
    "sys__state",
    "sys__idempotency",
    "sys__event",
)
_KEPT: Final = "counters"

Watched = str  # the statement that raises the counters of a workspace's tables


def keeps(model: Model) -> bool:
    """Whether a report of the release keeps its answers."""
    found: bool | None = model.kept.get(_KEPT)
    if found is None:
        found = any(kind == "report" and body.get("keep") for (kind, _), body in model.documents.items())
        model.kept[_KEPT] = found
    return found


def raise_saved(conn: Connection, tables: Tables) -> None:
    """At the end of a write transaction. Nothing is asked where nothing is kept."""
    if not keeps(tables.model) or conn.info.transaction_status != TransactionStatus.INTRANS:
        return
    found: Watched | None = tables.prepared.get(_KEPT)
    if found is None:
        found = tables.prepared[_KEPT] = watched(conn, tables.schema)
    raise_changed(conn, tables.schema, found)


def watched(conn: Connection, schema: str) -> Watched:
    """How the counters of the tables that a question may read are raised: a text that names them all, made once a release, so that a
    save neither writes the names out nor has them planned. The parts of the history are found each time."""
    rows = conn.execute(
        "SELECT c.oid::bigint, c.relname::text FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relname = ANY(%s)",
        (schema, list(UNREAD)),
    ).fetchall()
    return (
        sql.SQL(
            "INSERT INTO {changed} AS c (name, backend, times) SELECT t.name, pg_backend_pid(), 1 FROM ("
            "SELECT w.oid, w.name FROM unnest({oids}::bigint[]::oid[], {names}::text[]) w (oid, name) UNION ALL "
            "SELECT i.inhrelid, p.relname::text FROM pg_catalog.pg_inherits i"
            " JOIN pg_catalog.pg_class p ON p.oid = i.inhparent WHERE i.inhparent = to_regclass({history})) t"
            " WHERE pg_stat_get_xact_tuples_inserted(t.oid) + pg_stat_get_xact_tuples_updated(t.oid)"
            " + pg_stat_get_xact_tuples_deleted(t.oid) > 0 GROUP BY t.name"
            " ON CONFLICT (name, backend) DO UPDATE SET times = c.times + 1"
        )
        .format(
            changed=sql.Identifier(schema, "sys__changed"),
            oids=[row[0] for row in rows],
            names=[row[1] for row in rows],
            history=f'"{schema}".sys__history',
        )
        .as_string(conn)
    )


def raise_changed(conn: Connection, schema: str, tables: Watched | None) -> None:
    """Raises the counters of the tables that this transaction wrote to. None: tables themselves were changed, whichever.

    The account counts what the same connection wrote in the second before as well: then a counter is raised for nothing, and an
    answer asked anew that need not be. It never counts too little."""
    if tables is None:
        raise_any(conn, schema)
        return
    conn.execute(tables, prepare=True)


def raise_any(conn: Connection, schema: str) -> None:
    """Nothing that was kept holds any more: tables were made anew, or somebody's data must be nowhere."""
    changed, kept = sql.Identifier(schema, "sys__changed"), sql.Identifier(schema, "sys__kept_answer")
    conn.execute(
        sql.SQL(
            "INSERT INTO {} AS c (name, backend, times) VALUES (%s, pg_backend_pid(), 1)"
            " ON CONFLICT (name, backend) DO UPDATE SET times = c.times + 1"
        ).format(changed),
        (ANY,),
    )
    conn.execute(sql.SQL("DELETE FROM {}").format(kept))


def fold(conn: Connection, schema: str) -> None:
    """The rows of backends that ended become one; every sum stays."""
    conn.execute(
        sql.SQL(
            "WITH gone AS (DELETE FROM {changed} WHERE (name, backend) IN (SELECT c.name, c.backend FROM {changed} c"
            " WHERE c.backend <> 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = c.backend)"
            " FOR UPDATE SKIP LOCKED) RETURNING name, times)"
            " INSERT INTO {changed} AS c (name, backend, times) SELECT name, 0, sum(times) FROM gone GROUP BY name"
            " ON CONFLICT (name, backend) DO UPDATE SET times = c.times + EXCLUDED.times"
        ).format(changed=sql.Identifier(schema, "sys__changed"))
    )
