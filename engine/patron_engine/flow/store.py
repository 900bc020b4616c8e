"""Store: runs as rows: begun, claimed, kept, looked at.

In: a connection in the caller's transaction, a schema. Out: `Run`s. Workers claim with SKIP LOCKED and never wait for each other;
of one record's runs only the first is ready at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.flow.run import Run, State

Connection = psycopg.Connection[Any]
BATCH: Final = 100  # events or runs that are taken at once
_COLUMNS: Final = (
    "id", "rule", "version", "release", "object", "record", "causer", "event", "old", "via", "at", "results", "loops",
    "state", "due_at", "attempts", "steps", "wrote", "error",
)  # fmt: skip
_KEPT: Final = ("at", "results", "loops", "state", "due_at", "attempts", "steps", "wrote", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a save told a rule. `payload`: rule, old, cause, and what `event.` offers."""

    id: int
    at: datetime
    object: str
    record: str | None
    kind: str
    release: int
    payload: Mapping[str, Any]


def take_events(conn: Connection, schema: str, most: int = BATCH) -> list[Event]:
    """The oldest events, taken away: who takes them makes runs of them in the same transaction."""
    rows = conn.execute(
        sql.SQL(
            "WITH gone AS (DELETE FROM {events} WHERE id IN (SELECT id FROM {events} ORDER BY id LIMIT %s"
            " FOR UPDATE SKIP LOCKED) RETURNING id, at, object, record::text, kind, release, payload::text)"
            " SELECT * FROM gone ORDER BY id"
        ).format(events=sql.Identifier(schema, "sys__event")),
        (most,),
    ).fetchall()
    names = ("id", "at", "object", "record", "kind", "release")
    return [Event(**dict(zip(names, r, strict=False)), payload=jsonio.loads(r[6])) for r in rows]


def begin(conn: Connection, schema: str, runs: Sequence[Run], now: datetime) -> None:
    """New runs, in their order."""
    if not runs:
        return
    ended = {r.id for r in runs if r.state == "cut"}
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("INSERT INTO {} ({}, began_at, ended_at) VALUES ({})").format(
                sql.Identifier(schema, "sys__run"),
                sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
                sql.SQL(", ").join([sql.Placeholder()] * (len(_COLUMNS) + 2)),
            ),
            [(*_values(run, _COLUMNS), now, now if run.id in ended else None) for run in runs],
        )


def once(conn: Connection, schema: str, rule: str, keys: Sequence[tuple[str, str]]) -> set[str]:
    """Of (key, run): the runs whose key was free, and is theirs now."""
    rows = conn.execute(
        sql.SQL(
            "INSERT INTO {} (rule, key, run) SELECT %s, k, r FROM unnest(%s::text[], %s::uuid[]) AS u(k, r)"
            " ON CONFLICT DO NOTHING RETURNING run::text"
        ).format(sql.Identifier(schema, "sys__once")),
        (rule, [k for k, _ in keys], [r for _, r in keys]),
    ).fetchall()
    return {r[0] for r in rows}


def begun_since(conn: Connection, schema: str, rule: str, since: datetime) -> int:
    """How many runs of an automation began after a moment."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE rule = %s AND began_at > %s").format(
        sql.Identifier(schema, "sys__run")
    )
    row = conn.execute(query, (rule, since)).fetchone()
    return int(row[0]) if row is not None else 0


def claim(conn: Connection, schema: str, now: datetime, most: int = BATCH) -> list[Run]:
    """Runs that stand at the same step of one automation, locked: the oldest that is due, and others that can go with it.

    A record's runs go in the order of events: one goes when none before it is due. One that failed and is tried again later
    holds up nobody."""
    query = sql.SQL(
        "WITH due AS (SELECT r.* FROM {runs} r WHERE r.state = 'ready' AND (r.due_at IS NULL OR r.due_at <= %(now)s)"
        " AND NOT EXISTS (SELECT 1 FROM {runs} b WHERE b.state = 'ready' AND b.record = r.record AND b.number < r.number"
        " AND (b.due_at IS NULL OR b.due_at <= %(now)s))"
        " ORDER BY r.number LIMIT %(most)s FOR UPDATE OF r SKIP LOCKED),"
        " first AS (SELECT rule, version, at, causer, attempts FROM due ORDER BY number LIMIT 1)"
        " SELECT {columns} FROM due d JOIN first f USING (rule, version, at, attempts)"
        " WHERE d.causer IS NOT DISTINCT FROM f.causer ORDER BY d.number"
    ).format(runs=sql.Identifier(schema, "sys__run"), columns=_selected("d"))
    return [_run(row) for row in conn.execute(query, {"now": now, "most": most}).fetchall()]


def wake(conn: Connection, schema: str, now: datetime, most: int = BATCH) -> int:
    """Waiting runs whose time has come are ready."""
    return conn.execute(
        sql.SQL(
            "UPDATE {runs} SET state = 'ready', due_at = NULL WHERE id IN (SELECT id FROM {runs}"
            " WHERE state = 'waiting' AND due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
        ).format(runs=sql.Identifier(schema, "sys__run")),
        (now, most),
    ).rowcount


def keep(conn: Connection, schema: str, runs: Iterable[Run], now: datetime) -> None:
    """What became of runs that were claimed."""
    over = ("done", "stopped", "cut", "given_up")
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("UPDATE {} SET {}, ended_at = %s WHERE id = %s").format(
                sql.Identifier(schema, "sys__run"),
                sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in _KEPT),
            ),
            [(*_values(r, _KEPT), now if r.state in over else None, r.id) for r in runs],
        )


def log(conn: Connection, schema: str, rows: Sequence[tuple[str, int, str, str, Any, datetime, int]]) -> None:
    """(run, number, step, outcome, told, at, ms) of steps that were taken."""
    if not rows:
        return
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} (run, number, step, outcome, told, at, ms) VALUES (%s, %s, %s, %s, %s, %s, %s)"
            ).format(sql.Identifier(schema, "sys__run_step")),
            [(*row[:4], _json(row[4]), *row[5:]) for row in rows],
        )


def anything(conn: Connection, schema: str, now: datetime) -> bool:
    """Whether there is something to do. Asked often, and of workspaces that nobody works in."""
    row = conn.execute(
        sql.SQL(
            "SELECT EXISTS (SELECT 1 FROM {events}) OR EXISTS (SELECT 1 FROM {runs} WHERE state = 'ready'"
            " AND (due_at IS NULL OR due_at <= %(now)s)) OR EXISTS (SELECT 1 FROM {runs} WHERE state = 'waiting'"
            " AND due_at <= %(now)s) OR EXISTS (SELECT 1 FROM {clocks} WHERE next_at <= %(now)s)"
            " OR (SELECT clocks <> release FROM {state})"
            " OR EXISTS (SELECT 1 FROM {tasks} WHERE state = 'waiting' AND due_at <= %(now)s)"
            ' OR EXISTS (SELECT 1 FROM {substitutes} WHERE NOT applied AND "from" <= %(now)s)'
        ).format(
            events=sql.Identifier(schema, "sys__event"),
            runs=sql.Identifier(schema, "sys__run"),
            clocks=sql.Identifier(schema, "sys__clock"),
            state=sql.Identifier(schema, "sys__state"),
            tasks=sql.Identifier(schema, "sys__approval_task"),
            substitutes=sql.Identifier(schema, "sys__substitute"),
        ),
        {"now": now},
    ).fetchone()
    return bool(row and row[0])


def find(conn: Connection, schema: str, run: str, *, lock: bool = False) -> Run | None:
    query = sql.SQL("SELECT {} FROM {} r WHERE id = %s {}").format(
        _selected("r"), sql.Identifier(schema, "sys__run"), sql.SQL("FOR UPDATE" if lock else "")
    )
    row = conn.execute(query, (run,)).fetchone()
    return None if row is None else _run(row)


def _selected(alias: str) -> sql.Composed:
    cast = {"id": "::text", "record": "::text", "causer": "::text"}
    json = ("event", "old", "via", "results", "loops")
    return sql.SQL(", ").join(
        sql.SQL("{}{}").format(sql.Identifier(alias, c), sql.SQL("::text" if c in json else cast.get(c, "")))
        for c in _COLUMNS
    )


def _run(row: tuple[Any, ...]) -> Run:
    given = dict(zip(_COLUMNS, row, strict=True))
    for name in ("event", "old", "results", "loops"):
        given[name] = jsonio.loads(given[name])
    given["via"] = tuple((rule, record) for rule, record in jsonio.loads(given["via"]))
    return Run(**given)


def _values(run: Run, names: Sequence[str]) -> list[Any]:
    json = ("event", "old", "via", "results", "loops")
    return [_json(getattr(run, n)) if n in json else getattr(run, n) for n in names]


def _json(value: Any) -> Jsonb:
    return Jsonb(dict(value) if isinstance(value, Mapping) else value, dumps=jsonio.dumps)


STATES: Final[tuple[State, ...]] = ("ready", "waiting", "done", "stopped", "parked", "cut", "given_up")
