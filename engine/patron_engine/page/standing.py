"""Standing: what flow keeps of one record, for its page: pool, clocks, tasks of its stage, why somebody was chosen.

In: a connection, the frame of a call, a record the reader reads. Out: a `Standing`. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pools import pools_of
from patron_engine.fields.options import texts
from patron_engine.flow.spans import Span, read_span
from patron_engine.model.model import Object
from patron_engine.page.pools import Pool, moment_in, pool_for
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, Within, quoted
from patron_engine.query.values import fetch_values
from patron_engine.record.stage_tasks import TASK_FIELDS
from patron_engine.ways.pool_extend import held_of
from patron_engine.ways.pool_people import standing_in
from patron_engine.ways.read import rows
from patron_engine.ways.stage_tasks import stage_of

Connection = psycopg.Connection[Any]
DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock of an SLA: `due` as people read it, `left` seconds to its end (below zero: late), None when it stands or ended."""

    label: str
    state: str
    breached: bool
    due: str
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of the stage: its record where there is one."""

    id: str
    title: str
    done: bool
    required: bool
    due: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Why somebody, or a queue, got the record."""

    assignment: str
    rule: str
    by: str
    among: int
    absent: int
    has: int | None
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """More time that the reader may have for it before it goes back: `by` so much a time; `asks`: a manager decides; `asked`: an
    answer is waited for; `left` times."""

    by: Span
    left: int
    asks: bool
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What flow keeps of a record. `days` it has been in its stage, `over` whether that is too long, `back` days until it goes back
    to its pool."""

    pool: Pool | None
    waits: bool
    back: int | None
    returns: str
    reasons: tuple[tuple[str, str], ...]
    may_return: bool
    aims: tuple[tuple[str, str], ...]  # pools the reader may move it to
    more: More | None
    clocks: tuple[Clock, ...]
    tasks: tuple[Task, ...]
    days: int | None
    over: bool
    chosen: Chosen | None


def standing_of(conn: Connection, call: Call, reader: Reader, object: Object, id: str) -> Standing:
    """What flow keeps of a record that the reader reads."""
    found = standing_in(conn, call, object.name, id) if pools_of(call.model, object.name) else None
    body = call.model.documents.get(("pool", found[0])) if found is not None else None
    pool = pool_for(conn, call, reader, body, id) if body is not None else None
    row = (
        _row(conn, call, "SELECT owner::text, returns_at FROM {} WHERE record = %s", "sys__pool", id)
        if found
        else None
    )
    owner, returns_at = row or (None, None)
    waits = bool(found and found[1])
    mine = owner is not None and owner == call.actor.user
    stage, days, over = _stage(conn, call, id)
    return Standing(
        pool=pool, waits=waits,
        back=None if waits or returns_at is None else max(0, ceil((returns_at - call.now).total_seconds() / DAY)),
        returns=moment_in(reader, returns_at) if not waits else "",
        reasons=tuple(_reason(reader, o) for o in (body or {}).get("reasons") or ()),
        may_return=body is not None and not waits and (mine or bool(pool and pool.manages)),
        aims=_aims(call, reader, body, waits, mine, bool(pool and pool.manages)),
        more=_more(conn, call, body, id, mine, bool(pool and pool.manages)),
        clocks=tuple(_clocks(conn, call, reader, id)), tasks=tuple(_tasks(conn, call, reader, object, id, stage)),
        days=days, over=over, chosen=_chosen(conn, call, reader, id),
    )  # fmt: skip


def _aims(
    call: Call, reader: Reader, body: Mapping[str, Any] | None, waits: bool, mine: bool, manages: bool
) -> tuple[tuple[str, str], ...]:
    """Name and label. Whether a pool takes it is seen when it is moved."""
    rules: Mapping[str, Any] = (body or {}).get("transfer") or {}
    if body is None or not (manages or (mine and not waits and rules.get("by") == "owners")):
        return ()
    named = rules.get("to")
    allowed = None if named is None or manages else {named} if isinstance(named, str) else set(named)
    return tuple(
        (b["name"], reader.say(b.get("label"), b["name"]))
        for b in pools_of(call.model, body["object"])
        if b["name"] != body["name"] and (allowed is None or b["name"] in allowed)
    )


def _more(
    conn: Connection, call: Call, body: Mapping[str, Any] | None, id: str, mine: bool, manages: bool
) -> More | None:
    rules: Mapping[str, Any] | None = (body or {}).get("extend")
    held = held_of(conn, call, id) if rules is not None and (mine or manages) else None
    if rules is None or held is None or held.waits or held.returns_at is None:
        return None
    return More(
        by=read_span(rules["by"]), left=max(0, rules.get("times", 1) - held.extended), asked=held.asked_at is not None,
        asks=not manages and rules.get("ask") != "nobody",
    )  # fmt: skip


def _reason(reader: Reader, option: Any) -> tuple[str, str]:
    if isinstance(option, str):
        return option, option
    return option["name"], reader.say(texts(option.get("label")), option["name"])


def _row(conn: Connection, call: Call, query: str, table: str, id: str) -> Any:
    return conn.execute(
        sql.SQL(query).format(sql.Identifier(call.schema, table)),
        (id,),
    ).fetchone()


def _stage(conn: Connection, call: Call, id: str) -> tuple[tuple[str, str] | None, int | None, bool]:
    """(path, stage), days in it, whether that is too long; of the path it came to last."""
    row = _row(
        conn,
        call,
        "SELECT path, stage, since, due_at FROM {} WHERE record = %s ORDER BY since DESC LIMIT 1",
        "sys__stage",
        id,
    )
    if row is None or stage_of(call, row[0], row[1]).get("end"):
        return None, None, False
    days = int((call.now - row[2]).total_seconds() // DAY)
    return (row[0], row[1]), days, row[3] is not None and row[3] < call.now


def _clocks(conn: Connection, call: Call, reader: Reader, id: str) -> list[Clock]:
    found = conn.execute(
        sql.SQL(
            "SELECT sla, clock, state, breached, due_at, done_at FROM {} WHERE record = %s AND state <> 'cancelled' ORDER BY due_at"
        ).format(sql.Identifier(call.schema, "sys__sla")),
        (id,),
    ).fetchall()
    made = []
    for sla, clock, state, breached, due, done in found:
        body = call.model.documents.get(("sla", sla)) or {}
        named: Mapping[str, Any] = next((c for c in body.get("clocks") or () if c["name"] == clock), {})
        left = None if done is not None or state == "paused" else int((due - call.now).total_seconds())
        label = reader.say(texts(named.get("label")), clock)
        made.append(Clock(label=label, state=state, breached=breached, due=reader.moment(due), left=left))
    return made


def _tasks(
    conn: Connection, call: Call, reader: Reader, object: Object, id: str, stage: tuple[str, str] | None
) -> list[Task]:
    """The tasks of the stage it stands in, as far as they are the reader's to see."""
    among = next(
        (n for n, found in object.sets.items() if (found.object, found.field) == ("task", "about")), None
    )
    if stage is None or among is None or isinstance(row_rule(call.model, call.actor, "read", "task"), Deny):
        return []
    if not set(call.model.objects["task"].fields) >= TASK_FIELDS:
        return []
    fields = ("id", "title", "status", "due", "stage_task")
    where = f"stage_path == {quoted(stage[0])} and stage == {quoted(stage[1])} and status != 'cancelled'"
    within = Within(object=object.name, id=id, set=among)
    ask = Ask(object="task", fields=fields, where=where, within=within, sort=("created_at",), limit=100)
    named: dict[str, Mapping[str, Any]] = {t["name"]: t for t in stage_of(call, *stage).get("tasks") or ()}
    made = []
    for row in rows(conn, call, ask):
        due = row.get("due")
        done = row.get("status") == "done"
        late = due is not None and not done and str(due) < call.today.isoformat()
        made.append(
            Task(
                id=row["id"], title=_titled(reader, row, named), done=done,
                required=bool(named.get(str(row.get("stage_task")), {}).get("required")),
                due=reader.day(date.fromisoformat(str(due))) if due else "", late=late,
            )
        )  # fmt: skip
    return made


def _titled(reader: Reader, row: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> str:
    """What a task is called: as its stage says it in the reader's language, unless somebody called it otherwise."""
    title = str(row.get("title") or "")
    label = texts(named.get(str(row.get("stage_task")), {}).get("label"))
    return reader.say(label, title) if title in label.values() else title


def _chosen(conn: Connection, call: Call, reader: Reader, id: str) -> Chosen | None:
    """Why it is whose it is; not any more once somebody else got it."""
    row = _row(
        conn,
        call,
        "SELECT assignment, rule, person::text, told::text, at, object FROM {} WHERE record = %s",
        "sys__assigned",
        id,
    )
    body = call.model.documents.get(("assignment", row[0])) if row is not None else None
    if row is None or body is None:
        return None
    owner = fetch_values(conn, call, row[5], [id], ["owner"]).get(id, {}).get("owner")
    if owner != row[2]:
        return None
    rule: Mapping[str, Any] = next((r for r in body["rules"] if r["name"] == row[1]), {})
    told = jsonio.loads(row[3])
    return Chosen(
        assignment=reader.say(body.get("label"), row[0]), rule=reader.say(texts(rule.get("label")), row[1]), by=told.get("by") or "turns",
        among=int(told.get("among") or 0), absent=int(told.get("absent") or 0), has=told.get("has"), at=reader.moment(row[4]),
    )  # fmt: skip
