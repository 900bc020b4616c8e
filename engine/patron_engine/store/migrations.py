"""Migrations: numbered files of SQL, applied in order, each once, forward only.

    sql/NNNN_what.sql ──read──▶ Migration ──migrate──▶ the schema's table of what was applied

In: a connection, a schema, the files of a package. Out: tables, and which files were new. A file is constant text without
schema names: it runs with `search_path` set to the one schema. Never runs a file again, never backwards; a file that was
changed after it was applied is refused, because nobody could say what the tables look like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.errors import Conflict
from patron_engine.store.history_partitions import ensure_partitions

FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
ENGINE = "patron_engine"
LOCK_SPACE = 11  # second argument of the advisory lock's hash; the workspace's own lock has 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    number: int
    name: str
    text: str = field(repr=False)

    @property
    def checksum(self) -> str:
        return sha256(self.text.encode()).hexdigest()


@cache
def read_migrations(package: str = ENGINE) -> tuple[Migration, ...]:
    """The files of a package's folder `sql` by number. Two files of one number are a mistake of ours and raise ValueError."""
    found: dict[int, Migration] = {}
    for entry in (files(package) / "sql").iterdir():
        match = FILE.match(entry.name)
        if match is None:
            continue
        number = int(match[1])
        if number in found:
            raise ValueError(f"{package}: {found[number].name} and {match[2]} are both number {number}")
        found[number] = Migration(number=number, name=match[2], text=entry.read_text(encoding="utf-8"))
    return tuple(found[number] for number in sorted(found))


def pending(
    conn: psycopg.Connection[Any], schema: str, migrations: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """What `migrate` would apply. Conflict `migration_changed` when a file is not what was applied."""
    applied = _applied(conn, schema)
    wanted = read_migrations() if migrations is None else migrations
    for migration in wanted:
        if migration.number in applied and applied[migration.number] != migration.checksum:
            raise Conflict(
                f"{schema}: migration {migration.number:04d}_{migration.name} was applied with another text",
                code="migration_changed",
                hint="this database was made by another version of Patron: install that one, or a later one",
            )
    strangers = set(applied) - {migration.number for migration in wanted}
    if strangers:
        raise Conflict(
            f"{schema}: migration {max(strangers):04d} is not known to this version of Patron",
            code="migration_unknown",
            hint="this database was used by a later version: install that one",
        )
    return tuple(m for m in wanted if m.number not in applied)


def migrate(
    conn: psycopg.Connection[Any], schema: str, migrations: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """Brings a schema up to date, each file in a transaction (a savepoint inside the caller's). Returns what was new.

    Several processes may start at once: the first one works, the others wait and find nothing to do.
    """
    done: list[Migration] = []
    while True:
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (schema, LOCK_SPACE))
            _make_list(conn, schema)
            open_ones = pending(conn, schema, migrations)
            if not open_ones:
                return tuple(done)
            _apply(conn, schema, open_ones[0])
        done.append(open_ones[0])


def make_schema(conn: psycopg.Connection[Any], schema: str, *, now: datetime | None = None) -> None:
    """Makes the schema of a workspace with all its own tables, in the caller's transaction or one of its own."""
    with conn.transaction():
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        migrate(conn, schema)
        ensure_partitions(conn, schema, now or datetime.now(UTC))


def _apply(conn: psycopg.Connection[Any], schema: str, migration: Migration) -> None:
    before = conn.execute("SELECT current_setting('search_path')").fetchone()
    assert before is not None
    _search(conn, sql.Identifier(schema).as_string(conn))
    conn.execute(migration.text.encode(), prepare=False)
    _search(conn, before[0])
    conn.execute(
        sql.SQL("INSERT INTO {}.sys__migration (number, name, checksum) VALUES (%s, %s, %s)").format(
            sql.Identifier(schema)
        ),
        (migration.number, migration.name, migration.checksum),
    )


def _search(conn: psycopg.Connection[Any], path: str) -> None:
    conn.execute("SELECT set_config('search_path', %s, true)", (path,))


def _make_list(conn: psycopg.Connection[Any], schema: str) -> None:
    if _has_list(conn, schema):
        return
    conn.execute(
        sql.SQL(
            "CREATE TABLE {}.sys__migration (number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT now())"
        ).format(sql.Identifier(schema))
    )


def _has_list(conn: psycopg.Connection[Any], schema: str) -> bool:
    found = conn.execute(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'sys__migration'", (schema,)
    )
    return found.fetchone() is not None


def _applied(conn: psycopg.Connection[Any], schema: str) -> dict[int, str]:
    if not _has_list(conn, schema):
        return {}
    rows = conn.execute(
        sql.SQL("SELECT number, checksum FROM {}.sys__migration").format(sql.Identifier(schema))
    )
    return {int(number): checksum for number, checksum in rows}
