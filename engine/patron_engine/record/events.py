"""Events: tells whoever listens what a save did. Decided inside the save, on its old and new values.

In: written rows and the automations of the release. Out: rows of `sys__event`, one for each rule that fits, and nothing
where none does. Kinds of definitions that no worker of this version carries out have no listeners: see `CARRIED_OUT`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.expr.compile import Expression
from patron_engine.record.batch import Batch
from patron_engine.record.history import old_values
from patron_engine.record.program import Programs
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled

CARRIED_OUT: frozenset[str] = frozenset()
# kinds whose events a worker takes; an event nobody will ever take is not written

EVENT_OF = {"create": "created", "update": "updated", "delete": "deleted", "restore": "restored"}
COLUMNS = ("at", "object", "record", "kind", "release", "payload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One automation, seen from the save: which events of which object, on which fields, under which condition."""

    rule: str
    object: str
    event: str
    fields: frozenset[str]
    when: Expression | None


def listeners(programs: Programs, kinds: frozenset[str] = CARRIED_OUT) -> Mapping[str, Sequence[Listener]]:
    """Object -> who listens to its saves, made once a release."""
    found: Mapping[str, Sequence[Listener]] = programs.keep(
        ("events", kinds), lambda: _listeners(programs, kinds)
    )
    return found


def _listeners(programs: Programs, kinds: frozenset[str]) -> Mapping[str, Sequence[Listener]]:
    found: dict[str, list[Listener]] = defaultdict(list)
    if "automation" not in kinds:
        return {}
    for (kind, name), body in programs.model.documents.items():
        if kind != "automation" or body.get("timing", "after") != "after" or body.get("object") is None:
            continue
        on = body.get("on") or []
        for entry in on if isinstance(on, (list, tuple)) else [on]:
            event = entry if isinstance(entry, str) else entry.get("event")
            fields = frozenset(entry.get("fields") or ()) if isinstance(entry, Mapping) else frozenset()
            if event in EVENT_OF.values():
                when = programs.model.expressions.get(("automation", name, "when"))
                found[body["object"]].append(
                    Listener(rule=name, object=body["object"], event=event, fields=fields, when=when)
                )
    return dict(found)


def write_events(batch: Batch, rows: Sequence[Row], kinds: frozenset[str] = CARRIED_OUT) -> None:
    """One event for each rule that fits each row. Imports of history and erasures start nothing; a roll-up that changed is an
    `updated` only for rules that name its field."""
    listening = listeners(batch.programs, kinds)
    if not listening or batch.keeps_history or batch.erases:
        return
    events = [
        (
            batch.call.now,
            row.object,
            row.id,
            listener.event,
            batch.model.release,
            _payload(batch, row, listener),
        )
        for row in rows
        for listener in listening.get(row.object, ())
        if _fits(batch, row, listener)
    ]
    if events:
        batch.pending.add(batch.programs.keep("events.insert", lambda: _insert(batch)), events)


def _fits(batch: Batch, row: Row, listener: Listener) -> bool:
    own = row.own and row.written
    if own and EVENT_OF.get(row.action) != listener.event:
        return False
    if not own and (listener.event != "updated" or not listener.fields & row.figures):
        return False
    if listener.event == "updated" and listener.fields and not listener.fields & (row.changed | row.figures):
        return False
    if listener.when is None:
        return True
    batch.environment.fill([row], row.program.needs(listener.when))
    return bool(row.program.closure(listener.when)(row.values, batch.environment.context))


def _payload(batch: Batch, row: Row, listener: Listener) -> Jsonb:
    cause = batch.call.cause.as_dict()
    return Jsonb(
        {"rule": listener.rule, "version": row.version, "old": old_values(row), "cause": cause},
        dumps=jsonio.dumps,
    )


def _insert(batch: Batch) -> Statement:
    table = batch.call.tables.system(
        "sys__event",
        at="timestamptz",
        object="text",
        record="uuid",
        kind="text",
        release="bigint",
        payload="jsonb",
    )
    return compiled(table.insert().values({c: sa.bindparam(c, type_=table.c[c].type) for c in COLUMNS}))
