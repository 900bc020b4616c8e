"""Workspaces: made, copied, listed, dropped; and which server and schema each one lies in.

In: a connection to the system's database, and one to the server of the workspace. Out: `WorkspacePlace` values, schemas.
A row says `creating` before its schema is made and `dropping` before it goes, so that a kill between the two leaves
something that the same command finishes. Never looks into a workspace.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

import psycopg
from psycopg import sql

from patron_engine.errors import Conflict, NotFound, WrongUse
from patron_engine.names import name_fault
from patron_engine.problems import nearest
from patron_engine.store.copy_schema import copy_schema
from patron_engine.store.migrations import make_schema, migrate
from patron_platform.database.wall import Wall, admit, dismiss

SCHEMA_PREFIX = "w_"
DROPPED_AT_ONCE = (
    50  # tables a transaction drops: each holds locks for itself, its indexes and its TOAST table
)


class Servers(Protocol):
    """The servers workspaces lie on, each by its address; None is the system's own."""

    def server(self, dsn: str | None) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection of the owner, for work that takes long."""
        ...

    def wall(self, dsn: str | None) -> Wall: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacePlace:
    """`dsn` is None for the server of the system's own tables."""

    name: str
    schema: str
    dsn: str | None
    state: Literal["creating", "ready", "dropping"]
    created_at: datetime


def list_workspaces(conn: psycopg.Connection[Any]) -> list[WorkspacePlace]:
    """All of them by name, also those that are being made or dropped."""
    rows = conn.execute("SELECT name, schema, dsn, state, created_at FROM patron.workspace ORDER BY name")
    return [_place(row) for row in rows]


def find_workspace(conn: psycopg.Connection[Any], name: str) -> WorkspacePlace:
    """NotFound when there is none of that name that can be used; the hint has the nearest one."""
    place = _look(conn, name)
    if place is None or place.state != "ready":
        known = [w.name for w in list_workspaces(conn) if w.state == "ready"]
        raise NotFound(
            f"there is no workspace {name!r}",
            code="workspace_not_found",
            hint=nearest(name, known) or "see `patron workspace list`",
        )
    return place


def create_workspace(
    conn: psycopg.Connection[Any], servers: Servers, name: str, *, dsn: str | None = None
) -> WorkspacePlace:
    """Makes an empty workspace (release 0). Conflict when the name is taken, WrongUse when it cannot be a name. A creation
    that was killed is finished."""
    _begin(conn, name, dsn)
    with conn.transaction():
        place = _being_made(conn, name)
        with servers.server(place.dsn) as there:
            _make(there, place.schema, servers.wall(place.dsn))
        conn.execute("UPDATE patron.workspace SET state = 'ready' WHERE name = %s", (name,))
    return find_workspace(conn, name)


def _begin(conn: psycopg.Connection[Any], name: str, dsn: str | None) -> None:
    """The row that says `creating`."""
    fault = name_fault(name)
    if fault:
        raise WrongUse(
            f"{name!r} cannot name a workspace: {fault}", code="workspace_name", hint="for example: sales"
        )
    conn.execute(
        "INSERT INTO patron.workspace (name, schema, dsn, state) VALUES (%s, %s, %s, 'creating') ON CONFLICT DO NOTHING",
        (name, SCHEMA_PREFIX + name, dsn),
    )


def _being_made(conn: psycopg.Connection[Any], name: str) -> WorkspacePlace:
    """The locked row; Conflict when the name is somebody's."""
    place = _look(conn, name, lock=True)
    if place is None or place.state != "creating":
        raise Conflict(
            f"the workspace {name!r} {'is being dropped' if place and place.state == 'dropping' else 'exists'}",
            code="workspace_exists",
            hint="choose another name, or drop that one first",
        )
    return place


def _make(conn: psycopg.Connection[Any], schema: str, wall: Wall) -> None:
    """The workspace's own tables, also where a killed creation left some, and its role."""
    if _has_schema(conn, schema):
        migrate(conn, schema)
    else:
        make_schema(conn, schema)
    admit(conn, wall, schema)


def copy_workspace(
    conn: psycopg.Connection[Any], servers: Servers, source: str, target: str
) -> WorkspacePlace:
    """Makes a workspace that holds what another one holds, on the same server; the same accounts may sign in. Keys stay
    behind. Raises as `create_workspace` does, NotFound when there is no source. A copy that was killed may be repeated."""
    place = find_workspace(conn, source)
    _begin(conn, target, place.dsn)
    with conn.transaction():
        made = _being_made(conn, target)
        with servers.server(made.dsn) as there:
            _make(there, made.schema, servers.wall(made.dsn))
            with there.transaction():
                there.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                copy_schema(there, place.schema, made.schema)
        conn.execute(
            "INSERT INTO patron.membership (account, workspace, user_record, administrator)"
            " SELECT account, %s, user_record, administrator FROM patron.membership WHERE workspace = %s",
            (target, source),
        )
        conn.execute("UPDATE patron.workspace SET state = 'ready' WHERE name = %s", (target,))
    return find_workspace(conn, target)


def drop_workspace(conn: psycopg.Connection[Any], servers: Servers, name: str) -> None:
    """Drops a workspace with everything in it and its role, for good. NotFound when there is none. May be repeated after a kill."""
    with conn.transaction():
        place = _look(conn, name, lock=True)
        if place is None:
            find_workspace(conn, name)  # says so, with the nearest name
            return
        conn.execute("UPDATE patron.workspace SET state = 'dropping' WHERE name = %s", (name,))
    with servers.server(place.dsn) as there:
        drop_schema(there, place.schema)
        dismiss(there, servers.wall(place.dsn), place.schema)
    conn.execute("DELETE FROM patron.workspace WHERE name = %s AND state = 'dropping'", (name,))


def drop_schema(conn: psycopg.Connection[Any], schema: str) -> None:
    """Drops a schema some tables at a time, so that no number of tables is too many for one transaction's locks."""
    while True:
        rows = conn.execute(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = %s LIMIT %s",
            (schema, DROPPED_AT_ONCE),
        ).fetchall()
        if not rows:
            break
        tables = sql.SQL(", ").join(sql.Identifier(schema, row[0]) for row in rows)
        conn.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(tables))
    conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def _look(conn: psycopg.Connection[Any], name: str, *, lock: bool = False) -> WorkspacePlace | None:
    query = "SELECT name, schema, dsn, state, created_at FROM patron.workspace WHERE name = %s"
    locked = "SELECT name, schema, dsn, state, created_at FROM patron.workspace WHERE name = %s FOR UPDATE"
    row = conn.execute(locked if lock else query, (name,)).fetchone()
    return None if row is None else _place(row)


def _place(row: tuple[Any, ...]) -> WorkspacePlace:
    name, schema, dsn, state, created_at = row
    return WorkspacePlace(name=name, schema=schema, dsn=dsn, state=state, created_at=created_at)


def _has_schema(conn: psycopg.Connection[Any], schema: str) -> bool:
    return (
        conn.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (schema,)).fetchone()
        is not None
    )
