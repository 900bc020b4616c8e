"""Copy schema: a workspace's schema once more beside itself, as the catalogue of PostgreSQL knows it.

    tables, columns, constraints, indexes of one schema ──copy_schema──▶ the same, with their rows, in another

In: a transaction (repeatable read), a source, a target that has a new workspace's own tables. Out: a target that holds what
the source holds, columns that are kept aside included. Left behind: what is still to be sent or carried out for people
(events, imports under way, keys of repeated requests), for a copy tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from patron_engine.store.locks import shared

Connection = psycopg.Connection[Any]

LEFT_BEHIND = frozenset(
    {
        "sys__event", "sys__idempotency", "sys__migration", "sys__run", "sys__run_step",
        "sys__changed", "sys__kept_answer",
        "sys__connection", "sys__outbox", "sys__webhook",  # a copy speaks to nobody
    }
)  # fmt: skip
_TABLES = """
    SELECT c.relname, (SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid),
           pg_get_expr(c.relpartbound, c.oid)
    FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
           a.attidentity <> '', CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(l.collname) END
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), f.relname
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
    WHERE c.relnamespace = %s::regnamespace AND k.contype IN ('p', 'u', 'c', 'f')
    ORDER BY array_position(ARRAY['p', 'u', 'c', 'f'], k.contype::text), c.relname, k.conname
"""
_INDEXES = """
    SELECT c.relname, n.relname, pg_get_indexdef(x.indexrelid, 0, true), obj_description(x.indexrelid, 'pg_class')
    FROM pg_index x JOIN pg_class n ON n.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = %s::regnamespace AND x.indisvalid
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid)
    ORDER BY c.relname, x.indexrelid
"""


@dataclass(frozen=True, slots=True)
class _Column:
    """`type`, `default` and `collation` are SQL as the catalogue writes it, without schemas."""

    name: str
    type: str
    required: bool
    default: str | None
    identity: bool
    collation: str | None


def copy_schema(conn: Connection, source: str, target: str) -> None:
    """Copies in the caller's transaction; no publication changes the source meanwhile."""
    shared(conn, source)
    _within(conn, source)
    tables = conn.execute(_TABLES, (source,)).fetchall()
    columns = _columns(conn, source)
    constraints = conn.execute(_CONSTRAINTS, (source,)).fetchall()
    indexes = conn.execute(_INDEXES, (source,)).fetchall()
    _within(conn, target)
    there = {name for name, _, _ in conn.execute(_TABLES, (target,))}
    made = {name for name, parent, _ in tables if parent is None} - there
    for name in sorted(made):
        conn.execute(_table(name, columns[name]))
    for name, parent, bound in tables:
        if parent is not None and name not in there:
            conn.execute(_sql("CREATE TABLE {} PARTITION OF {} ", name, parent) + _text(bound))
    links = [(table, to) for table, _, _, to in constraints if to is not None and table not in made]
    whole = [name for name, parent, _ in tables if parent is None and name not in LEFT_BEHIND]
    for name in (*_parents_first([n for n in whole if n not in made], links), *sorted(made)):
        _rows(conn, source, target, name, columns[name])
    _tasks(conn, target)
    for table, name, definition, _ in constraints:
        if table in made:
            conn.execute(_sql("ALTER TABLE {} ADD CONSTRAINT {} ", table, name) + _text(definition))
    for table, name, definition, comment in indexes:
        if table in made:
            conn.execute(_text(definition))
            if comment is not None:  # what it was made from, by which a plan knows it again
                conn.execute(_sql("COMMENT ON INDEX {} IS ", name) + sql.Literal(comment))


def _within(conn: Connection, schema: str) -> None:
    """Names without a schema are those of this one, in what the catalogue writes and in what is carried out."""
    conn.execute(_sql("SET LOCAL search_path = {}, pg_catalog", schema))


def _columns(conn: Connection, schema: str) -> Mapping[str, Sequence[_Column]]:
    found: dict[str, list[_Column]] = {}
    for table, *column in conn.execute(_COLUMNS, (schema,)):
        found.setdefault(table, []).append(_Column(*column))
    return found


def _table(name: str, columns: Iterable[_Column]) -> sql.Composed:
    return _sql("CREATE TABLE {} (", name) + sql.SQL(", ").join(map(_column, columns)) + sql.SQL(")")


def _column(column: _Column) -> sql.Composed:
    made = _sql("{} ", column.name) + _text(column.type)
    if column.collation is not None:
        made += sql.SQL(" COLLATE ") + _text(column.collation)
    if column.default is not None:
        made += sql.SQL(" DEFAULT ") + _text(column.default)
    return made + sql.SQL(" NOT NULL" if column.required else "")


def _rows(conn: Connection, source: str, target: str, table: str, columns: Sequence[_Column]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(c.name) for c in columns)
    if conn.execute(
        _sql("SELECT 1 FROM {} LIMIT 1", table)
    ).fetchone():  # nobody may delete from the audit, empty as it is
        conn.execute(_sql("DELETE FROM {}", table))
    query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
    conn.execute(query.format(sql.Identifier(target, table), names, names, sql.Identifier(source, table)))
    for column in columns:
        if column.identity:
            query = sql.SQL(
                "SELECT setval(pg_get_serial_sequence(%s, %s), coalesce(max({}), 0) + 1, false) FROM {}"
            )
            made = query.format(sql.Identifier(column.name), sql.Identifier(table))
            conn.execute(made, (sql.Identifier(target, table).as_string(conn), column.name))


def _tasks(conn: Connection, target: str) -> None:
    """Work on the tables goes on in the copy too; an import is carried out once, where it was begun."""
    table = sql.Identifier(target, "sys__task")
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE kind = 'import' AND state IN ('waiting', 'running')").format(table)
    )
    conn.execute(
        sql.SQL("UPDATE {} SET state = 'waiting', lease_until = NULL WHERE state = 'running'").format(table)
    )


def _parents_first(names: Sequence[str], links: Sequence[tuple[str, str]]) -> list[str]:
    """The tables in an order in which every row finds what it points at."""
    order: list[str] = []
    rest = list(names)
    while rest:
        open_ones = {table for table, to in links if to in rest and to != table}
        free = [name for name in rest if name not in open_ones]
        if not free:
            raise LookupError(f"tables point at each other: {', '.join(rest)}")
        order += free
        rest = [name for name in rest if name in open_ones]
    return order


def _sql(text: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))


def _text(written: str) -> sql.SQL:
    """SQL that PostgreSQL's own catalogue wrote."""
    return sql.SQL(written)
