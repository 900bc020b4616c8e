"""Undo: takes back what one batch did: deletes what it created, sets back what it changed.

In: a batch's rows in `sys__batch_record` (object, record, action, version after the act, old values). Out: changes for the
way save, and which records are kept because somebody changed them since. Carries out nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.copying import copy_in
from patron_engine.record.pending import COPY_FROM, run_many
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn, Statement, any_of, compiled
from patron_engine.store.tables import Id

KIND = "act"  # of a batch: what a person did and may take back
RAISED = "raised"  # action: details of the record were saved, nothing of its own (transfer/masters)
MAX_SAID = 500  # characters of what a page tells about an act
COLUMNS = ("batch", "object", "record", "action", "version", "old")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record the undo leaves as it is. `why` is "changed_since", "gone" or "unknown_object"."""

    object: str
    id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """`changes` in an order that respects links: what was changed is set back first, what was created last goes first."""

    changes: tuple[Change, ...]
    kept: tuple[Kept, ...]


@dataclass(slots=True, kw_only=True)
class Done:
    """What a batch did to one record. `old` are the values before, in JSON form; empty for a new record."""

    object: str
    id: str
    action: str
    version: int
    old: dict[str, Any]


def record_batch(conn: Conn, call: Call, batch: str, done: Sequence[Done]) -> None:
    """Adds what was done to a batch, so that it can be undone. The batch's own row is the caller's."""
    if not done:
        return
    table = _table(call)
    if len(done) >= COPY_FROM:
        copy_in(conn, table, {
            "batch": [batch] * len(done), "object": [d.object for d in done], "record": [d.id for d in done],
            "action": [d.action for d in done], "version": [d.version for d in done],
            "old": [jsonio.dumps(d.old).decode() if d.old else "{}" for d in done],
        })  # fmt: skip
    else:
        rows = [(batch, d.object, d.id, d.action, d.version, Jsonb(d.old, dumps=jsonio.dumps)) for d in done]
        insert = table.insert().values({c: sa.bindparam(c, type_=table.c[c].type) for c in COLUMNS})
        run_many(conn, Programs.of(call.tables).keep("undo.insert", lambda: compiled(insert)), rows)


def remember(conn: Conn, call: Call, done: Sequence[Done], said: str = "") -> str:
    """Notes what was done as an act that may be taken back, in the transaction that did it; its id. `said` is what a page tells."""
    act = call.new_id()
    insert = sql.SQL("INSERT INTO {} (id, kind, at, by, payload) VALUES (%s, %s, %s, %s, %s)")
    payload = Jsonb({"records": len(done), "said": said[:MAX_SAID]}, dumps=jsonio.dumps)
    conn.execute(
        insert.format(sql.Identifier(call.schema, "sys__batch")),
        (act, KIND, call.now, call.actor.user, payload),
    )
    record_batch(conn, call, act, done)
    return act


def plan_undo(conn: Conn, call: Call, batch: str) -> UndoPlan:
    """What would take the batch back today."""
    programs = Programs.of(call.tables)
    statement: Statement = programs.keep("undo.read", lambda: _read(call))
    done = [
        Done(object=o, id=i, action=a, version=v, old=old or {})
        for o, i, a, v, old in statement.run(conn, batch=batch)
        if a != RAISED
    ]
    versions = versions_of(conn, call, done)
    back: list[Change] = []
    gone: list[Change] = []
    kept: list[Kept] = []
    for one in reversed(done):
        now = versions.get((one.object, one.id))
        why = _kept(call, one, now)
        if why is not None:
            kept.append(Kept(object=one.object, id=one.id, why=why))
        elif one.action == "created":
            gone.append(Change(action="delete", object=one.object, id=one.id, version=now))
        elif one.action == "updated":
            values = _writable(call, one)
            back.append(Change(action="update", object=one.object, id=one.id, set=values, version=now))
    return UndoPlan(changes=(*back, *gone), kept=tuple(kept))


def _kept(call: Call, done: Done, now: int | None) -> str | None:
    if done.object not in call.model.objects:
        return "unknown_object"
    if now is None:
        return "gone"
    return "changed_since" if now != done.version else None


def _writable(call: Call, done: Done) -> dict[str, Any]:
    """The old values of fields that still are and that people may write."""
    fields = call.model.objects[done.object].fields
    return {
        n: v for n, v in done.old.items()
        if n in fields and not fields[n].computed and (not fields[n].system or n in ("owner", "record_type", "currency"))
    }  # fmt: skip


def versions_of(conn: Conn, call: Call, done: Sequence[Done]) -> dict[tuple[str, str], int]:
    """Today's versions of the live records among them."""
    programs = Programs.of(call.tables)
    found: dict[tuple[str, str], int] = {}
    for object in sorted({d.object for d in done if d.object in call.model.objects}):
        table = programs[object].table

        def make(table: sa.Table = table) -> Statement:
            return compiled(
                sa.select(table.c.id, table.c.version).where(any_of(table.c.id), table.c.deleted_at.is_(None))
            )

        ids = [d.id for d in done if d.object == object]
        for id, version in programs.keep(("undo.versions", object), make).run(conn, ids=ids):
            found[(object, id)] = version
    return found


def _table(call: Call) -> sa.Table:
    return call.tables.system(
        "sys__batch_record",
        batch="uuid",
        object="text",
        record="uuid",
        action="text",
        version="bigint",
        old="jsonb",
    )


def _read(call: Call) -> Statement:
    table = _table(call)
    chosen = sa.select(table.c.object, table.c.record, table.c.action, table.c.version, table.c.old)
    return compiled(chosen.where(table.c.batch == sa.bindparam("batch", type_=Id())).order_by(table.c.record))
