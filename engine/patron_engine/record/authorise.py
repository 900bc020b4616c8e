"""Authorise: may the caller do this to these records, as they are and as they will be?

In: rows as load read them, or as they were written. Out: problems. Judged by the same conditions lists are read with; a
record he may not even see is answered as one that is not there. No flag switches this off: the system is an actor.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.access.decide import (
    Action,
    Decision,
    Deny,
    When,
    after_rule,
    field_rule,
    not_allowed,
    row_rule,
)
from patron_engine.access.fields import creates_with
from patron_engine.expr.nodes import Expression
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.identify import not_found
from patron_engine.record.row import Row

RIGHT: dict[str, Action] = {
    "create": "create", "update": "update", "delete": "delete", "restore": "restore", "void": "void",
    "unvoid": "void", "purge": "purge",
}  # fmt: skip

HANDING = frozenset({"owner", "department", "queue"})  # what says whose a record is


def authorise(batch: Batch, rows: Sequence[Row]) -> None:
    """May he do this to the record as it is? Judged on the locked row."""
    _judge(batch, rows, before=True)


def authorise_after(batch: Batch, rows: Sequence[Row]) -> None:
    """May he still, as the record is now? A change must not carry a record out of one's rights, or into them."""
    _judge(batch, rows, before=False)
    _fields_of_new(batch, [r for r in rows if r.fresh and r.own and not r.rejected])


def _judge(batch: Batch, rows: Sequence[Row], *, before: bool) -> None:
    judged = [
        r for r in rows if not r.rejected and not (r.master is not None and r.master.fresh)
    ]  # its master's right
    for program, mine in by_object(judged):
        name = program.object.name
        readable = row_rule(batch.model, batch.call.actor, "read", name)
        merging = batch.call.cause.kind == "merge" and batch.call.cause.detail.get("object") == name
        actions = sorted({_right(r, merging) for r in mine})
        for action in actions:
            acting = [r for r in mine if _right(r, merging) == action]
            rule = row_rule(batch.model, batch.call.actor, action, name)
            if isinstance(readable, Deny):
                for row in acting:
                    row.problems.clear()
                    row.wrong(
                        "not_found",
                        Phrase("there is no object {name!r}", name=name)
                        if row.fresh
                        else _unknown(batch, row),
                    )
                continue
            if before:
                _fits(batch, acting, readable, unseen=True)
            if isinstance(rule, Deny):
                for row in [r for r in acting if not r.rejected]:
                    row.wrong(
                        "forbidden",
                        not_allowed(action, batch.model.objects[name], batch.call.actor.languages),
                        hint=rule.reasons[0],
                    )
            elif before:
                _fits(batch, [r for r in acting if not r.rejected], rule)
            else:
                _fits_still(batch, acting, action, (readable, rule))


def _transfers(row: Row) -> bool:
    return row.change is not None and row.change.action == "transfer"


def _right(row: Row, merging: bool) -> Action:
    """What one must be allowed for it. Who may merge records may let those go that become part of another."""
    if _transfers(row):
        return "transfer"
    return "merge" if row.action == "delete" and merging else RIGHT[row.action]


def _fits(batch: Batch, rows: Sequence[Row], rule: Decision, *, unseen: bool = False) -> None:
    """A conditional right is judged on the record as it is, by the same closure rules use. What he may not even see is not
    there for him."""
    if not isinstance(rule, When):
        return
    for row in _beyond(batch, [r for r in rows if not r.fresh], rule.condition):
        if unseen:
            not_found(batch, row, row.id)
        else:
            row.wrong(
                "forbidden",
                Phrase("you may not do this to this {object}", object=batch.object_label(row.object)),
            )


def _fits_still(batch: Batch, rows: Sequence[Row], action: Action, rules: Sequence[Decision]) -> None:
    """The record as it is now. Who hands it to somebody else, and may, need not keep it in sight; what his roles say of
    the record itself holds all the same."""
    handed = [r for r in rows if r in batch.handed]
    kept = [r for r in rows if r not in batch.handed]
    within = (
        after_rule(batch.model, batch.call.actor, a, r.object) for r in handed[:1] for a in ("read", action)
    )
    for some, judged in ((kept, rules), (handed, tuple(within))):
        for rule in judged:
            if isinstance(rule, When):
                for row in _beyond(batch, [r for r in some if not r.rejected], rule.condition):
                    row.wrong(
                        "forbidden",
                        Phrase(
                            "this change would put {object} beyond your rights",
                            object=batch.object_label(row.object),
                        ),
                    )


def authorise_handing(batch: Batch, rows: Sequence[Row]) -> None:
    """Owner, department and queue are changed by whoever may assign the record as it was; a new one goes to somebody else
    where its maker may assign at all. Called after the values are bound."""
    for program, mine in by_object(r for r in rows if not r.rejected and r.own and r.changed & HANDING):
        moving = [r for r in mine if not r.fresh or r.values.get("owner") not in (None, batch.person)]
        if not moving or "owner" not in program.fields:
            continue
        action: Action = (
            "transfer" if _transfers(moving[0]) else "assign"
        )  # a batch holds the one or the other
        rule = row_rule(batch.model, batch.call.actor, action, program.object.name)
        refused = set(moving) if isinstance(rule, Deny) else set()
        if isinstance(rule, When):
            refused = _were_beyond(batch, [r for r in moving if not r.fresh], rule.condition)
        for row in moving:
            if row in refused:
                name = min(row.changed & HANDING, key=("owner", "queue", "department").index)
                row.wrong(
                    "forbidden",
                    Phrase("you may not assign this {object}", object=batch.object_label(row.object)),
                    name,
                )
            else:
                batch.handed.add(row)


def authorise_fields(batch: Batch, rows: Sequence[Row]) -> None:
    """A field that is his on some records only is set where it was his before the change. Called after the values are
    bound; what he may set nowhere, bind has refused."""
    for program, mine in by_object(r for r in rows if not r.rejected and not r.fresh and r.own):
        for name in sorted({n for r in mine for n in r.given & r.changed}):
            field = program.fields.get(name)
            rule = field_rule(batch.model, batch.call.actor, field).edit if field is not None else None
            if not isinstance(rule, When) or name in HANDING:
                continue
            for row in _were_beyond(batch, [r for r in mine if name in r.given & r.changed], rule.condition):
                row.wrong(
                    "readonly_field",
                    Phrase("{field} cannot be written", field=batch.label(program.fields[name])),
                    name,
                )


def _fields_of_new(batch: Batch, rows: Sequence[Row]) -> None:
    """A new record's fields are set by who may as its maker, or where the record as it is now gives it to him."""
    for program, mine in by_object(rows):
        for name in sorted({n for r in mine for n in r.given & r.changed}):
            field = program.fields.get(name)
            if field is None or name in HANDING or creates_with(batch.model, batch.call.actor, field):
                continue
            rule = field_rule(batch.model, batch.call.actor, field).edit
            if isinstance(rule, When):
                for row in _beyond(batch, [r for r in mine if name in r.given & r.changed], rule.condition):
                    row.wrong(
                        "readonly_field", Phrase("{field} cannot be written", field=batch.label(field)), name
                    )


def _were_beyond(batch: Batch, rows: Sequence[Row], condition: Expression) -> set[Row]:
    """The rows that did not fit a condition before this save."""
    values = [row.values for row in rows]
    for row in rows:
        row.values = {**row.old}
    found = set(_beyond(batch, rows, condition))
    for row, now in zip(rows, values, strict=True):
        row.values = now
    return found


def _beyond(batch: Batch, rows: Sequence[Row], condition: Expression) -> list[Row]:
    """The rows that do not fit a condition."""
    if not rows:
        return []
    program = rows[0].program
    batch.environment.fill(rows, program.needs(condition))
    holds = program.closure(condition)
    return [r for r in rows if not holds(program.in_base(r.values), batch.environment.context)]


def _unknown(batch: Batch, row: Row) -> str:
    return Phrase("there is no {object} {id}", object=batch.object_label(row.object), id=row.id)
