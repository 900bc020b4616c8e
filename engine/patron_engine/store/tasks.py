"""Tasks: work on tables that goes on after a publication, in pieces, and survives a kill at any moment.

In: rows of sys__task. Out: indexes built, constraints checked, values converted, tables copied. A piece is one
transaction that also writes how far it came; whoever finds a task whose lease ran out goes on from there. A worker holds an
advisory lock while it lives, so that a dead one's task is taken over long before. A lease carries a number (`attempts`): a
worker that slept past its lease cannot write any more. Every piece may run twice.

Other stages add kinds of their own: they enqueue under another name and pass a handler to `run_task`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.clock import new_id
from patron_engine.model.model import Model
from patron_engine.store.counters import raise_changed, watched
from patron_engine.store.presence import ABSENT, present
from patron_engine.store.steps import Task

Connection = psycopg.Connection[Any]
Connect = Callable[[], AbstractContextManager[Connection]]
State = Literal["waiting", "running", "done", "failed"]

LEASE = 120  # seconds without a sign of life after which another worker takes over
PAUSE = 10  # seconds, times the stops so far, before a task that met an error is tried again
ATTEMPTS = 5  # takeovers and errors in a row, no piece finished between, after which a task counts as failed


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    id: str
    kind: str
    payload: Mapping[str, Any]
    progress: Mapping[str, Any]
    state: State
    attempts: int
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a handler gets. `model` loads a release; `current` is the model in force."""

    schema: str
    payload: Mapping[str, Any]
    progress: Mapping[str, Any]
    model: Callable[[int], Model] | None = None
    current: Callable[[], Model] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """How far a piece came. `failed` ends the task with that message."""

    progress: Mapping[str, Any]
    done: bool = False
    failed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """`run` does one piece. `outside`: it must run outside a transaction (CREATE INDEX CONCURRENTLY). `tables`: it changes
    tables, as their owner alone may."""

    run: Callable[[Connection, Work], Chunk]
    outside: bool = False
    tables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What tasks need from the process they run in. `upkeep` connects as the owner of the tables where `connect` does not. `over`:
    whether it is somebody else's turn; a task is left after the piece it is at, and goes on from there."""

    model: Callable[[int], Model] | None = None
    current: Callable[[], Model] | None = None
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    upkeep: Connect | None = None
    over: Callable[[], bool] = bool  # never


class LeaseLost(Exception):
    """Another worker goes on with this task."""


def enqueue(conn: Connection, schema: str, task: Task) -> str:
    """Queues a task in the caller's transaction; the same task still waiting is not queued twice. Returns its id."""
    payload = jsonio.dumps(dict(task.payload)).decode()
    found = conn.execute(
        _q(
            "SELECT id::text FROM {} WHERE kind = %s AND state = 'waiting' AND payload = %s::jsonb LIMIT 1",
            schema,
        ),
        (task.kind, payload),
    ).fetchone()
    if found is not None:
        return str(found[0])
    id = new_id()
    conn.execute(
        _q(
            "INSERT INTO {} (id, kind, state, payload, progress, attempts, created_at, updated_at)"
            " VALUES (%s, %s, 'waiting', %s::jsonb, '{{}}', 0, now(), now())",
            schema,
        ),
        (id, task.kind, payload),
    )
    return id


def claim(
    conn: Connection, schema: str, *, id: str | None = None, kinds: tuple[str, ...] | None = None
) -> TaskRow | None:
    """Takes one task that waits or whose worker died, the oldest first; one whose workers keep dying at the same piece
    fails, or it would take every worker with it. Commit before working on it."""
    while True:
        row, stops = _claim(conn, schema, id, kinds)
        if row is None or stops < ATTEMPTS:
            return row
        _finish(conn, schema, row, "failed", f"its worker ended {stops} times at the same piece")


def _claim(conn: Connection, schema: str, id: str | None, kinds: Any) -> tuple[TaskRow | None, int]:
    rows = conn.execute(
        _q(
            "UPDATE {} t SET state = 'running', attempts = t.attempts + 1, updated_at = now(),"
            " stops = t.stops + (t.state = 'running')::int,"
            " lease_until = now() + make_interval(secs => %s) WHERE t.id = ("
            " SELECT id FROM {} k WHERE state IN ('waiting', 'running') AND (lease_until IS NULL OR lease_until < now()"
            " OR (state = 'running' AND " + ABSENT + "))"
            " AND (%s::uuid IS NULL OR id = %s::uuid) AND (%s::text[] IS NULL OR kind = ANY(%s::text[]))"
            " ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING t.stops, t.id::text, t.kind, t.payload::text, t.progress::text, t.state, t.attempts, t.error",
            schema,
        ),
        (LEASE, id, id, list(kinds) if kinds else None, list(kinds) if kinds else None),
    ).fetchone()
    return (None, 0) if rows is None else (_row(rows[1:]), int(rows[0]))


def listed(conn: Connection, schema: str, *, open_only: bool = True) -> list[TaskRow]:
    """Tasks and how far they are, the oldest first."""
    which = sql.SQL("WHERE state IN ('waiting', 'running', 'failed')" if open_only else "")
    columns = sql.SQL("SELECT id::text, kind, payload::text, progress::text, state, attempts, error FROM")
    table = sql.Identifier(schema, "sys__task")
    query = sql.SQL("{} {} {} ORDER BY created_at, id").format(columns, table, which)
    return [_row(r) for r in conn.execute(query)]


def run_task(connect: Connect, schema: str, row: TaskRow, context: Context | None = None) -> State:
    """Works on a claimed task to its end. Returns `done`, `failed`, or `waiting`: an error, and it will be tried again, or its
    turn was over."""
    context = context or Context()
    if context.model is not None:  # an older release is compiled once a task, not once a piece
        context = replace(context, model=cache(context.model))
    handler = {**_own_handlers(), **context.handlers}.get(row.kind)
    as_owner = handler is not None and handler.tables and context.upkeep
    with _outside_transactions(as_owner or connect) as conn:
        if handler is None:
            return _finish(conn, schema, row, "failed", f"nobody knows how to do {row.kind}")
        try:
            with present(conn, row.id):
                return _run(conn, schema, row, handler, context)
        except LeaseLost:
            return "waiting"
        except psycopg.OperationalError as error:
            if conn.closed:  # the lease runs out and another worker goes on
                raise
            return _again(conn, schema, row, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the task says so and is tried again
            return _again(conn, schema, row, f"{type(error).__name__}: {error}")


def run_all(
    connect: Connect, schema: str, context: Context | None = None, *, limit: int = 1_000
) -> list[TaskRow]:
    """Runs what waits, one task after the other; returns the tasks it took, as they ended. A task that met an error is
    left alone until its pause is over."""
    taken: list[TaskRow] = []
    over = context.over if context is not None else bool
    while len(taken) < limit and not (taken and over()):
        with _outside_transactions(connect) as conn:
            row = claim(conn, schema)
        if row is None:
            break
        run_task(connect, schema, row, context)
        with _outside_transactions(connect) as conn:
            taken.extend(t for t in listed(conn, schema, open_only=False) if t.id == row.id)
    return taken


@contextmanager
def _outside_transactions(connect: Connect) -> Iterator[Connection]:
    """A connection without a transaction of its own; given back as it was."""
    with connect() as conn:
        before = conn.autocommit
        conn.autocommit = True
        try:
            yield conn
        finally:
            if not conn.closed:
                conn.autocommit = before


def _run(conn: Connection, schema: str, row: TaskRow, handler: Handler, context: Context) -> State:
    progress = row.progress
    tables = watched(conn, schema)
    while True:
        work = Work(schema=schema, payload=row.payload, progress=progress, model=context.model, current=context.current)  # fmt: skip
        if handler.outside:
            _hold(conn, schema, row)
            chunk = handler.run(conn, work)
            with conn.transaction():
                _hold(conn, schema, row)
                _write_progress(conn, schema, row, chunk)
        else:
            with conn.transaction():
                _hold(conn, schema, row)
                chunk = handler.run(conn, work)
                raise_changed(conn, schema, None if handler.tables else tables)
                _write_progress(conn, schema, row, chunk)
        if chunk.failed is not None:
            return "failed"
        if chunk.done:
            return "done"
        if context.over():
            return _finish(conn, schema, row, "waiting", None)  # whoever comes next goes on with it
        progress = chunk.progress


def _hold(conn: Connection, schema: str, row: TaskRow) -> None:
    """Renews the lease and keeps the row locked for this transaction; LeaseLost when somebody else has it."""
    held = conn.execute(
        _q(
            "UPDATE {} SET lease_until = now() + make_interval(secs => %s), updated_at = now()"
            " WHERE id = %s AND state = 'running' AND attempts = %s RETURNING 1",
            schema,
        ),
        (LEASE, row.id, row.attempts),
    ).fetchone()
    if held is None:
        raise LeaseLost(row.id)


def _write_progress(conn: Connection, schema: str, row: TaskRow, chunk: Chunk) -> None:
    state = "failed" if chunk.failed is not None else "done" if chunk.done else "running"
    conn.execute(
        _q(
            "UPDATE {} SET progress = %s::jsonb, state = %s, error = %s, stops = 0, updated_at = now() WHERE id = %s",
            schema,
        ),
        (jsonio.dumps(dict(chunk.progress)).decode(), state, chunk.failed, row.id),
    )


def _again(conn: Connection, schema: str, row: TaskRow, error: str) -> State:
    query = _q(
        "UPDATE {} SET stops = stops + 1, state = CASE WHEN stops + 1 >= %s THEN 'failed' ELSE 'waiting' END,"
        " error = %s, updated_at = now(), lease_until = now() + make_interval(secs => %s * (stops + 1))"
        " WHERE id = %s AND state = 'running' AND attempts = %s RETURNING state",
        schema,
    )
    found = conn.execute(query, (ATTEMPTS, error, PAUSE, row.id, row.attempts)).fetchone()
    return found[0] if found is not None else "waiting"  # else another worker has it


def _finish(conn: Connection, schema: str, row: TaskRow, state: State, error: str | None) -> State:
    query = _q(
        "UPDATE {} SET state = %s, error = %s, lease_until = NULL, updated_at = now()"
        " WHERE id = %s AND state = 'running' AND attempts = %s",
        schema,
    )
    conn.execute(query, (state, error, row.id, row.attempts))
    return state


def _row(parts: tuple[Any, ...]) -> TaskRow:
    id, kind, payload, progress, state, attempts, error = parts
    given, far = jsonio.loads(payload), jsonio.loads(progress or "{}")
    return TaskRow(id=id, kind=kind, payload=given, progress=far, state=state, attempts=attempts, error=error)


def _q(text: str, schema: str) -> sql.Composed:
    table = sql.Identifier(schema, "sys__task")
    return sql.SQL(text).format(*([table] * text.replace("{{}}", "").count("{}")))


def _own_handlers() -> Mapping[str, Handler]:
    from patron_engine.store.handlers import HANDLERS  # the handlers themselves import this module's values

    return HANDLERS
