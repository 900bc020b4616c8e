"""Undo: an import is taken back: what it made goes to the recycle bin, what it changed gets its values back.

In: the batch of an import that has ended, in a write transaction. Out: live records as they were, except those that people
changed since, which are left and named. History tells of both; what was in the bin stays there. Where all of it was left, the import
stands as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.errors import Conflict, NotFound
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.change import Outcome
from patron_engine.record.undo import Kept, plan_undo
from patron_engine.transfer.imports import KIND, status
from patron_engine.transfer.masters import bring_along, held_versions, untouched
from patron_engine.ways.save import save

Connection = psycopg.Connection[Any]
SECTION = 5_000  # records taken back with one save


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did. `kept` are records it left: changed since, gone, or still needed by others."""

    restored: int
    deleted: int
    kept: tuple[Kept, ...]


def undo(conn: Connection, call: Call, batch: str) -> Undone:
    """Takes an import back, in the caller's write transaction. Conflict while it runs or when it was undone before."""
    schema = sql.Identifier(call.schema)
    row = conn.execute(
        sql.SQL("SELECT kind, payload ? 'undone' FROM {}.sys__batch WHERE id::text = %s FOR UPDATE").format(
            schema
        ),
        (batch,),
    ).fetchone()
    if row is None or row[0] != KIND:
        raise NotFound(
            Phrase("there is no import {batch}", batch=batch),
            hint="`patron import` prints the id of what it did",
        )
    if row[1]:
        raise Conflict("this import was taken back before", code="undone_before")
    if status(conn, call.schema, batch).state in ("waiting", "running"):
        raise Conflict("this import is still running", code="import_running", hint="cancel it first")
    call = replace(call, cause=replace(call.cause, detail={**call.cause.detail, "undo": True}))
    masters = untouched(conn, call, batch)
    plan = plan_undo(conn, call, batch)
    counts = {"updated": 0, "deleted": 0}
    kept = list(plan.kept)
    for at in range(0, len(plan.changes), SECTION):
        changes = plan.changes[at : at + SECTION]
        outcomes = save(conn, call, changes, mode="each")
        _as_before(conn, call, batch, outcomes)
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome.action == "refused":
                why = outcome.problems[0].message if outcome.problems else Phrase("refused")
                kept.append(Kept(object=change.object, id=str(change.id), why=why))
            elif outcome.action in counts:
                counts[outcome.action] += 1
    bring_along(conn, call, batch, masters, held_versions(conn, call, masters))
    undone = Undone(restored=counts["updated"], deleted=counts["deleted"], kept=tuple(kept))
    if kept and not (
        undone.restored or undone.deleted
    ):  # it stands: somebody with more rights may take it back
        return undone
    mark = sql.SQL("UPDATE {}.sys__batch SET payload = payload || %s::jsonb WHERE id = %s").format(schema)
    done = {"undone": {"restored": undone.restored, "deleted": undone.deleted, "kept": len(kept)}}
    conn.execute(mark, (jsonio.dumps(done).decode(), batch))
    return undone


def _as_before(conn: Connection, call: Call, batch: str, outcomes: Sequence[Outcome]) -> None:
    """A record set back is again what the import before this one left: that one can be taken back too."""
    back = {
        (o.object, str(o.id)): o.version for o in outcomes if o.action == "updated" and o.version is not None
    }
    query = sql.SQL(
        "SELECT object, record::text, version - 1 FROM {}.sys__batch_record WHERE batch = %s AND record = ANY(%s::uuid[])"
    ).format(sql.Identifier(call.schema))
    rows = conn.execute(query, (batch, [id for _, id in back])).fetchall() if back else ()
    bring_along(conn, call, batch, {(o, i): before for o, i, before in rows}, back)
