"""Noting: what saves noted for flow becomes records: stays in stages, moves of pools, tasks of stages; clocks are looked at.

In: rows of `sys__note`, the oldest first, taken away in the caller's write transaction. Out: records of stage_stay, pool_move and
task, saved as the system; clocks of SLAs further on (ways/clocks); what people are told of it (ways/flow_told). A note and what became of it are one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql as pg

from patron_engine import jsonio
from patron_engine.actor import SYSTEM, Cause
from patron_engine.expr.context import Context
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id
from patron_engine.ways import approval_left, clocks, stage_tasks
from patron_engine.ways.clock_moments import Moment
from patron_engine.ways.flow_told import Handed, Moved, tell_given, tell_moves, tell_queued
from patron_engine.ways.save import save

MOST: Final = 200  # notes that are taken at once
HOUR: Final = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Note:
    at: datetime
    object: str
    record: str
    kind: str
    told: Mapping[str, Any]


def work(conn: Conn, call: Call) -> int:
    """Carries the oldest notes out; how many there were."""
    notes = _take(conn, call)
    if not notes:
        return 0
    call = replace(call, actor=SYSTEM, cause=Cause(kind="system"))
    reading = Reading(conn, call)
    stages = [n for n in notes if n.kind == "stage" and n.object in call.model.objects]
    pools = [n for n in notes if n.kind == "pool"]
    changes = [*_stays(reading, stages), *_moves(call, pools)]
    if changes:
        save(conn, call, changes, mode="each")
    tell_moves(reading, [Moved(object=n.object, record=n.record, told=n.told) for n in pools])
    tell_given(
        reading,
        [
            Handed(object=n.object, record=n.record, to=n.told["to"], by=n.told.get("by"))
            for n in notes
            if n.kind == "given" and "to" in n.told
        ],
    )
    tell_queued(
        reading,
        [
            Handed(object=n.object, record=n.record, to=n.told["queue"], by=n.told.get("by"))
            for n in notes
            if n.kind == "given" and "queue" in n.told
        ],
    )
    approval_left.leave(conn, call, [n.record for n in notes if n.kind == "left"])
    _due(reading, stages)
    stage_tasks.enter(
        reading, [(n.object, n.record, n.told, n.at) for n in stages if n.told.get("tasks", True)]
    )
    looks: dict[tuple[str, str], list[Moment]] = defaultdict(list)
    for note in notes:
        if note.object in call.model.objects and note.kind not in ("given", "left"):
            looks[note.object, note.record].append(Moment(note.at, note.told.get("was") or {}))
    stage_tasks.look(reading, list(looks))
    clocks.look(reading, looks)
    return len(notes)


def _take(conn: Conn, call: Call) -> list[Note]:
    rows = conn.execute(
        sql.SQL(
            "WITH gone AS (DELETE FROM {notes} WHERE id IN (SELECT id FROM {notes} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING id, at, object, record::text, kind, payload::text)"
            " SELECT at, object, record, kind, payload FROM gone ORDER BY id"
        ).format(notes=sql.Identifier(call.schema, "sys__note")),
        (MOST,),
    ).fetchall()
    return [Note(at, object, record, kind, jsonio.loads(told)) for at, object, record, kind, told in rows]


# -- stays --------------------------------------------------------------------------------------------------------


def _stays(reading: Reading, notes: Sequence[Note]) -> list[Change]:
    """Each stay begins where the one before ends; of moves that came together, too."""
    call = reading.call
    known = call.model.objects.get("stage_stay")
    told = [n for n in notes if about(call, "stage_stay", n.object, n.record) is not None]
    if known is None or not told:
        return []
    open = _open_stays(reading, sorted({n.record for n in told}))
    changes = []
    for note in told:
        key = (note.record, str(note.told["path"]))
        before = open.pop(key, None)
        if before is not None:
            change, began = before
            change.set = {**change.set, **_stayed(began, note.at, reading.context)}
            if change.action == "update":
                changes.append(change)
        if note.told.get("to") is None:
            continue
        values = {
            "about": about(call, "stage_stay", note.object, note.record),
            "stage_path": key[1],
            "at": note.at,
        }
        values |= {name: note.told.get(name) for name in ("from", "to", "by")}
        made = Change(action="create", object="stage_stay", set=_filled(values), source="typed")
        changes.append(made)
        open[key] = made, note.at
    return changes


def _stayed(began: datetime, left: datetime, context: Context) -> dict[str, Any]:
    worked = context.calendar.seconds_between(context.local(began), context.local(left))
    hours = Decimal((left - began).total_seconds()) / HOUR
    return {
        "left_at": left, "hours": round(hours, 2), "work_hours": round(Decimal(worked) / HOUR, 2),
    }  # fmt: skip


def _open_stays(reading: Reading, records: Sequence[str]) -> dict[tuple[str, str], tuple[Change, datetime]]:
    """(record, path) -> the change that ends the stay under way, and when it began."""
    call = reading.call

    def make() -> Any:
        row = Building(tables=call.tables).root("stage_stay")
        fields = row.object.fields
        value = SqlBinding(row=row).column
        record = row.column(fields["about"])
        query = sa.select(row.id, record, value("stage_path"), value("at")).select_from(row.source.from_)
        return compiled(
            query.where(record == sa.any_(parameter("records", pg.ARRAY(Id()))), value("left_at").is_(None), *row.live())
            .order_by(value("at")), call.model.release,
        )  # fmt: skip

    statement = kept(call.tables).get(("noting.stays",), make)
    rows = reading.conn.execute(
        statement.text, statement.values({**call_values(call), "records": [*records]})
    )
    return {
        (str(record), path): (Change(action="update", object="stage_stay", id=str(id), source="typed"), at)
        for id, record, path, at in rows.fetchall()
    }


def _due(reading: Reading, notes: Sequence[Note]) -> None:
    """How long the records should stay where they came to."""
    call, rows = reading.call, []
    for note in notes:
        limit = stage_tasks.stage_of(call, note.told["path"], note.told.get("to")).get("limit")
        if limit:
            due = after(note.at, read_span(limit), reading.context)
            rows.append((due, note.record, note.told["path"], note.told["to"]))
    with reading.conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL("UPDATE {} SET due_at = %s WHERE record = %s AND path = %s AND stage = %s").format(
                sql.Identifier(call.schema, "sys__stage")
            ),
            rows,
        )


# -- moves of pools -----------------------------------------------------------------------------------------------


def _moves(call: Call, notes: Sequence[Note]) -> list[Change]:
    changes = []
    for note in notes:
        link = about(call, "pool_move", note.object, note.record)
        if link is None:
            continue
        told = note.told
        values = {
            "about": link, "pool_name": told.get("pool"), "kind": told.get("did"), "from_user": told.get("from"),
            "to_user": told.get("to"), "by": told.get("by"), "reason": told.get("reason"), "note": told.get("note"),
            "at": note.at,
        }  # fmt: skip
        changes.append(Change(action="create", object="pool_move", set=_filled(values), source="typed"))
    return changes


def about(call: Call, object: str, of: str, record: str) -> Any:
    """The value of `about` in a record of `object` that tells of another; None where it may not link there."""
    known = call.model.objects.get(object)
    field = known.field("about") if known is not None else None
    if field is None or of not in field.link.to:
        return None
    return {"object": of, "id": record} if field.link.several else record


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
