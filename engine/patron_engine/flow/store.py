"""Store: runs as rows: begun, claimed, kept, looked at.

In: a connection in the caller's transaction, a schema. Out: `Run`s. Workers claim with SKIP LOCKED and never wait for each other;
of one record's runs only the first is ready at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.flow.run import Run, State

Connection = psycopg.Connection[Any]
BATCH: Final = 100  # events or runs that are taken at once
_COLUMNS: Final = (
    "id", "rule", "version", "release", "object", "record", "causer", "event", "old", "via", "at", "results", "loops",
    "state", "due_at", "attempts", "steps", "wrote", "error",
)  # fmt: skip
_TYPES: Final = {
    "id": "uuid", "release": "bigint", "record": "uuid", "causer": "uuid", "event": "jsonb", "old": "jsonb", "via": "jsonb",
    "at": "int", "results": "jsonb", "loops": "jsonb", "due_at": "timestamptz", "attempts": "int", "steps": "int", "wrote": "int",
}  # fmt: skip
LOG_TOLD: Final = 4  # which of a log's columns is JSON
_KEPT: Final = ("at", "results", "loops", "state", "due_at", "attempts", "steps", "wrote", "error")


Due = Literal["events", "runs", "clocks", "notes", "pools", "slas", "replays"]
DUE: Final[tuple[Due, ...]] = ("events", "runs", "clocks", "notes", "pools", "slas", "replays")
_ASKED: Final = (
    "event",
    "run",
    "clock",
    "state",
    "note",
    "pool",
    "sla",
    "replay",
    "approval_task",
    "substitute",
)
_DUE: Final = sql.SQL(
    "SELECT EXISTS (SELECT 1 FROM {event}), EXISTS (SELECT 1 FROM {run} WHERE state = 'ready' AND (due_at IS NULL OR due_at <= %(now)s))"
    " OR EXISTS (SELECT 1 FROM {run} WHERE state = 'waiting' AND due_at <= %(now)s),"
    " EXISTS (SELECT 1 FROM {clock} WHERE next_at <= %(now)s) OR (SELECT clocks <> release FROM {state})"
    " OR EXISTS (SELECT 1 FROM {approval_task} WHERE state = 'waiting' AND due_at <= %(now)s)"
    ' OR EXISTS (SELECT 1 FROM {substitute} WHERE NOT applied AND "from" <= %(now)s),'
    " EXISTS (SELECT 1 FROM {note}), (SELECT pools <> release FROM {state}) OR EXISTS (SELECT 1 FROM {pool} WHERE look_at <= %(now)s),"
    " EXISTS (SELECT 1 FROM {sla} WHERE look_at <= %(now)s), EXISTS (SELECT 1 FROM {replay} WHERE state = 'running')"
)


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
    """New runs, in their order. One that is put off begins when it is due."""
    if not runs:
        return
    ended = {r.id for r in runs if r.state == "cut"}
    conn.execute(
        sql.SQL(
            "INSERT INTO {runs} ({columns}, began_at, ended_at) SELECT {columns}, coalesce(due_at, %s), ended_at FROM unnest({values}, %s::timestamptz[])"
            " WITH ORDINALITY AS u({columns}, ended_at, n) ORDER BY n"
        ).format(runs=sql.Identifier(schema, "sys__run"), columns=_named(_COLUMNS), values=_arrays(_COLUMNS)),
        (now, *_columns(runs, _COLUMNS), [now if run.id in ended else None for run in runs]),
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
    """How many runs of an automation began after a moment, or are still to begin."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE rule = %s AND began_at > %s").format(
        sql.Identifier(schema, "sys__run")
    )
    row = conn.execute(query, (rule, since)).fetchone()
    return int(row[0]) if row is not None else 0


def claim(
    conn: Connection, schema: str, now: datetime, most: int = BATCH, only: str | None = None
) -> list[Run]:
    """Runs that stand at the same step of one automation, locked: the oldest that is due, and others that can go with it. What
    cannot go with it is left to other workers.

    A record's runs go in the order of events: one goes when none before it is due. One that failed and is tried again later
    holds up nobody. `only` asks for one run and no other."""
    query = sql.SQL(
        "WITH first AS MATERIALIZED (SELECT r.id, r.rule, r.version, r.at, r.causer, r.attempts FROM {runs} r WHERE {due} AND {one}"
        " ORDER BY r.number LIMIT 1 FOR UPDATE OF r SKIP LOCKED)"
        " SELECT {columns} FROM {runs} r, first f WHERE {due} AND (r.id = f.id OR (r.rule = f.rule AND r.version = f.version"
        " AND r.at = f.at AND r.attempts = f.attempts AND r.causer IS NOT DISTINCT FROM f.causer))"
        " ORDER BY r.number LIMIT %(most)s FOR UPDATE OF r SKIP LOCKED"
    ).format(
        runs=sql.Identifier(schema, "sys__run"),
        columns=_selected("r"),
        one=sql.SQL("r.id = %(only)s" if only else "true"),
        due=sql.SQL(
            "r.state = 'ready' AND (r.due_at IS NULL OR r.due_at <= %(now)s) AND NOT EXISTS (SELECT 1 FROM {runs} b"
            " WHERE b.state = 'ready' AND b.record = r.record AND b.number < r.number AND (b.due_at IS NULL OR b.due_at <= %(now)s))"
        ).format(runs=sql.Identifier(schema, "sys__run")),
    )
    return [_run(row) for row in conn.execute(query, {"now": now, "most": most, "only": only}).fetchall()]


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
    over, kept = ("done", "stopped", "cut", "given_up"), list(runs)
    if not kept:
        return
    conn.execute(
        sql.SQL(
            "UPDATE {runs} r SET {sets}, ended_at = u.ended_at FROM unnest({values}, %s::timestamptz[], %s::uuid[])"
            " AS u({columns}, ended_at, run) WHERE r.id = u.run"
        ).format(
            runs=sql.Identifier(schema, "sys__run"), columns=_named(_KEPT), values=_arrays(_KEPT),
            sets=sql.SQL(", ").join(sql.SQL("{c} = u.{c}").format(c=sql.Identifier(c)) for c in _KEPT),
        ),
        (*_columns(kept, _KEPT), [now if r.state in over else None for r in kept], [r.id for r in kept]),
    )  # fmt: skip


def log(conn: Connection, schema: str, rows: Sequence[tuple[str, int, str, str, Any, datetime, int]]) -> None:
    """(run, number, step, outcome, told, at, ms) of steps that were taken."""
    if not rows:
        return
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (run, number, step, outcome, told, at, ms) SELECT * FROM unnest(%s::uuid[], %s::int[], %s::text[],"
            " %s::text[], %s::jsonb[], %s::timestamptz[], %s::int[])"
        ).format(sql.Identifier(schema, "sys__run_step")),
        [
            [_text(v) if n == LOG_TOLD else v for v in column]
            for n, column in enumerate(zip(*rows, strict=True))
        ],
    )


def steps_of(schema: str) -> sql.Composed:
    """The query for the log of one run: number, step, outcome, told."""
    return sql.SQL("SELECT number, step, outcome, told::text FROM {} WHERE run = %s ORDER BY number").format(
        sql.Identifier(schema, "sys__run_step")
    )


def what_is_due(conn: Connection, schema: str, now: datetime) -> frozenset[Due]:
    """What there is to do, by who does it. Asked often, and of workspaces that nobody works in."""
    names = {name: sql.Identifier(schema, f"sys__{name}") for name in _ASKED}
    row = conn.execute(_DUE.format(**names), {"now": now}).fetchone()
    return frozenset(name for name, there in zip(DUE, row or (), strict=False) if there)


def settling(conn: Connection, schema: str, record: str, now: datetime) -> bool:
    """Whether what was told about a record is still to be carried out, and nobody has to do anything for it."""
    query = sql.SQL(
        "SELECT EXISTS (SELECT 1 FROM {event} WHERE record = %(record)s) OR EXISTS (SELECT 1 FROM {run}"
        " WHERE record = %(record)s AND state = 'ready' AND (due_at IS NULL OR due_at <= %(now)s))"
    ).format(event=sql.Identifier(schema, "sys__event"), run=sql.Identifier(schema, "sys__run"))
    return conn.execute(query, {"record": record, "now": now}).fetchone() == (True,)


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


# -- many at once -------------------------------------------------------------------------------------------------


def _named(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _arrays(names: Sequence[str]) -> sql.Composed:
    """A parameter for each column: its values of all rows."""
    return sql.SQL(", ").join(sql.SQL("%s::" + _TYPES.get(n, "text") + "[]") for n in names)


def _columns(runs: Sequence[Run], names: Sequence[str]) -> list[list[Any]]:
    json = [n for n in names if _TYPES.get(n) == "jsonb"]
    return [[_text(getattr(r, n)) if n in json else getattr(r, n) for r in runs] for n in names]


def _text(value: Any) -> str:
    return jsonio.dumps(dict(value) if isinstance(value, Mapping) else value).decode()


STATES: Final[tuple[State, ...]] = ("ready", "waiting", "done", "stopped", "parked", "cut", "given_up")
