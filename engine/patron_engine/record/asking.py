"""Asking: which saves ask for an approval, and which an approval forbids meanwhile. Decided inside the save.

In: rows, before they are written and after; the approvals of the release. Out: problems on rows whose record is locked; an `Ask` for
each row that needs an approval. A change that must wait raises `Asked`: everything was authorised and checked, nothing of it stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from patron_engine.access.pick import fits
from patron_engine.expr.compile import Expression
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record.batch import Batch
from patron_engine.record.change import Change
from patron_engine.record.program import Programs
from patron_engine.record.row import Row

FREE: Final = frozenset(
    {"system", "pack", "rollback", "erasure", "handover", "letters_stopped", "letter_bounced"}
)  # causes that ask nobody
PASSING: Final = frozenset(
    {"erasure", "handover", "system", "pack", "letters_stopped", "letter_bounced"}
)  # causes that no lock stops
MAY_ASK: Final[Mapping[str, frozenset[str]]] = {
    "create": frozenset({"create"}),
    "upsert": frozenset({"create", "update", "stage", "transfer"}),
    "update": frozenset({"update", "stage", "transfer"}),
    "transfer": frozenset({"transfer", "update"}),
    "delete": frozenset({"delete"}),
    "void": frozenset({"void"}),
}
AT_ONCE: Final = frozenset({"create", "reapprove"})  # the record is saved, its approval begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way in which an approval is asked for. `fields` and `stages` narrow it; `stages` by the field they stand in."""

    approval: str
    verb: str
    body: Mapping[str, Any]
    when: Expression | None
    fields: frozenset[str] = frozenset()
    stages: Mapping[str, frozenset[str]] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    approval: str
    verb: str
    object: str
    record: str
    causer: str | None
    owner: str | None


class Asked(Exception):
    """A change that waits for approval. Never leaves the ways."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask.approval)
        self.ask = ask


def triggers_of(programs: Programs) -> Mapping[str, Sequence[Trigger]]:
    """Object -> what asks for approvals of it, the highest priority first; also objects that are only submitted by hand."""
    found: Mapping[str, Sequence[Trigger]] = programs.keep("asking", lambda: _triggers(programs))
    return found


def _triggers(programs: Programs) -> Mapping[str, Sequence[Trigger]]:
    model = programs.model
    found: dict[str, list[Trigger]] = defaultdict(list)
    bodies = [
        (name, body)
        for (kind, name), body in model.documents.items()
        if kind == "approval" and body.get("active") is not False
    ]
    for name, body in sorted(bodies, key=lambda pair: -int(pair[1].get("priority") or 0)):
        when = model.expressions.get(("approval", name, "when"))
        for entry in body["on"]:
            verb, said = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
            names = frozenset([said] if isinstance(said, str) else said or ())
            stages = {
                path["field"]: names for (k, _), path in model.documents.items() if k == "stage_path" and path["object"] == body["object"]
            }  # fmt: skip
            found[body["object"]].append(
                Trigger(
                    approval=name, verb=verb, body=body, when=when, fields=names if verb in ("update", "button") else frozenset(),
                    stages=stages if verb == "stage" else {},
                )
            )  # fmt: skip
    return dict(found)


def may_ask(call: Call, change: Change) -> bool:
    """Whether a change may come to wait for an approval."""
    if call.cause.kind in FREE or _own({**call.cause.detail, **change.because}, change.id):
        return False
    verbs = MAY_ASK.get(change.action, frozenset())
    return any(t.verb in verbs for t in triggers_of(Programs.of(call.tables)).get(change.object, ()))


def asked(batch: Batch, rows: Sequence[Row]) -> list[Ask]:
    """What rows that were written ask for. Raises Asked for one whose change must wait."""
    if batch.call.cause.kind in FREE or batch.keeps_history or batch.erases:
        return []
    triggers = triggers_of(batch.programs)
    if not triggers:
        return []
    found = []
    for row in rows:
        if not row.own or row.master is not None or _own(batch.cause_of(row), row.id):
            continue
        lock = batch.locks.get(row.id)
        if lock is not None and lock.locks == "reapprove":
            found.append(_ask(batch, row, lock.approval, "reapprove", record=lock.record, object=lock.object))
            continue
        trigger = next((t for t in triggers.get(row.object, ()) if _meant(batch, row, t)), None)
        if trigger is None:
            continue
        ask = _ask(batch, row, trigger.approval, trigger.verb)
        if trigger.verb not in AT_ONCE:
            raise Asked(ask)
        found.append(ask)
    return found


def _own(cause: Mapping[str, Any], record: str | None) -> bool:
    """Whether an approval itself changes the record it is about: an approver's fields, what follows, what waited."""
    return "instance" in cause and cause.get("of") == record


def _ask(batch: Batch, row: Row, approval: str, verb: str, **more: Any) -> Ask:
    given = {"object": row.object, "record": row.id, **more}
    return Ask(
        approval=approval, verb=verb, causer=batch.causer_of(row), owner=row.values.get("owner"), **given
    )


def _meant(batch: Batch, row: Row, trigger: Trigger) -> bool:
    if row.change is None or not _done(row, trigger):
        return False
    if not fits(trigger.body, batch.call.actor, row.values.get("record_type")):
        return False
    if trigger.when is None:
        return True
    batch.environment.fill([row], row.program.needs(trigger.when))
    return bool(row.program.closure(trigger.when)(row.program.in_base(row.values), batch.environment.context))


def _done(row: Row, trigger: Trigger) -> bool:
    if trigger.verb in ("create", "delete", "void"):
        return row.action == trigger.verb and (row.written or row.action != "create")
    if row.action != "update" or row.fresh:
        return False
    if trigger.verb == "transfer":
        return "owner" in row.changed
    if trigger.verb == "update":
        return bool(trigger.fields & row.changed)
    return any(
        f in row.changed and row.values.get(f) in stages for f, stages in (trigger.stages or {}).items()
    )


# -- locks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Of one record. `locks`: running, after (it was approved), reapprove (an edit begins anew)."""

    object: str
    record: str
    instance: str
    approval: str
    locks: str
    open_fields: frozenset[str]


def check_locks(batch: Batch, rows: Sequence[Row]) -> None:
    """A record that is being approved, or was, is not changed by people, imports and automations; nor are its details."""
    triggers = triggers_of(batch.programs)
    if not triggers or batch.call.cause.kind in PASSING:
        return
    asked_of: dict[str, list[tuple[Row, str | None]]] = defaultdict(list)
    for row in rows:
        for object, record, set in _tops(row):
            if object in triggers and not row.rejected:
                asked_of[record].append((row, set))
    if not asked_of:
        return
    for lock in _locks(batch, asked_of):
        for row, set in asked_of[lock.record]:
            if batch.cause_of(row).get("instance") == lock.instance or not _touches(row, lock, set):
                continue
            if lock.locks == "reapprove":
                batch.locks[_top(row).id] = lock
            else:
                _refuse(batch, row, lock, set)


def _tops(row: Row) -> Iterable[tuple[str, str, str | None]]:
    """(object, record, set) whose lock counts for a row: itself, or the record it is a detail of, before and after."""
    top, set = row, None
    while top.master is not None:
        top, set = top.master, _set_of(top)
    if top.fresh and top.program.object.master is None:
        return
    link = top.program.object.master
    if link is None:
        yield top.object, top.id, set
        return
    master = top.program.fields[link].link.to[0]
    for record in {top.values.get(link), top.old.get(link)}:
        if isinstance(record, str):
            yield master, record, _set_of(top)


def _top(row: Row) -> Row:
    while row.master is not None:
        row = row.master
    return row


def _set_of(row: Row) -> str | None:
    """The set of its master that a detail stands in."""
    link = row.program.object.master
    if link is None:
        return None
    master = row.program.model.objects[row.program.fields[link].link.to[0]]
    return next((s.name for s in master.sets.values() if s.object == row.object and s.field == link), None)


def _touches(row: Row, lock: Lock, set: str | None) -> bool:
    """Whether what is done to the row is what the lock is about."""
    if set is not None:
        return set not in lock.open_fields and (
            row.fresh or row.action != "update" or bool(row.given & row.changed)
        )
    return row.action != "update" or bool((row.given & row.changed) - lock.open_fields)


def _refuse(batch: Batch, row: Row, lock: Lock, set: str | None) -> None:
    called = batch.object_label(lock.object)
    if lock.locks == "running":
        message = (
            Phrase("{object} is being approved; until then it cannot be changed", object=called)
            if set is None
            else Phrase("{object} is being approved; until then its details cannot be changed", object=called)
        )
        hint = Phrase("withdraw the approval first, or wait for its end")
    else:
        message = Phrase("{object} is approved and locked", object=called)
        hint = Phrase("who may revoke the approval opens it again")
    row.wrong("locked", message, hint=hint)


def _locks(batch: Batch, records: Iterable[str]) -> list[Lock]:
    query = sql.SQL(
        "SELECT object, record::text, id::text, approval, locks, open_fields FROM {} WHERE latest AND locks <> ''"
        " AND record = ANY(%s::uuid[])"
    ).format(sql.Identifier(batch.call.schema, "sys__approval"))
    rows = batch.conn.execute(query, (list(records),)).fetchall()
    names = ("object", "record", "instance", "approval", "locks", "open_fields")
    return [Lock(**{**dict(zip(names, r, strict=True)), "open_fields": frozenset(r[5])}) for r in rows]
