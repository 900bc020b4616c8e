"""History: one row a save for each record: what was there before, when, under which release, by whom and why.

In: written rows. Out: rows of `sys__history` with the old values of what changed, in JSON form. Roll-ups that follow other
records' saves leave no history; secrets leave the fact, not the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import decimal_text
from patron_engine.record.attach import FEATURE
from patron_engine.record.batch import Batch
from patron_engine.record.pending import COPY_FROM
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled

SILENT = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})
COLUMNS = ("object", "record", "at", "release", "version", "by", "cause", "action", "old")
PAST = {
    "create": "created", "update": "updated", "delete": "deleted", "restore": "restored", "void": "voided",
    "unvoid": "unvoided",
}  # fmt: skip


def write_history(batch: Batch, rows: Sequence[Row]) -> None:
    """For every record that was written in its own save and whose object keeps history."""
    kept = [r for r in rows if r.written and r.program.object.history]
    if not kept:
        return
    call = batch.call
    common = jsonio.dumps(batch.cause).decode()
    causes = [common if (c := batch.cause_of(r)) is batch.cause else jsonio.dumps(c).decode() for r in kept]
    if len(kept) >= COPY_FROM:
        many = len(kept)
        batch.pending.copy(_table(batch), {
            "object": [r.object for r in kept], "record": [r.id for r in kept], "at": [call.now] * many,
            "release": [call.model.release] * many, "version": [r.version for r in kept], "by": [batch.person] * many,
            "cause": causes, "action": [PAST[r.action] for r in kept],
            "old": ["{}" if r.fresh else jsonio.dumps(old_values(r)).decode() for r in kept],
        })  # fmt: skip
    else:
        values = [
            (r.object, r.id, call.now, call.model.release, r.version, batch.person, c,
             PAST[r.action], Jsonb(old_values(r), dumps=jsonio.dumps))
            for r, c in zip(kept, causes, strict=True)
        ]  # fmt: skip
        batch.pending.add(batch.programs.keep("history", lambda: history_insert(batch)), values)


def old_values(row: Row) -> dict[str, Any]:
    """Field -> JSON form of the value before, for what this save changed; a new record has none."""
    if row.fresh:
        return {}
    found: dict[str, Any] = {}
    if row.hung is not None and row.hung[0] != row.hung[1] and FEATURE not in row.program.fields:
        found[FEATURE] = list(row.hung[0])
    for name in row.changed - SILENT:
        field = row.program.fields[name]
        value = row.old.get(name)
        hidden = field.encrypted or field.type == "secret"
        found[name] = None if value is None or hidden else type_of(field).to_wire(field, value)
    for name in row.program.bases:  # the amount in the workspace's currency, for reports of a past moment
        before = row.old.get(f"{name}.base")
        if before != row.values.get(f"{name}.base"):
            found[f"{name}.base"] = None if before is None else decimal_text(before)
    return found


def whole_values(row: Row) -> dict[str, Any]:
    """Field -> JSON form of everything a record that goes had; secrets leave nothing."""
    found: dict[str, Any] = {}
    for name, field in row.program.fields.items():
        value = row.old.get(name, row.values.get(name))
        if value is not None and field.columns and not field.encrypted and field.type != "secret":
            found[name] = type_of(field).to_wire(field, value)
    return found


def _table(batch: Batch) -> sa.Table:
    return batch.call.tables.system(
        "sys__history", object="text", record="uuid", at="timestamptz", release="bigint", version="bigint", by="uuid",
        cause="jsonb", action="text", old="jsonb",
    )  # fmt: skip


def history_insert(batch: Batch) -> Statement:
    """One row of history; binds are `COLUMNS`."""
    table = _table(batch)
    return compiled(table.insert().values({c: sa.bindparam(c, type_=table.c[c].type) for c in COLUMNS}))
