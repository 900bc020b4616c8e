"""Watch: which acts the audit notes by itself, and which of them the administrators are told of.

In: a batch whose rows were written, files in and out, sign-ins. Out: entries of the audit. The bounds are settings of the pack
core (`alert_changes`, `alert_deletions`, `alert_exported`, `alert_from_hour`, `alert_until_hour`); a workspace without a setting
has no such alert, and 0 turns one off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.record.audit import ALERT, note
from patron_engine.record.batch import Batch
from patron_engine.record.row import Row

RIGHTS = ("roles", "kind", "active", "department", "manager")  # of a user: what his rights hang on
MANY = 20  # records of one act from which on it is an act on many
DELETED = frozenset({"delete", "purge"})


def watch(batch: Batch, rows: Sequence[Row]) -> None:
    """Notes changes of people's rights and acts on many records; called at the end of a save, in its transaction."""
    own = [row for row in rows if row.own and row.written]
    for row in own:
        changed = [name for name in RIGHTS if name in row.changed] if row.object == "user" else []
        if changed and not (row.fresh and batch.call.actor.system):
            detail = {name: {"from": row.old.get(name), "to": row.values.get(name)} for name in changed}
            note(batch.conn, batch.call, "rights_changed", f"user/{row.id}", detail)
    if batch.call.cause.kind in ("import", "pack"):
        return  # noted as a whole
    for (object, deleted), number in Counter((r.object, r.action in DELETED) for r in own).items():
        if number >= MANY:
            action = "deleted_many" if deleted else "changed_many"
            noted(batch.conn, batch.call, action, object, {"records": number})


def noted(
    conn: psycopg.Connection[Any], call: Call, action: str, object: str, detail: Mapping[str, Any]
) -> None:
    """An act on `detail["records"]` records, and the alert where they are more than usual."""
    note(conn, call, action, object, detail)
    setting = {
        "changed_many": "alert_changes", "deleted_many": "alert_deletions", "exported": "alert_exported",
        "imported": "alert_changes",
    }.get(action)  # fmt: skip
    bound = _setting(call.model, setting) if setting else 0
    if bound and detail.get("records", 0) >= bound:
        note(conn, call, f"{ALERT}{action}", object, {**detail, "bound": bound})


def outside_hours(model: Model, at: datetime) -> bool:
    """Whether a moment lies outside the hours in which people of the workspace work, by its zone."""
    begin, end = _setting(model, "alert_from_hour"), _setting(model, "alert_until_hour")
    hour = at.astimezone(model.workspace.zone).hour
    return begin < end and not begin <= hour < end


def _setting(model: Model, name: str) -> int:
    found = model.settings.get(name)
    return int(found.default) if found is not None and found.default is not None else 0
