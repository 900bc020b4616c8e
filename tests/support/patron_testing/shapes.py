"""Short ways to write table shapes in tests of the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from patron_engine.names import composed
from patron_engine.store import catalog
from patron_engine.store.apply import apply
from patron_engine.store.desired import SYSTEM_MOMENTS
from patron_engine.store.facts import gather
from patron_engine.store.plan import plan
from patron_engine.store.shape import (
    CHECK_SUFFIX,
    CHECKED,
    FK_SUFFIX,
    LIVE_ROWS,
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    IndexShape,
    Key,
    SchemaShape,
    TableShape,
    index,
)
from patron_engine.store.steps import DdlPlan

SCHEMA = "w_store"
Connection = psycopg.Connection[Any]


def column(name: str, sql: str, **more: Any) -> ColumnShape:
    return ColumnShape(name=name, sql=sql, **more)


def table(
    name: str, *columns: ColumnShape, indexes: Iterable[IndexShape] = (), links: dict[str, str] | None = None
) -> TableShape:
    """A table with id, created_at, deleted_at and `columns`; `links` maps a column to the table it points at."""
    every = (
        column("id", "uuid", nullable=False),
        column("created_at", "timestamptz", nullable=False),
        column("deleted_at", "timestamptz"),
        *columns,
    )
    checks = [
        CheckShape(name=composed(c.name, CHECK_SUFFIX), column=c.name, kind=CHECKED[c.sql])
        for c in columns
        if c.sql in CHECKED and c.name not in SYSTEM_MOMENTS
    ]
    keys = [
        ForeignKeyShape(name=composed(c, FK_SUFFIX), column=c, target=target)
        for c, target in (links or {}).items()
    ]
    return TableShape(
        name=name,
        columns={c.name: c for c in every},
        primary=("id",),
        indexes={i.name: i for i in indexes},
        foreign_keys={k.name: k for k in keys},
        checks={c.name: c for c in checks},
    )


def by(table: str, *columns: str, unique: bool = False, where: str | None = LIVE_ROWS) -> IndexShape:
    name = composed(table, "__".join(columns) + ("__unique" if unique else "__ix"))
    return index(name, table, *(Key(column=c) for c in columns), unique=unique, where=where, constraint="one")


def schema(*tables: TableShape) -> SchemaShape:
    return SchemaShape(name=SCHEMA, tables={t.name: t for t in tables})


def planned(conn: Connection, want: SchemaShape) -> DdlPlan:
    live = catalog.read(conn, want.name)
    return plan(want, live, gather(conn, want, live))


def bring(conn: Connection, want: SchemaShape, **more: Any) -> DdlPlan:
    """Plans and applies in one transaction, and commits."""
    made = planned(conn, want)
    apply(conn, made, **more)
    conn.commit()
    return made


def fill(conn: Connection, table: str, rows: int, **columns: str) -> None:
    """`rows` rows; each further column gets an SQL expression over `i`."""
    names = "".join(f", {c}" for c in columns)
    values = "".join(f", {v}" for v in columns.values())
    conn.execute(
        f"INSERT INTO {SCHEMA}.{table} (id, created_at{names})"
        f" SELECT gen_random_uuid(), now(){values} FROM generate_series(1, {rows}) i"
    )
    conn.execute(f"ANALYZE {SCHEMA}.{table}")
    conn.commit()
