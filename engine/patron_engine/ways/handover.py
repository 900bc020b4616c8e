"""The way hand over: everything that belongs to somebody who leaves goes to one successor or several, in one run.

    how much there is -> to whom, object by object -> a task -> pieces of records through the way save -> done

In: a user, successors by object. Out: a task in `sys__task`, its progress. Each piece is one transaction that also writes how far it
came, so a killed run goes on where it was. Several successors take turns. Of tasks those go that are open; what lies in the
recycle bin stays. A record that its own rules refuse is counted and left. The history says `handover`, and nothing in it is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.approval import store as approvals
from patron_engine.clock import Clock
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, Refused
from patron_engine.model.model import Model, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.handed import note_handed
from patron_engine.record.change import Change
from patron_engine.store.locks import shared
from patron_engine.store.steps import Task
from patron_engine.store.tables import Tables
from patron_engine.store.tasks import Chunk, Handler, Work, enqueue
from patron_engine.ways.approval_admin import hand_tasks
from patron_engine.ways.principals import principal_of
from patron_engine.ways.save import save

Connection = psycopg.Connection[Any]
KIND = "handover"
PIECE = 200  # records of one transaction
MAX_SUCCESSORS = 50  # limit_successors: of one object
SHOWN = 20  # runs that are listed
OPEN_TASKS = ("open", "in_progress")
DECIDING = "approval_task"  # what he is still to decide belongs to him without being his


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One handing over. `moved` and `refused` by object; `why` is the first refusal."""

    id: str
    user: str
    state: str
    moved: Mapping[str, int]
    refused: Mapping[str, int]
    why: str
    total: int
    at: datetime

    @property
    def done(self) -> int:
        return sum(self.moved.values()) + sum(self.refused.values())


def belongings(conn: Connection, call: Call, user: str) -> dict[str, int]:
    """Object -> how many records would go; nothing is changed."""
    _may(call)
    found = {}
    for object in _owned(call.model):
        row = conn.execute(
            _query("SELECT count(*) FROM {} WHERE {}", call.schema, object), (user,)
        ).fetchone()
        if row is not None and row[0]:
            found[object.name] = int(row[0])
    deciding = len(approvals.open_of(conn, call.schema, user))
    return {**found, DECIDING: deciding} if deciding and DECIDING in call.model.objects else found


def begin(
    conn: Connection, call: Call, user: str, to: Sequence[str], by_object: Mapping[str, Sequence[str]] | None = None
) -> str:  # fmt: skip
    """Queues the run; the id of its task. `to` are the successors of every object that `by_object` does not name."""
    _may(call)
    chosen = dict(by_object or {})
    unknown = sorted(set(chosen) - {DECIDING, *(o.name for o in _owned(call.model))})
    if unknown:
        raise _wrong("unknown_object", Phrase("there is no object {object!r}", object=unknown[0]), "to")
    counts = belongings(conn, call, user)
    named = dict.fromkeys(s for successors in (to, *chosen.values()) for s in successors)
    known = {
        s: principal_of(conn, call, {"user": s}, ("user",)).id for s in named
    }  # an id is written in several ways
    plan = [[name, list(dict.fromkeys(known[s] for s in chosen.get(name) or to))] for name in counts]
    for name, successors in plan:
        if not successors:
            raise _wrong("no_successor", Phrase("say who takes over {object}", object=name), "to")
        if len(successors) > MAX_SUCCESSORS:
            raise LimitExceeded(
                Phrase("at most {most} people take over", most=MAX_SUCCESSORS), code="limit_successors"
            )
    for successor in sorted({s for _, successors in plan for s in successors}):
        if successor == user:
            raise _wrong("himself", Phrase("nobody hands over to himself"), "to")
        if successor == call.actor.user and not call.actor.administrator:
            raise Forbidden(
                "you may not hand over to yourself what belongs to others", hint="an administrator may"
            )
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", (f"{call.schema} {user}",))
    if any(run.user == user and run.state in ("waiting", "running") for run in runs(conn, call)):
        raise Conflict("this user is being handed over already", code="handover_running")
    payload = {
        "user": user,
        "by": call.actor.user,
        "plan": plan,
        "total": sum(counts.values()),
        "at": call.now.isoformat(),
    }
    return enqueue(conn, call.schema, Task(kind=KIND, table="", payload=payload, rows=0, sentence=KIND))


def switch_off(conn: Connection, call: Call, user: str) -> None:
    """From the next request on he cannot sign in and his keys open nothing; what he owns stays his until it is handed over."""
    _may(call)
    if call.model.objects["user"].field("active") is None:
        raise _wrong("no_switch", Phrase("users of this workspace cannot be switched off"), "user")
    save(conn, call, [Change(action="update", object="user", id=user, set={"active": False})])


def runs(conn: Connection, call: Call) -> list[Run]:
    """The latest runs, the newest first."""
    _may(call)
    rows = conn.execute(
        sql.SQL(
            "SELECT id::text, payload, state, progress, error, created_at FROM {}.sys__task WHERE kind = %s"
            " ORDER BY created_at DESC, id DESC LIMIT %s"
        ).format(sql.Identifier(call.schema)),
        (KIND, SHOWN),
    )
    return [
        Run(
            id=id, user=payload["user"], state=state, moved=progress.get("moved", {}), refused=progress.get("refused", {}),
            why=progress.get("why") or error or "", total=payload["total"], at=at,
        )
        for id, payload, state, progress, error, at in rows
    ]  # fmt: skip


def handlers(clock: Clock) -> Mapping[str, Handler]:
    """The handler of the task, for `store.tasks`."""

    def piece(conn: Connection, work: Work) -> Chunk:
        assert work.current is not None
        shared(conn, work.schema)
        return _piece(conn, _frame(work, work.current(), clock), work)

    return {KIND: Handler(run=piece)}


def _piece(conn: Connection, call: Call, work: Work) -> Chunk:
    """The next records of the object whose turn it is; a piece that finds none goes on to the next object."""
    plan, at = work.payload["plan"], int(work.progress.get("at", 0))
    moved, refused = dict(work.progress.get("moved", {})), dict(work.progress.get("refused", {}))
    why = work.progress.get("why", "")
    if at >= len(plan):
        return Chunk(progress=work.progress, done=True)
    name, successors = plan[at]
    if name == DECIDING:
        moved[name] = hand_tasks(conn, call, work.payload["user"], successors)
        progress = {"at": at + 1, "after": "", "moved": moved, "refused": refused, "why": why}
        return Chunk(progress=progress, done=at + 1 >= len(plan))
    object = call.model.objects.get(name)
    ids = _next(conn, call, object, work.payload["user"], work.progress.get("after", "")) if object else []
    turn = moved.get(name, 0) + refused.get(name, 0)
    changes = [
        Change(action="transfer", object=name, id=id, set={"owner": successors[(turn + n) % len(successors)]})
        for n, id in enumerate(ids)
    ]
    went: dict[str, list[str]] = {}
    for change, outcome in zip(
        changes, save(conn, call, changes, mode="each") if changes else (), strict=True
    ):
        if outcome.action == "refused":
            refused[name] = refused.get(name, 0) + 1
            why = why or " ".join(p.message for p in outcome.problems)
        else:
            moved[name] = moved.get(name, 0) + 1
            went.setdefault(change.set["owner"], []).append(str(change.id))
    for successor, some in went.items():
        note_handed(conn, call, name, some, successor)
    over = len(ids) < PIECE
    at, after = (at + 1, "") if over else (at, ids[-1])
    progress = {"at": at, "after": after, "moved": moved, "refused": refused, "why": why}
    return Chunk(progress=progress, done=at >= len(plan))


def _next(conn: Connection, call: Call, object: Object, user: str, after: str) -> list[str]:
    query = _query(
        "SELECT id::text FROM {} WHERE {} AND (%s = '' OR id > nullif(%s, '')::uuid) ORDER BY id LIMIT %s",
        call.schema,
        object,
    )
    return [id for (id,) in conn.execute(query, (user, after, after, PIECE))]


def _frame(work: Work, model: Model, clock: Clock) -> Call:
    """Who began it did it; whether he manages people was asked when it was begun. It reaches what he may not see himself."""
    by = work.payload["by"]
    actor = SYSTEM if by is None else Actor(user=by, administrator=True)
    return Call(
        workspace=work.schema, schema=work.schema, model=model, tables=Tables(model, work.schema), actor=actor,
        now=clock(), cause=Cause(kind=KIND, detail={"from": work.payload["user"]}),
    )  # fmt: skip


def _owned(model: Model) -> list[Object]:
    """The objects whose records belong to somebody."""
    found = [o for o in model.objects.values() if "owner" in o.fields and o.owner == "user"]
    return sorted((o for o in found if o.fields["owner"].columns), key=lambda o: o.name)


def _query(text: str, schema: str, object: Object) -> sql.Composed:
    """The text with the object's table and with what makes a record go with its owner (%s)."""
    mine = sql.SQL("{} = %s AND deleted_at IS NULL").format(
        sql.Identifier(object.fields["owner"].column.name)
    )
    status = object.fields.get("status") if object.name == "task" else None
    if status is not None:
        states = sql.SQL(", ").join(map(sql.Literal, OPEN_TASKS))
        mine = sql.SQL("{} AND {} IN ({})").format(mine, sql.Identifier(status.column.name), states)
    return sql.SQL(text).format(sql.Identifier(schema, object.table), mine)


def _may(call: Call) -> None:
    if not holds(call.model, call.actor, "manage_users"):
        raise Forbidden("only who manages people hands over what belongs to others")


def _wrong(code: str, message: str, path: str) -> Refused:
    return Refused([Problem(code=code, message=message, path=path)])
