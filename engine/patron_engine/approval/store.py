"""Store: approvals as rows: locked, read, kept; tasks decided by one conditional UPDATE.

In: a connection in the caller's transaction, a schema, values. Out: the same values. The instance is locked before anything of it is
changed, so events of one instance come one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.approval.value import OPEN, UNDECIDED, Instance, Log, Place, Task
from patron_engine.phrases import found_again, kept

Connection = psycopg.Connection[Any]
_JSON: Final = ("places", "chosen", "snapshot", "intent", "problems")
_INSTANCE: Final = (
    "id", "approval", "version", "release", "object", "record", "trigger", "submitter", "initiator", "began_at", "state", "round",
    "places", "snapshot", "intent", "chosen", "returned_from", "problems", "comment", "decided_at", "ended_at", "urged_at",
)  # fmt: skip
_FIXED: Final = frozenset({"id", "object", "record", "trigger", "submitter", "began_at", "snapshot"})
_TASK: Final = tuple(Task.__slots__)
_UUIDS: Final = frozenset(
    {"id", "record", "submitter", "initiator", "person", "behalf", "added_by", "opinion_for", "decided_by"}
)


def insert(conn: Connection, schema: str, instance: Instance) -> bool:
    """A new instance, the record's latest. False when it has an open one already."""
    table = sql.Identifier(schema, "sys__approval")
    conn.execute(
        sql.SQL(
            "UPDATE {} SET latest = false WHERE record = %s AND object = %s AND latest AND NOT state = ANY(%s)"
        ).format(table),
        (instance.record, instance.object, list(OPEN)),
    )
    row = conn.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING id").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, _INSTANCE)),
            sql.SQL(", ").join([sql.Placeholder()] * len(_INSTANCE)),
        ),
        _row_of(instance, _INSTANCE),
    ).fetchone()
    return row is not None


def load(conn: Connection, schema: str, id: str, *, lock: bool = False) -> Instance | None:
    """The instance with its tasks; locked, it is nobody else's until the transaction ends."""
    query = sql.SQL("SELECT {} FROM {} WHERE id = %s {}").format(
        _selected(_INSTANCE), sql.Identifier(schema, "sys__approval"), sql.SQL("FOR UPDATE" if lock else "")
    )
    row = conn.execute(query, (id,)).fetchone()
    if row is None:
        return None
    tasks = conn.execute(
        sql.SQL("SELECT {} FROM {} WHERE instance = %s ORDER BY number").format(
            _selected(_TASK), sql.Identifier(schema, "sys__approval_task")
        ),
        (id,),
    ).fetchall()
    return _instance(row, tuple(Task(**dict(zip(_TASK, t, strict=True))) for t in tasks))


def of_record(conn: Connection, schema: str, object: str, record: str, *, open: bool = False) -> str | None:
    """The id of the record's latest instance, or of its open one."""
    query = sql.SQL(
        "SELECT id::text FROM {} WHERE object = %s AND record = %s AND {} ORDER BY number DESC LIMIT 1"
    ).format(
        sql.Identifier(schema, "sys__approval"),
        sql.SQL("state = ANY(%s)" if open else "%s::text[] IS NOT NULL"),
    )
    row = conn.execute(query, (object, record, list(OPEN))).fetchone()
    return None if row is None else str(row[0])


def instance_of(conn: Connection, schema: str, task: str) -> str | None:
    query = sql.SQL("SELECT instance::text FROM {} WHERE id = %s").format(
        sql.Identifier(schema, "sys__approval_task")
    )
    row = conn.execute(query, (task,)).fetchone()
    return None if row is None else str(row[0])


def settle(conn: Connection, schema: str, task: Task, state: str, by: str | None, now: datetime) -> bool:
    """The one conditional UPDATE: the task leaves the state it was seen in. False when somebody was faster."""
    query = sql.SQL(
        "UPDATE {} SET state = %s, decided_by = %s, decided_at = %s WHERE id = %s AND state = %s AND claimed = %s"
    ).format(sql.Identifier(schema, "sys__approval_task"))
    return conn.execute(query, (state, by, now, task.id, task.state, task.claimed)).rowcount == 1


def note_handing(conn: Connection, schema: str, id: str, handing: Mapping[str, Any]) -> None:
    """What goes with a transfer that waits: who owned it, what he keeps, which linked records go along."""
    query = sql.SQL("UPDATE {} SET intent = intent || %s WHERE id = %s").format(
        sql.Identifier(schema, "sys__approval")
    )
    conn.execute(query, (_json({"handing": dict(handing)}), id))


def note_before(conn: Connection, schema: str, task: str, before: Mapping[str, Any]) -> None:
    """What the record was like when a task was decided, as far as it was not as it was submitted."""
    query = sql.SQL("UPDATE {} SET before = %s WHERE id = %s").format(
        sql.Identifier(schema, "sys__approval_task")
    )
    conn.execute(query, (_json(before), task))


def last_before(conn: Connection, schema: str, instance: str, until: datetime | None) -> dict[str, Any]:
    """The same of the last decision until a moment; nothing where there was none."""
    query = sql.SQL(
        "SELECT before::text FROM {} WHERE instance = %s AND before IS NOT NULL AND (%s::timestamptz IS NULL OR decided_at <= %s)"
        " ORDER BY decided_at DESC, number DESC LIMIT 1"
    ).format(sql.Identifier(schema, "sys__approval_task"))
    row = conn.execute(query, (instance, until, until)).fetchone()
    return {} if row is None else dict(jsonio.loads(row[0]))


def keep(
    conn: Connection, schema: str, before: Instance, now: Instance, *, step: str | None, locks: str, open_fields: Sequence[str]
) -> list[Task]:  # fmt: skip
    """Writes what differs; gives the tasks that are new or changed."""
    names = [n for n in _INSTANCE if n not in _FIXED]
    more = {
        "step": step, "approvers": list(now.approvers) or None, "locks": locks, "open_fields": list(open_fields),
    }  # fmt: skip
    sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in (*names, *more))
    conn.execute(
        sql.SQL("UPDATE {} SET {} WHERE id = %s").format(sql.Identifier(schema, "sys__approval"), sets),
        (*_row_of(now, names), *more.values(), now.id),
    )
    known = {t.id: t for t in before.tasks}
    written = [t for t in now.tasks if known.get(t.id) != t]
    columns = ("instance", *_TASK)
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}").format(
        sql.Identifier(schema, "sys__approval_task"),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        sql.SQL(", ").join(
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(c)) for c in _TASK if c != "id"
        ),
    )
    if written:
        with conn.cursor() as cursor:
            cursor.executemany(statement, [(now.id, *(getattr(t, c) for c in _TASK)) for t in written])
    return written


def rename(conn: Connection, schema: str, id: str, now: Instance) -> None:
    """Tasks by what their nodes are called in another version."""
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("UPDATE {} SET node = %s WHERE id = %s AND instance = %s").format(
                sql.Identifier(schema, "sys__approval_task")
            ),
            [(t.node, t.id, id) for t in now.tasks],
        )


def log(conn: Connection, schema: str, instance: str, at: datetime, lines: Iterable[Log]) -> None:
    rows = [
        (instance, at, w.kind, w.by, w.behalf, w.node, w.task, w.person, w.comment, _json(dict(w.detail))) for w in lines
    ]  # fmt: skip
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(
                sql.SQL(
                    'INSERT INTO {} (instance, at, kind, "by", behalf, node, task, person, comment, detail)'
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                ).format(sql.Identifier(schema, "sys__approval_log")),
                rows,
            )


def logged(conn: Connection, schema: str, instance: str) -> list[dict[str, Any]]:
    """What happened, in its order."""
    names = ("at", "kind", "by", "behalf", "node", "task", "person", "comment", "detail")
    rows = conn.execute(
        sql.SQL(
            'SELECT at, kind, "by"::text, behalf::text, node, task::text, person::text, comment, detail::text FROM {}'
            " WHERE instance = %s ORDER BY id"
        ).format(sql.Identifier(schema, "sys__approval_log")),
        (instance,),
    )
    return [{**dict(zip(names, r, strict=True)), "detail": jsonio.loads(r[8])} for r in rows]


def happened(
    conn: Connection,
    schema: str,
    record: tuple[str, str],
    kinds: Sequence[str],
    before: int | None,
    most: int,
) -> list[dict[str, Any]]:
    """What happened in all approvals of a record (object, id), the newest first."""
    names = ("id", "instance", "at", "kind", "by", "behalf", "node", "person", "comment")
    query = sql.SQL(
        'SELECT l.id, l.instance::text, l.at, l.kind, l."by"::text, l.behalf::text, l.node, l.person::text, l.comment FROM {} l'
        " JOIN {} a ON a.id = l.instance WHERE a.object = %s AND a.record = %s AND l.kind = ANY(%s)"
        " AND (%s::bigint IS NULL OR l.id < %s) ORDER BY l.id DESC LIMIT %s"
    ).format(sql.Identifier(schema, "sys__approval_log"), sql.Identifier(schema, "sys__approval"))
    rows = conn.execute(query, (*record, list(kinds), before, before, most)).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def due(conn: Connection, schema: str, now: datetime, most: int = 100) -> list[tuple[str, str]]:
    """(instance, task) whose time is over."""
    query = sql.SQL(
        "SELECT t.instance::text, t.id::text FROM {} t JOIN {} a ON a.id = t.instance WHERE t.state = 'waiting' AND t.due_at <= %s"
        " AND a.state = 'running' ORDER BY t.due_at LIMIT %s"
    ).format(sql.Identifier(schema, "sys__approval_task"), sql.Identifier(schema, "sys__approval"))
    return [(i, t) for i, t in conn.execute(query, (now, most)).fetchall()]


def forget_due(conn: Connection, schema: str, task: str) -> None:
    """A deadline that cannot be worked out is not tried for ever."""
    conn.execute(
        sql.SQL("UPDATE {} SET due_at = NULL WHERE id = %s").format(
            sql.Identifier(schema, "sys__approval_task")
        ),
        (task,),
    )


def open_of(conn: Connection, schema: str, person: str) -> list[tuple[str, str]]:
    """(instance, task) that somebody is still to decide."""
    query = sql.SQL(
        "SELECT t.instance::text, t.id::text FROM {} t JOIN {} a ON a.id = t.instance WHERE t.person = %s AND t.state = ANY(%s)"
        " AND a.state = ANY(%s) ORDER BY t.number"
    ).format(sql.Identifier(schema, "sys__approval_task"), sql.Identifier(schema, "sys__approval"))
    return [(i, t) for i, t in conn.execute(query, (person, list(UNDECIDED), list(OPEN))).fetchall()]


def _selected(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}{}").format(sql.Identifier(n), sql.SQL("::text" if n in _UUIDS or n in _JSON else ""))
        for n in names
    )


def _row_of(instance: Instance, names: Sequence[str]) -> list[Any]:
    given: dict[str, Any] = {n: getattr(instance, n) for n in names}
    if "places" in given:
        given["places"] = {name: asdict(place) for name, place in instance.places.items()}
    if "problems" in given:
        given["problems"] = [_with_message(p, kept) for p in given["problems"]]
    for name in _JSON:
        if given.get(name) is not None:
            given[name] = _json(given[name])
    return [given[n] for n in names]


def _instance(row: Sequence[Any], tasks: tuple[Task, ...]) -> Instance:
    given = dict(zip(_INSTANCE, row, strict=True))
    for name in _JSON:
        given[name] = jsonio.loads(given[name]) if given[name] is not None else None
    places = {
        name: Place(**{**p, "at": datetime.fromisoformat(p["at"]), "cases": tuple(p["cases"])}) for name, p in given["places"].items()
    }  # fmt: skip
    chosen = {node: tuple(people) for node, people in given["chosen"].items()}
    problems = tuple(_with_message(p, found_again) for p in given["problems"])
    return Instance(**{**given, "places": places, "chosen": chosen, "problems": problems, "tasks": tasks})


def _with_message(problem: Mapping[str, Any], as_: Callable[[Any], Any]) -> dict[str, Any]:
    """What is in the way is read long after by people of other languages."""
    said = problem.get("message")
    return dict(problem) if said is None else {**problem, "message": as_(said)}


def _json(value: Any) -> Jsonb:
    return Jsonb(dict(value) if isinstance(value, Mapping) else value, dumps=jsonio.dumps)
