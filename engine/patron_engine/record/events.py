"""Events: tells whoever listens what a save did. Decided inside the save, on its old and new values.

In: written rows and the automations of the release. Out: rows of `sys__event`, one for each rule that fits, and nothing
where none does; runs that wait for something of these records are woken. Which automations run: model/automations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.expr.compile import Expression
from patron_engine.fields.registry import type_of
from patron_engine.model.automations import assignments, automations, events_of, steps_of
from patron_engine.record.batch import Batch
from patron_engine.record.history import old_values, whole_values
from patron_engine.record.program import Programs
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

EVENT_OF = {"create": "created", "update": "updated", "delete": "deleted", "restore": "restored"}
OWN_EVENTS = frozenset(
    {*EVENT_OF.values(), "assigned", "claimed", "returned", "stage_entered"}
)  # that a save knows of
RETURNED = frozenset({"returned", "reclaimed", "expired"})  # ways into a pool that are one event
COLUMNS = ("at", "object", "record", "kind", "release", "payload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One event of one automation, seen from the save: of which object, on which fields, under which condition. Of
    `stage_entered`: the field that stages stand in, and which of them (empty: any)."""

    rule: str
    object: str
    event: str
    fields: frozenset[str]
    when: Expression | None
    stage: tuple[str, str] = ("", "")  # the path's name and its field
    stages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Object -> who listens to its saves; the objects whose records runs may wait for."""

    listeners: Mapping[str, Sequence[Listener]]
    waited_for: frozenset[str]


def listening_of(programs: Programs) -> Listening:
    """Made once a release."""
    found: Listening = programs.keep("events", lambda: _listening(programs))
    return found


def _listening(programs: Programs) -> Listening:
    found: dict[str, list[Listener]] = defaultdict(list)
    waited_for = set()
    for name, body in (*automations(programs.model), *assignments(programs.model)):
        object = body.get("object")
        if object is None:
            continue
        if body.get("stop_when") or any(step.get("do") == "wait" for step in steps_of(body)):
            waited_for.add(object)
        when = programs.model.expressions.get((body["kind"], body["name"], "when"))
        for entry in events_of(body):
            if entry["event"] == "stage_entered":
                found[object] += _of_stages(programs, name, object, entry, when)
            elif entry["event"] in OWN_EVENTS:
                fields = frozenset(entry.get("fields") or ())
                found[object].append(
                    Listener(rule=name, object=object, event=entry["event"], fields=fields, when=when)
                )
    return Listening(listeners=dict(found), waited_for=frozenset(waited_for))


def _of_stages(
    programs: Programs, rule: str, object: str, entry: Mapping[str, Any], when: Expression | None
) -> Iterator[Listener]:
    stages = entry.get("stage") or ()
    for (kind, name), path in programs.model.documents.items():
        if kind == "stage_path" and path["object"] == object and entry.get("path") in (None, name):
            yield Listener(
                rule=rule, object=object, event="stage_entered", fields=frozenset(), when=when,
                stage=(name, path["field"]), stages=frozenset([stages] if isinstance(stages, str) else stages),
            )  # fmt: skip


def write_events(batch: Batch, rows: Sequence[Row]) -> None:
    """One event for each rule that fits each row. Imports of history and erasures start nothing; a roll-up that
    changed is an `updated` only for rules that name its field."""
    listening = listening_of(batch.programs)
    if not listening.listeners or batch.keeps_history or batch.erases:
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
        for listener in listening.listeners.get(row.object, ())
        if _fits(batch, row, listener)
    ]
    if batch.call.trial is not None:
        batch.call.trial.events += [(*event[:-1], event[-1].obj) for event in events]
    elif events:
        batch.pending.add(batch.programs.keep("events.insert", lambda: _insert(batch)), events)
    waited_for = [row.id for row in rows if row.object in listening.waited_for and not row.fresh]
    if waited_for:
        statement = batch.programs.keep("events.wake", lambda: _wake(batch))
        statement.do(batch.conn, ids=waited_for, now=batch.call.now)


def _fits(batch: Batch, row: Row, listener: Listener) -> bool:
    own = row.own and row.written
    if own and not _happened(batch, row, listener):
        return False
    if not own and (listener.event != "updated" or not listener.fields & row.figures):
        return False
    if listener.event == "updated" and listener.fields and not listener.fields & (row.changed | row.figures):
        return False
    if listener.when is None:
        return True
    batch.environment.fill([row], row.program.needs(listener.when))
    values = row.program.in_base(row.values)
    return bool(row.program.closure(listener.when)(values, batch.environment.context))


def _happened(batch: Batch, row: Row, listener: Listener) -> bool:
    """Whether what was done to the row is what the rule listens to. A new record is assigned when somebody else gets it."""
    if listener.event == "assigned":
        to = row.values.get("owner")
        mine = row.fresh and to == batch.call.actor.user
        return row.action in ("create", "update") and "owner" in row.changed and to is not None and not mine
    if listener.event in ("claimed", "returned"):
        return row.action in ("create", "update") and _pool_event(batch, row) == listener.event
    if listener.event == "stage_entered":
        field = listener.stage[1]
        stage = row.values.get(field)
        return (
            row.action in ("create", "update")
            and field in row.changed
            and (not listener.stages or stage in listener.stages)
        )
    return EVENT_OF.get(row.action) == listener.event


def _pool_event(batch: Batch, row: Row) -> str | None:
    """`claimed` or `returned`, where a pool let the record go or took it back: what the claim or the return says, else an owner
    who goes and leaves the record to nobody."""
    did = (batch.cause_of(row).get("pool") or {}).get("did")
    if did is not None:
        return "returned" if did in RETURNED else str(did)
    left = not row.fresh and "owner" in row.changed and row.values.get("owner") is None
    return "returned" if left and row.values.get("queue") is None else None


def _payload(batch: Batch, row: Row, listener: Listener) -> Jsonb:
    """What the run will know: the values before, why the save happened, and what `event.` offers."""
    event: dict[str, Any] = {"name": listener.event, "at": batch.call.now, "by": batch.causer_of(row)}
    if listener.event == "updated":
        event["fields"] = sorted(row.changed | row.figures)
    elif listener.event == "assigned":
        event |= {"from": row.old.get("owner"), "to": row.values.get("owner")}
    elif listener.event in ("claimed", "returned"):
        said = batch.cause_of(row).get("pool") or {}
        event |= {"pool": said.get("name"), "reason": said.get("reason"), "from": row.old.get("owner")}
    elif listener.event == "stage_entered":
        path, field = listener.stage
        event |= {"stage": row.values.get(field), "from": row.old.get(field), "path": path}
    return Jsonb(
        {
            "rule": listener.rule,
            "event": event,
            "old": whole_values(row) if listener.event == "deleted" else as_before(row),
            "cause": batch.cause_of(row),
            "via": list(batch.via_of(row)),
        },
        dumps=jsonio.dumps,
    )


def as_before(row: Row) -> dict[str, Any]:
    """What the save changed, as it was before; of roll-ups, too, which history leaves out."""
    found = old_values(row)
    if row.fresh:
        return found
    for name in row.figures - found.keys():
        field = row.program.fields.get(name)
        if field is not None and field.columns and name in row.old:
            before = row.old[name]
            found[name] = None if before is None else type_of(field).to_wire(field, before)
    return found


def _wake(batch: Batch) -> Statement:
    runs = batch.call.tables.system("sys__run", state="text", record="uuid", due_at="timestamptz")
    waiting = (
        runs.update()
        .values(due_at=sa.bindparam("now", type_=runs.c.due_at.type))
        .where(runs.c.state == "waiting", any_of(runs.c.record))
    )
    return compiled(waiting)


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
