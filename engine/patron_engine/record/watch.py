"""Watch: which acts the audit notes by itself, and which of them the administrators are told of.

In: a batch whose rows were written, files in and out, sign-ins. Out: entries of the audit. Records that one person changes or
deletes are counted over an hour (record/storm), whatever the number of acts. The bounds are settings of the pack core
(`alert_changes`, `alert_deletions`, `alert_exported`, `alert_amount_factor`, `alert_amount_from`, `alert_amount_limit`,
`alert_from_hour`, `alert_until_hour`); a workspace without a setting has no such alert, and 0 turns one off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.record import storm
from patron_engine.record.amounts import Bounds, jumps
from patron_engine.record.audit import note
from patron_engine.record.batch import Batch
from patron_engine.record.row import Row

RIGHTS = ("roles", "kind", "active", "department", "manager")  # of a user: what his rights hang on
MANY = 20  # records of one act from which on it is an act on many
DELETED = frozenset({"delete", "purge"})
SETTINGS = {
    "changed_many": "alert_changes", "deleted_many": "alert_deletions", "exported": "alert_exported",
    "imported": "alert_changes",
}  # fmt: skip


def watch(batch: Batch, rows: Sequence[Row]) -> None:
    """Notes changes of people's rights, acts on many records and unusual amounts; called at the end of a save, in its
    transaction. One that is none of these writes nothing."""
    own = [row for row in rows if row.own and row.written]
    for row in own:
        changed = [name for name in RIGHTS if name in row.changed] if row.object == "user" else []
        if changed and not (row.fresh and batch.call.actor.system):
            detail = {name: {"from": row.old.get(name), "to": row.values.get(name)} for name in changed}
            note(batch.conn, batch.call, "rights_changed", f"user/{row.id}", detail)
    if batch.call.cause.kind == "pack":
        return  # noted as a whole
    _amounts(batch, own)
    if batch.call.cause.kind == "import":
        return  # the same
    for (object, deleted), number in Counter((r.object, r.action in DELETED) for r in own).items():
        if number >= MANY:
            action = "deleted_many" if deleted else "changed_many"
            note(batch.conn, batch.call, action, object, {"records": number})
    if batch.call.actor.system:
        return
    for action in ("changed_many", "deleted_many"):
        counted = Counter(
            r.object for r in own if r.master is None and (r.action in DELETED) is (action == "deleted_many")
        )
        if counted and (bound := _setting(batch.call.model, SETTINGS[action])):
            storm.count(batch.conn, batch.call, action, counted, bound)


def noted(
    conn: psycopg.Connection[Any], call: Call, action: str, object: str, detail: Mapping[str, Any]
) -> None:
    """A file in or out of `detail["records"]` records, and the alert where they are, with those before, more than usual."""
    note(conn, call, action, object, detail)
    bound = _setting(call.model, SETTINGS[action])
    if detail.get("records"):
        storm.count(conn, call, action, {object: detail["records"]}, bound)


def _amounts(batch: Batch, own: Sequence[Row]) -> None:
    """Each record with an unusual amount is noted, many of one save as one; the administrators are told of the first."""
    model = batch.call.model
    bounds = Bounds(
        factor=_setting(model, "alert_amount_factor"), least=_setting(model, "alert_amount_from"),
        limit=_setting(model, "alert_amount_limit"),
    )  # fmt: skip
    found = jumps(own, bounds) if bounds.any else []
    if not found:
        return
    first, told = found[0]
    about = f"{first.object}/{first.id}"
    if len(found) < MANY:
        for row, detail in found:
            note(batch.conn, batch.call, "amount_jump", f"{row.object}/{row.id}", detail)
    else:
        about, told = first.object, {"records": len(found)}
        note(batch.conn, batch.call, "amount_jump", about, told)
    call = batch.call
    storm.alert(batch.conn, call.schema, call.actor, call.now, "amount_jump", about, told, call.cause)


def outside_hours(model: Model, at: datetime) -> bool:
    """Whether a moment lies outside the hours in which people of the workspace work, by its zone."""
    begin, end = _setting(model, "alert_from_hour"), _setting(model, "alert_until_hour")
    hour = at.astimezone(model.workspace.zone).hour
    return begin < end and not begin <= hour < end


def _setting(model: Model, name: str) -> int:
    found = model.settings.get(name)
    return int(found.default) if found is not None and found.default is not None else 0
