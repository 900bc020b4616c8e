"""DDL text: a step's SQL. The only place in the engine where DDL is written.

In: a schema name and a step. Out: composed SQL, every identifier quoted, statement by statement. Index predicates are
the one text that arrives ready: store/indexes prints them from expression objects. Never runs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import sql

from patron_engine.store.shape import (
    NEVER_EMPTY,
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Key,
    TableShape,
)
from patron_engine.store.steps import (
    AddCheck,
    AddColumns,
    AddForeignKey,
    Convert,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    EmptyOrphans,
    Op,
    Validate,
)

Statement = sql.Composed

# A tenth of each page stays free in the tables of records: a save that changes no indexed column, and a roll-up brought up
# to date, then stays on its page and touches no index.
ROOM = sql.SQL(" WITH (fillfactor = 90)")
# How many pages an index of ranges has one entry for: few, for a page that was changed today lies beside others that were not. New
# pages get theirs as they fill, without waiting for the next vacuum.
RANGES = sql.SQL(" WITH (pages_per_range = 8, autosummarize = on)")

TYPES: dict[str, LiteralString] = {
    "text": "text", "numeric": "numeric", "bigint": "bigint", "uuid": "uuid", "timestamptz": "timestamptz",
    "date": "date", "time": "time", "boolean": "boolean", "text[]": "text[]", "jsonb": "jsonb", "bytea": "bytea",
}  # fmt: skip

CHECKS: dict[str, LiteralString] = {
    # NaN equals itself and is greater than every number, so the upper bound alone refuses it and infinity too
    "number": "{c} > -1e25 AND {c} < 1e25",
    "day": "{c} >= '0001-01-01' AND {c} <= '9999-12-31'",
    "moment": "{c} >= '0001-01-01 00:00:00+00' AND {c} < '10000-01-01 00:00:00+00'",
}


def statements(schema: str, op: Op) -> list[Statement]:
    """What runs for `op`, in order. A Convert has none: its rows go through Python (store/convert)."""
    table = _table_of(op)
    place = sql.Identifier(schema, table) if table else sql.Identifier(schema)
    match op:
        case CreateTable():
            return [_create_table(place, op.table)]
        case AddColumns():
            return _add_columns(place, op)
        case AddCheck():
            return [sql.SQL("ALTER TABLE {} ADD {} NOT VALID").format(place, _check(op.check))]
        case AddForeignKey():
            return [_add_foreign_key(schema, place, op.key, op.check_rows)]
        case EmptyOrphans():
            return [_empty_orphans(schema, place, op)]
        case DropConstraint():
            return [sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(place, sql.Identifier(op.name))]
        case CreateIndex():
            return [create_index(schema, op.index), mark_index(schema, op.index.name, op.index.mark)]
        case DropIndex():
            return [sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, op.name))]
        case Validate():
            return [validate(schema, op.table, name) for name in op.names]
        case Convert():
            return []


def text(statement: Statement) -> str:
    """For people to read."""
    return statement.as_string(None)


def create_index(
    schema: str, index: IndexShape, *, name: str | None = None, concurrently: bool = False
) -> Statement:
    """`name` builds it under another name, to be swapped in later."""
    return sql.SQL("CREATE {unique}INDEX {how}{name} ON {table} USING {method} ({keys}){room}{where}").format(
        unique=sql.SQL("UNIQUE " if index.unique else ""),
        how=sql.SQL("CONCURRENTLY " if concurrently else ""),
        name=sql.Identifier(name or index.name),
        table=sql.Identifier(schema, index.table),
        method=sql.SQL(index.method),
        keys=sql.SQL(", ").join(_key(k) for k in index.keys),
        room=RANGES if index.method == "brin" else sql.SQL(""),
        where=sql.SQL(f" WHERE {index.where}") if index.where else sql.SQL(""),
    )


def drop_index_concurrently(schema: str, name: str) -> Statement:
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name))


def rename_index(schema: str, name: str, to: str) -> Statement:
    return sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(schema, name), sql.Identifier(to))


def mark_index(schema: str, name: str, mark: str | None) -> Statement:
    return sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(schema, name), sql.Literal(mark))


def validate(schema: str, table: str, name: str) -> Statement:
    return sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
        sql.Identifier(schema, table), sql.Identifier(name)
    )


def lock_tables(schema: str, tables: Sequence[str], mode: LiteralString) -> Statement:
    """One ordered statement: two publications can never wait for each other."""
    names = sql.SQL(", ").join(sql.Identifier(schema, t) for t in sorted(tables))
    return sql.SQL("LOCK TABLE {} IN {} MODE").format(names, sql.SQL(mode))


def _table_of(op: Op) -> str:
    match op:
        case CreateTable():
            return op.table.name
        case CreateIndex():
            return op.index.table
        case _:
            return op.table


def _create_table(place: sql.Composable, table: TableShape) -> Statement:
    parts: list[sql.Composable] = [_column(c) for c in table.columns.values()]
    parts.append(sql.SQL("PRIMARY KEY ({})").format(_names(table.primary)))
    parts.extend(_check(c) for c in table.checks.values())
    room = ROOM if table.purpose == "object" else sql.SQL("")
    return sql.SQL("CREATE TABLE {} ({}){}").format(place, sql.SQL(", ").join(parts), room)


def _add_columns(place: sql.Composable, op: AddColumns) -> list[Statement]:
    """A fill is a constant default for one moment: PostgreSQL gives it to existing rows without touching them."""
    parts: list[sql.Composable] = []
    for column in op.columns:
        fill = sql.SQL("") if column.fill is None else sql.SQL(" DEFAULT {}").format(_constant(column))
        parts.append(sql.SQL("ADD COLUMN {}{}").format(_column(column), fill))
    parts.extend(sql.SQL("ADD {} NOT VALID").format(_check(c)) for c in op.checks)
    found = [sql.SQL("ALTER TABLE {} {}").format(place, sql.SQL(", ").join(parts))]
    drops = [
        sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(sql.Identifier(c.name))
        for c in op.columns
        if c.fill is not None
    ]
    if drops:
        found.append(sql.SQL("ALTER TABLE {} {}").format(place, sql.SQL(", ").join(drops)))
    return found


def _add_foreign_key(schema: str, place: sql.Composable, key: ForeignKeyShape, check_rows: bool) -> Statement:
    return sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (id){}").format(
        place,
        sql.Identifier(key.name),
        sql.Identifier(key.column),
        sql.Identifier(schema, key.target),
        sql.SQL("" if check_rows else " NOT VALID"),
    )


def _empty_orphans(schema: str, place: sql.Composable, op: EmptyOrphans) -> Statement:
    column = sql.Identifier(op.column)
    return sql.SQL(
        "UPDATE {place} r SET {column} = NULL"
        " WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM {target} t WHERE t.id = r.{column})"
    ).format(place=place, column=column, target=sql.Identifier(schema, op.target))


def _column(column: ColumnShape) -> Statement:
    fixed = sql.SQL("" if column.nullable else " NOT NULL")
    return sql.SQL("{} {}{}").format(sql.Identifier(column.name), sql.SQL(TYPES[column.sql]), fixed)


def _constant(column: ColumnShape) -> Statement:
    value: Any = list(column.fill) if isinstance(column.fill, tuple) else column.fill
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(TYPES[column.sql]))


def _check(check: CheckShape) -> Statement:
    condition = sql.SQL(CHECKS[check.kind]).format(c=sql.Identifier(check.column))
    return sql.SQL("CONSTRAINT {} CHECK ({})").format(sql.Identifier(check.name), condition)


def _key(key: Key) -> Statement:
    """Empties come last in both directions, as lists sort them; columns that are never empty keep PostgreSQL's way."""
    way = "" if not key.descending else " DESC" if key.column in NEVER_EMPTY else " DESC NULLS LAST"
    return sql.SQL("{}{}").format(sql.Identifier(key.column), sql.SQL(way))


def _names(names: Sequence[str]) -> Statement:
    return sql.SQL(", ").join(sql.Identifier(n) for n in names)
