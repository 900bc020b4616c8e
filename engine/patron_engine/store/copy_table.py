"""Copy: a table whose column numbers run out is made anew.

PostgreSQL gives every column a number for life and ends at 1,600, dropped columns counted. Fields that come and go use
them up; past 1,200 the table is copied, which begins the numbers again.

In: an open transaction, a table. Out: the same table under the same name with the same columns, indexes, marks and
constraints. Readers go on reading the old one meanwhile and wait only for the swap; writers of the workspace wait for
the whole copy (about ten seconds a million rows). All in one transaction: a kill leaves the old table as it was.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from patron_engine.names import composed
from patron_engine.store import tasks
from patron_engine.store.ddl import ROOM
from patron_engine.store.locks import acquire
from patron_engine.store.steps import Task

Connection = psycopg.Connection[Any]

OWN_INDEXES = """
SELECT c.relname, i.indisprimary, pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.obj_description(i.indexrelid, 'pg_class')
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = %s::regclass AND i.indisvalid ORDER BY c.relname
"""

FOREIGN_KEYS = """
SELECT k.conname, t.relname, k.conrelid = k.confrelid, pg_catalog.pg_get_constraintdef(k.oid)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
 WHERE k.contype = 'f' AND {} = %s::regclass ORDER BY t.relname, k.conname
"""


def copy_table(conn: Connection, schema: str, table: str) -> int:
    """Copies and swaps `table`; returns its number of rows."""
    place = sql.Identifier(schema, table)
    regclass = place.as_string(None)
    acquire(conn, schema)
    conn.execute("SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)")
    name = composed(table, "copy")
    new = sql.Identifier(schema, name)
    conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(new))
    conn.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS){}").format(
            new, place, ROOM
        )
    )
    columns = [
        row[0]
        for row in conn.execute(
            "SELECT attname FROM pg_catalog.pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (regclass,),
        )
    ]
    listed = sql.SQL(", ").join(sql.Identifier(c) for c in columns)
    rows = conn.execute(
        sql.SQL("INSERT INTO {} ({c}) SELECT {c} FROM {}").format(new, place, c=listed)
    ).rowcount
    renames = _indexes(conn, schema, regclass, name)
    out = conn.execute(sql.SQL(FOREIGN_KEYS).format(sql.SQL("k.conrelid")), (regclass,)).fetchall()
    into = conn.execute(sql.SQL(FOREIGN_KEYS).format(sql.SQL("k.confrelid")), (regclass,)).fetchall()
    incoming = [(key, owner, text) for key, owner, itself, text in into if not itself]
    acquire(conn, schema, sorted({table, *(owner for _, owner, _ in incoming)}))
    for key, owner, _ in incoming:
        _alter(conn, schema, owner, "DROP CONSTRAINT {}", key)
    conn.execute(sql.SQL("DROP TABLE {}").format(place))
    conn.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(new, sql.Identifier(table)))
    for built, final, mark in renames:
        conn.execute(
            sql.SQL("ALTER INDEX {} RENAME TO {}").format(
                sql.Identifier(schema, built), sql.Identifier(final)
            )
        )
        if mark is not None:
            conn.execute(
                sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(schema, final), sql.Literal(mark))
            )
    again = [(key, table, text) for key, _, _, text in out] + incoming
    for key, owner, text in again:
        _add_foreign_key(conn, schema, owner, key, text)
    _validate_later(conn, schema, again)
    return rows


def _indexes(conn: Connection, schema: str, regclass: str, name: str) -> list[tuple[str, str, str | None]]:
    """Builds the indexes on the copy under names of their own; returns (built, final, mark)."""
    renames: list[tuple[str, str, str | None]] = []
    for number, (final, primary, text, mark) in enumerate(conn.execute(OWN_INDEXES, (regclass,)).fetchall()):
        built = composed(name, f"i{number}")
        head, _, rest = text.partition(" USING ")
        statement = sql.SQL("CREATE {}INDEX {} ON {} USING {}").format(
            sql.SQL("UNIQUE " if head.startswith("CREATE UNIQUE") else ""),
            sql.Identifier(built),
            sql.Identifier(schema, name),
            sql.SQL(rest),
        )
        conn.execute(statement)
        if primary:
            conn.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}").format(
                    sql.Identifier(schema, name), sql.Identifier(built), sql.Identifier(built)
                )
            )
        renames.append((built, final, mark))
    return renames


def _add_foreign_key(conn: Connection, schema: str, owner: str, key: str, text: str) -> None:
    """As it was, rows unchecked: they were right a moment ago; a task makes the catalogue say so."""
    definition = text.removesuffix(" NOT VALID") + " NOT VALID"
    _alter(conn, schema, owner, "ADD CONSTRAINT {} " + definition, key)


def _alter(conn: Connection, schema: str, table: str, action: LiteralString, name: str) -> None:
    alter = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(schema, table))
    conn.execute(alter + sql.SQL(action).format(sql.Identifier(name)))


def _validate_later(conn: Connection, schema: str, keys: list[tuple[str, str, str]]) -> None:
    for owner in sorted({owner for _, owner, _ in keys}):
        names = sorted(key for key, table, _ in keys if table == owner)
        payload = {"table": owner, "names": names, "orphans": []}
        said = f"check the rows of {owner} against {', '.join(names)}"
        task = Task(kind="validate_constraint", table=owner, payload=payload, rows=0, sentence=said)
        tasks.enqueue(conn, schema, task)
