"""Standing: what a save notes of records for flow: the stage they came to, the pool they wait in, that clocks are to be looked at.

In: written rows, and rows whose figures changed. Out: rows of `sys__stage` and `sys__pool`, true from this save on, and of
`sys__note`, which a worker reads (ways/noting): stays, moves of pools, tasks and clocks are records, and cost a save nothing.
An object without stage paths, pools and SLAs costs one look into a map. The pool is who takes the record: the one a claim or a
return names, else the first whose `takes` holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from patron_engine import jsonio
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.environment import target_id
from patron_engine.record.events import as_before
from patron_engine.record.row import Row
from patron_engine.record.stages import moving
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.record.watched import Feed, Watched, watched_of

STAGE = {"record": "uuid", "path": "text", "object": "text", "stage": "text", "since": "timestamptz"}
POOL = {
    "record": "uuid", "object": "text", "pool": "text", "waits": "boolean", "since": "timestamptz", "owner": "uuid",
    "look_at": "timestamptz",
}  # fmt: skip
NOTE = {"at": "timestamptz", "object": "text", "record": "uuid", "kind": "text", "payload": "jsonb"}
BROUGHT_IN = frozenset(
    {"import", "pack"}
)  # what is brought in stands where it stands: no tasks are made of it
TOLD_OF = frozenset(
    {"user", "key", "automation"}
)  # whoever is given a record by these is told; an import tells nobody
NOT_TOLD_OF = frozenset({"transfer", "undo"})  # told as what was handed over; nothing but what was before
CLOCKED = {
    "rule": "text", "returns_at": "timestamptz", "warn_at": "timestamptz", "warned_at": "timestamptz",
    "extended_until": "timestamptz", "extended": "bigint", "asked_at": "timestamptz", "asked_note": "text",
}  # fmt: skip


def keep_standing(batch: Batch, rows: Sequence[Row]) -> None:
    """For everything this save wrote."""
    watched = watched_of(batch.programs)
    if batch.erases:
        return
    if batch.cause["kind"] in TOLD_OF and not NOT_TOLD_OF & batch.cause.keys():
        note(batch, [(row, "given", given) for row in rows if (given := _given(batch, row))])
    note(batch, [(row, "left", {}) for row in rows if _left(row)])
    if not watched:
        return
    for program, mine in by_object(row for row in rows if row.object in watched):
        here = watched[program.object.name]
        written = [row for row in mine if row.own and row.written]
        if here.paths and not batch.keeps_history:
            _stages(batch, [row for row in written if row.action in ("create", "update")])
        if here.pools:
            _pools(batch, here, written)
            if here.returns:
                _look(batch, [row.id for row in mine if not row.fresh])
        if here.looked_at and not batch.keeps_history:
            note(batch, [(row, "look", _was(here, row)) for row in mine if row.written or row.figures])
        for feed in here.feeds:
            _fed(batch, watched, feed, written)


def _left(row: Row) -> bool:
    """A user who was switched off, or deleted: what he was to decide goes on without him."""
    if row.object != "user" or not row.own or not row.written:
        return False
    off = row.action == "update" and "active" in row.changed and row.values.get("active") is False
    return off or row.action == "delete"


def _was(here: Watched, row: Row) -> Mapping[str, Any]:
    """What conditions of clocks read of the record and this save changed: a worker that comes late counts by the moments of the
    saves, not by what it finds."""
    was = {name: value for name, value in as_before(row).items() if name in here.timed}
    return {"was": was} if was else {}


# -- owners -------------------------------------------------------------------------------------------------------


def _given(batch: Batch, row: Row) -> Mapping[str, Any] | None:
    """Whom a save gives a record that is another's doing, or the queue in which it is nobody's. What an automation makes it tells of itself; what a pool does is
    noted as its move."""
    if not row.own or not row.written or row.master is not None or not {"owner", "queue"} & row.changed:
        return None
    to, by = row.values.get("owner"), batch.causer_of(row)
    queue = row.values.get("queue")
    if to is None and queue is not None and "queue" in row.changed and row.action in ("create", "update"):
        return {"queue": queue, "by": by}
    made = row.action == "create" and batch.cause["kind"] == "automation"
    if (
        to is None
        or "owner" not in row.changed
        or to == by
        or made
        or row.action not in ("create", "update")
        or "pool" in batch.cause_of(row)
    ):
        return None
    return {"to": to, "by": by}


# -- stages -------------------------------------------------------------------------------------------------------


def _stages(batch: Batch, rows: Sequence[Row]) -> None:
    kept, notes = [], []
    for program, mine in by_object(rows):
        for row, path in moving(batch, program, mine):
            name = path.field.name
            at, to = batch.call.now, row.values.get(name) or ""
            kept.append((row.id, path.body["name"], row.object, to, at, to, at))
            told = {"path": path.body["name"], "from": row.old.get(name), "to": row.values.get(name)}
            by_hand = batch.call.cause.kind not in BROUGHT_IN
            notes.append((row, "stage", {**told, "by": batch.causer_of(row), "tasks": by_hand}))
    batch.pending.add(batch.programs.keep("standing.stage", lambda: _stage_upsert(batch)), kept)
    note(batch, notes)


def _stage_upsert(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__stage", **STAGE, due_at="timestamptz")  # type: ignore[arg-type]
    return _upsert(table, STAGE, ("record", "path"), ("stage", "since"), ("due_at",))


# -- pools --------------------------------------------------------------------------------------------------------


def _pools(batch: Batch, here: Watched, rows: Sequence[Row]) -> None:
    """Whoever lost its owner waits, in the pool that takes it; whoever got one is out, and its clock begins."""
    gone, kept, lost, notes = [], [], [], []
    for row in rows:
        owner, queue = row.values.get("owner"), row.values.get("queue")
        if row.action == "delete":
            gone.append((row.id,))
        if row.action not in ("create", "update", "restore"):
            continue
        if row.action == "update" and not row.fresh and not {"owner", "queue"} & row.changed:
            continue
        said: Mapping[str, Any] = batch.cause_of(row).get("pool") or {}
        had = None if row.fresh or "owner" not in row.changed else row.old.get("owner")
        pool = said.get("name") or pool_of(batch, here, row)
        waits = owner is None and queue is None and bool(pool)
        if had is not None:
            lost.append((row.id, had, batch.call.now, batch.call.now))
        if owner is None and not waits:
            gone.append((row.id,))
            continue
        whose = owner or had
        look = None if waits and pool not in here.unclaimed else batch.call.now
        kept.append(
            (
                row.id,
                row.object,
                pool,
                waits,
                batch.call.now,
                whose,
                look,
                pool,
                waits,
                batch.call.now,
                whose,
                look,
            )
        )
        did = _did(row, had, waits)
        if did and pool and not batch.keeps_history:
            told = {"did": did, "pool": pool, "from": had, "to": owner, "by": batch.causer_of(row), **said}
            notes.append((row, "pool", told))
    programs = batch.programs
    batch.pending.add(programs.keep("standing.unpool", lambda: _unpool(batch)), gone)
    batch.pending.add(programs.keep("standing.pool", lambda: _pool_upsert(batch)), kept)
    batch.pending.add(programs.keep("standing.lost", lambda: _lost(batch)), lost)
    note(batch, notes)


def _did(row: Row, had: Any, waits: bool) -> str | None:
    """What an owner's coming and going is called where nobody says: given back, brought in, or given to somebody out of the pool."""
    if waits:
        return "returned" if had is not None else "entered"
    came = not row.fresh and row.old.get("owner") is None and row.old.get("queue") is None
    return "assigned" if came and row.values.get("owner") is not None else None


def pool_of(batch: Batch, here: Watched, row: Row) -> str:
    """The first pool that takes the record; "" where none does."""
    for body in here.pools:
        takes = batch.model.expressions.get(("pool", body["name"], "takes"))
        if takes is None:
            if body.get("takes") is not False:
                return str(body["name"])
            continue
        batch.environment.fill([row], row.program.needs(takes))
        if row.program.closure(takes)(row.program.in_base(row.values), batch.environment.context):
            return str(body["name"])
    return ""


def _pool_upsert(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__pool", **POOL, **CLOCKED)  # type: ignore[arg-type]
    return _upsert(table, POOL, ("record",), ("pool", "waits", "since", "owner", "look_at"), tuple(CLOCKED))


def _unpool(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__pool", record="uuid")
    return compiled(table.delete().where(table.c.record == sa.bindparam("record", type_=table.c.record.type)))


def _lost(batch: Batch) -> Statement:
    columns: dict[str, Any] = {"record": "uuid", "person": "uuid", "at": "timestamptz"}
    return _upsert(
        batch.call.tables.system("sys__pool_lost", **columns), columns, ("record", "person"), ("at",)
    )


def _look(batch: Batch, ids: Sequence[str]) -> None:
    """Their clocks are worked out anew: something that they hang on may have changed."""
    if ids:
        batch.pending.add(
            batch.programs.keep("standing.look", lambda: _look_now(batch)),
            [(batch.call.now, sorted(set(ids)))],
        )


def _look_now(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__pool", record="uuid", waits="boolean", look_at="timestamptz")
    now = sa.bindparam("now", type_=table.c.look_at.type)
    return compiled(table.update().values(look_at=now).where(any_of(table.c.record), sa.not_(table.c.waits)))


# -- what hangs on others -----------------------------------------------------------------------------------------


def _fed(batch: Batch, watched: Mapping[str, Watched], feed: Feed, rows: Sequence[Row]) -> None:
    """The records that these hang on: their clocks are looked at."""
    ids = set()
    for row in rows:
        if feed.created and not row.fresh:
            continue
        ids |= {target_id(v, feed.object) for v in (row.values.get(feed.link), row.old.get(feed.link))}
    found = sorted(id for id in ids if id)
    if not found:
        return
    if watched[feed.object].returns:
        _look(batch, found)
    if watched[feed.object].looked_at and not feed.created and not batch.keeps_history:
        _write_notes(batch, [(feed.object, id, "look", {}) for id in found])


# -- notes --------------------------------------------------------------------------------------------------------


def note(batch: Batch, notes: Sequence[tuple[Row, str, Mapping[str, Any]]]) -> None:
    _write_notes(batch, [(row.object, row.id, kind, told) for row, kind, told in notes])


def _write_notes(batch: Batch, notes: Sequence[tuple[str, str, str, Mapping[str, Any]]]) -> None:
    values = [
        (batch.call.now, object, record, kind, Jsonb(dict(told), dumps=jsonio.dumps))
        for object, record, kind, told in notes
    ]
    batch.pending.add(batch.programs.keep("standing.note", lambda: _note(batch)), values)


def _note(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__note", **NOTE)  # type: ignore[arg-type]
    return compiled(table.insert().values({n: sa.bindparam(n, type_=table.c[n].type) for n in NOTE}))


def _upsert(
    table: sa.Table,
    columns: Mapping[str, Any],
    key: Sequence[str],
    sets: Sequence[str],
    empty: Sequence[str] = (),
) -> Statement:
    """Binds: the columns, then what is set where the row is there; `empty` are emptied then."""
    made = pg.insert(table).values({n: sa.bindparam(n, type_=table.c[n].type) for n in columns})
    again: dict[str, Any] = {n: sa.bindparam(f"new_{n}", type_=table.c[n].type) for n in sets}
    again |= {n: sa.null() for n in empty}
    return compiled(made.on_conflict_do_update(index_elements=list(key), set_=again))
