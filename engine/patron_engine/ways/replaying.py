"""The way replay: an automation is carried out for records that are there already, in batches, while everything else goes on.

    preview (how many fit, the first of them) -> started -> a batch a turn -> done; paused, gone on with or stopped in between

In: the name of an automation, a condition that chooses records. Out: `Replay`s as they stand. For each record its event is supposed as
if it had just become what it is: `old.` is empty. `once` holds as ever. A batch waits while many runs of the automation are open, so
that a replay holds up nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql

from patron_engine.access.design import reach_of
from patron_engine.errors import Conflict, Forbidden, NotFound, PatronError, Refused
from patron_engine.expr.compile import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run, because_of, said
from patron_engine.flow.values import Reading, Subject
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.names import Names
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.record.each import problems_of
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id
from patron_engine.ways.flow import start
from patron_engine.ways.steps import flow_named

AT_ONCE: Final = 200  # records of one batch
SHOWN: Final = 20  # records a preview names
LOOKED_AT: Final = 10_000  # records a preview asks the condition of
OPEN: Final = 1_000  # open runs of the automation at which a batch waits
FIRST: Final = "00000000-0000-0000-0000-000000000000"
STATES: Final = ("running", "paused", "stopped", "done", "failed")
MOVES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "pause": (("running",), "paused"), "resume": (("paused",), "running"), "stop": (("running", "paused"), "stopped"),
}  # fmt: skip
_COLUMNS: Final = (
    "id", "rule", "wanted", "state", "total", "seen", "begun", "by", "error", "began_at", "ended_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    id: str
    rule: str
    wanted: str | None
    state: str
    total: int
    seen: int
    begun: int
    by: str | None
    error: str | None
    began_at: datetime
    ended_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`fits` of `looked_at` records would be taken; `total` are chosen in all. `first` are ids."""

    total: int
    looked_at: int
    fits: int
    first: tuple[str, ...]


# -- asked for ----------------------------------------------------------------------------------------------------


def preview(conn: Conn, call: Call, rule: str, wanted: str | None) -> Preview:
    """How many records would be taken, and the first of them."""
    program = _allowed(call, rule)
    where = _where(call, program, wanted)
    total = _count(conn, call, program, where)
    looked_at, fits, after = 0, [], FIRST
    reading = Reading(conn, call)
    while looked_at < LOOKED_AT:
        ids = _next(conn, call, program, where, after, call.new_id(), min(1_000, LOOKED_AT - looked_at))
        if not ids:
            break
        looked_at, after = looked_at + len(ids), ids[-1]
        fits += [run.record or "" for run in _fitting(reading, program, ids, call.actor.user)]
    return Preview(total=total, looked_at=looked_at, fits=len(fits), first=tuple(fits[:SHOWN]))


def begin(conn: Conn, call: Call, rule: str, wanted: str | None) -> Replay:
    """A new replay. Conflict while another one of the automation is under way."""
    program = _allowed(call, rule)
    where = _where(call, program, wanted)
    table = sql.Identifier(call.schema, "sys__replay")
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"patron.replay.{call.schema}",))
    under_way = conn.execute(
        sql.SQL("SELECT 1 FROM {} WHERE rule = %s AND state IN ('running', 'paused')").format(table), (rule,)
    ).fetchone()
    if under_way is not None:
        raise Conflict(
            Phrase("this automation is being replayed already"), code="replay_under_way",
            hint=Phrase("stop it, or wait until it is done"),
        )  # fmt: skip
    id = call.new_id()
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (id, rule, wanted, state, total, upto, by, began_at) VALUES (%s, %s, %s, 'running', %s, %s, %s, %s)"
        ).format(table),
        (
            id,
            rule,
            wanted or None,
            _count(conn, call, program, where),
            call.new_id(),
            call.actor.user,
            call.now,
        ),
    )
    return opened(conn, call, id)


def move(conn: Conn, call: Call, id: str, to: str) -> Replay:
    """Pauses, resumes or stops it. Conflict where its state does not let it."""
    found = opened(conn, call, id)
    _allowed(call, found.rule, gone=True)
    before, state = MOVES[to]
    done = conn.execute(
        sql.SQL("UPDATE {} SET state = %s, ended_at = %s WHERE id = %s AND state = ANY(%s)").format(
            sql.Identifier(call.schema, "sys__replay")
        ),
        (state, call.now if state == "stopped" else None, id, list(before)),
    ).rowcount
    if not done:
        raise Conflict(
            Phrase("this replay is over, or stands already"), code="replay_state", hint=Phrase("look at it again")
        )  # fmt: skip
    return opened(conn, call, id)


def opened(conn: Conn, call: Call, id: str) -> Replay:
    found = _rows(conn, call, "id = %s", (id,))
    if not found:
        raise NotFound(Phrase("there is no such replay"), code="replay_not_found")
    return found[0]


def listed(conn: Conn, call: Call, rule: str) -> list[Replay]:
    """Those of an automation, the latest first."""
    return _rows(conn, call, "rule = %s", (rule,))


def _rows(conn: Conn, call: Call, where: str, given: tuple[Any, ...]) -> list[Replay]:
    query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY number DESC LIMIT 20").format(
        sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(c)) if c in ("id", "by") else sql.Identifier(c)
            for c in _COLUMNS
        ),
        sql.Identifier(call.schema, "sys__replay"),
        sql.SQL("id = %s") if where.startswith("id") else sql.SQL("rule = %s"),
    )
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in conn.execute(query, given).fetchall()]
    return [Replay(**{**row, "error": said(row["error"])}) for row in rows]


def _allowed(call: Call, rule: str, *, gone: bool = False) -> Flow:
    """The automation, for who may change it. NotFound, Forbidden."""
    program = flow_named(call, rule) if ":" not in rule else None
    body = call.model.documents.get(("automation", rule))
    if not reach_of(call.model, call.actor).holds("automation", rule, body):
        raise Forbidden(
            Phrase("you may not replay this automation"), hint=Phrase("who may change it may, or an administrator")
        )  # fmt: skip
    if program is None and gone:
        return Flow(name=rule, object=None, version="", on=(), when=None, stop_when=None, once="", by_system=False, code=())  # fmt: skip
    if program is None or program.object is None:
        raise NotFound(
            Phrase("there is no automation {name!r} that can be replayed", name=rule[:60]), code="automation_not_found",
            hint=Phrase("it must be switched on and be about an object"),
        )  # fmt: skip
    return program


def _where(call: Call, program: Flow, wanted: str | None) -> Expression | None:
    if not wanted:
        return None
    names = Names(call.tables, call.actor)
    found = names.where(call.model.objects[program.object or ""], wanted)
    if found is None:
        raise Refused(
            tuple(names.problems) or [Problem(code="expr_syntax", message=Phrase("this is no condition"), path="where")]
        )  # fmt: skip
    return found


# -- batches ------------------------------------------------------------------------------------------------------


def go_on(conn: Conn, call: Call) -> int:
    """One batch of the oldest replay that runs; the number of records looked at. In the worker's write transaction."""
    table = sql.Identifier(call.schema, "sys__replay")
    row = conn.execute(
        sql.SQL(
            "SELECT id::text, rule, wanted, after::text, upto::text, by::text FROM {} WHERE state = 'running'"
            " ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).format(table)
    ).fetchone()
    if row is None:
        return 0
    id, rule, wanted, after, upto, by = row
    if _open(conn, call, rule) >= OPEN:
        return 0
    try:
        with conn.transaction():
            program = flow_named(call, rule)
            if program is None or program.object is None:
                raise NotFound(Phrase("there is no such automation any more"), code="automation_not_found")
            ids = _next(conn, call, program, _where(call, program, wanted), after or FIRST, upto, AT_ONCE)
            begun = start(conn, call, _fitting(Reading(conn, call), program, ids, by))
    except PatronError as error:
        conn.execute(
            sql.SQL("UPDATE {} SET state = 'failed', error = %s, ended_at = %s WHERE id = %s").format(table),
            (because_of(problems_of(error)), call.now, id),
        )
        return 1
    over = len(ids) < AT_ONCE
    conn.execute(
        sql.SQL(
            "UPDATE {} SET seen = seen + %s, begun = begun + %s, after = coalesce(%s::uuid, after), state = %s, ended_at = %s"
            " WHERE id = %s"
        ).format(table),
        (len(ids), len(begun), ids[-1] if ids else None, "done" if over else "running", call.now if over else None, id),
    )  # fmt: skip
    return max(len(ids), 1)


def _open(conn: Conn, call: Call, rule: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE rule = %s AND state = 'ready'")
    row = conn.execute(query.format(sql.Identifier(call.schema, "sys__run")), (rule,)).fetchone()
    return int(row[0]) if row is not None else 0


def _fitting(reading: Reading, program: Flow, ids: Sequence[str], by: str | None) -> list[Run]:
    call = reading.call
    event = {"name": str(program.on[0]["event"]), "at": call.now.isoformat(), "by": by, "supposed": True}
    runs = [
        Run(
            id=call.new_id(), rule=program.name, version=program.version, release=call.model.release, object=program.object,
            record=id, causer=by, event=event,
        )
        for id in ids
    ]  # fmt: skip
    holds = reading.holds(program.when, [Subject(run=run) for run in runs])
    return [run for run, fits in zip(runs, holds, strict=True) if fits]


def _next(
    conn: Conn, call: Call, program: Flow, where: Expression | None, after: str, upto: str, most: int
) -> list[str]:
    building = Building(tables=call.tables)
    row = building.root(program.object or "")
    conditions = [
        *row.live(voided=False),
        row.id > parameter("after", Id()),
        row.id <= parameter("upto", Id()),
    ]
    if where is not None:
        conditions.append(condition_sql(where, SqlBinding(row=row)))
    query = sa.select(row.id).select_from(row.source.from_).where(*conditions).order_by(row.id)
    made = compiled(query.limit(sa.literal(most)), call.model.release)
    given = {**call_values(call), "after": after, "upto": upto}
    return [str(r[0]) for r in conn.execute(made.text, made.values(given)).fetchall()]


def _count(conn: Conn, call: Call, program: Flow, where: Expression | None) -> int:
    row = Building(tables=call.tables).root(program.object or "")
    conditions = [*row.live(voided=False)]
    if where is not None:
        conditions.append(condition_sql(where, SqlBinding(row=row)))
    query = sa.select(sa.func.count()).select_from(row.source.from_).where(*conditions)
    made = compiled(query, call.model.release)
    found = conn.execute(made.text, made.values(call_values(call))).fetchone()
    return int(found[0]) if found is not None else 0
