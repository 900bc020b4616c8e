"""Prospects: what a conversion would make of a record: which targets, what is there already, what they begin with.

In: a connection, the frame of a call, a record and a conversion. Out: `Prospect`s with values in JSON form; whether the caller may.
Definitions read all rows; what is found is told only as far as the caller may read it, and values only of fields that he may write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import sql

from patron_engine.access.decide import Deny, When, not_allowed, row_rule, writable
from patron_engine.actor import Cause
from patron_engine.errors import Conflict, Forbidden, NotFound
from patron_engine.fields.field import LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.flow.conversions import Conversion, Target, conversions_of
from patron_engine.flow.run import Run
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import details_of, sets_of
from patron_engine.model.model import Object, label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.fitting import fitting
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.record.batch import WRITES_READONLY
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.preview import preview
from patron_engine.ways.read import read, read_one

MOST_FOUND: Final = 10  # records to choose from


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record that is there already."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """`found` are records to take instead, the first of them unless somebody chooses; `values` what a new one begins with, details
    by set name; `left_out` the fields that the definition fills and the caller may not."""

    target: Target
    found: tuple[Hit, ...]
    values: Mapping[str, Any]
    left_out: tuple[str, ...]


def beginning(call: Call, conversion: Conversion, id: str) -> Run:
    """The record that is converted, as the expressions of a conversion read it; what was made is put among its results."""
    return Run(
        id=call.new_id(), rule=f"conversion:{conversion.name}", version="", release=call.model.release,
        object=conversion.object, record=id, causer=call.actor.user,
    )  # fmt: skip


def arising(call: Call, conversion: str, object: str, id: str) -> Call:
    """The call under which a conversion saves: why, and of what."""
    kind = call.cause.kind if call.cause.kind in WRITES_READONLY else "conversion"
    detail = {**call.cause.detail, "conversion": conversion, "from": {"object": object, "id": id}}
    return replace(call, cause=Cause(kind=kind, detail=detail))


def open_to(call: Call, object: str) -> tuple[Conversion, ...]:
    """The conversions of an object that the caller may use at all."""
    if isinstance(row_rule(call.model, call.actor, "convert", object), Deny):
        return ()
    mine = call.actor.roles
    return tuple(
        c for c in conversions_of(call.model, object)
        if (call.actor.administrator or not c.roles or c.roles & mine) and all(_makes(call, t) for t in c.to)
    )  # fmt: skip


def _makes(call: Call, target: Target) -> bool:
    """Whether the caller can get past a target: he may make one, choose one, or do without."""
    if target.optional or target.choose:
        return target.optional or not isinstance(
            row_rule(call.model, call.actor, "read", target.object), Deny
        )
    return not isinstance(row_rule(call.model, call.actor, "create", target.object), Deny)


def fitting_conversions(conn: Conn, call: Call, object: str, id: str) -> tuple[Conversion, ...]:
    """Those that this record can go through now. The caller was allowed to read it."""
    found = open_to(call, object)
    rule = row_rule(call.model, call.actor, "convert", object)
    if not found or not _reaches(conn, call, object, id, rule):
        return ()
    reading = Reading(conn, call)
    return tuple(
        c for c in found
        if reading.holds(c.when, [Subject(run=beginning(call, c, id))])[0]
        and not (c.once and became(conn, call, c, id))
    )  # fmt: skip


def _reaches(conn: Conn, call: Call, object: str, id: str, rule: Any) -> bool:
    if not isinstance(rule, When):
        return True
    return (fitting(conn, call, object, id, [rule.condition]) or (False,))[0]


def conversion_for(conn: Conn, call: Call, object: str, id: str, name: str) -> Conversion:
    """The conversion, if the caller may carry it out with this record as it is. NotFound, Forbidden, Conflict."""
    known = known_object(call, object)
    read_one(conn, call, known.name, id, fields=("id",))
    rule = row_rule(call.model, call.actor, "convert", known.name)
    found = next((c for c in open_to(call, known.name) if c.name == name), None)
    if found is None:
        if isinstance(rule, Deny) and any(c.name == name for c in conversions_of(call.model, known.name)):
            raise Forbidden(not_allowed("convert", known, call.actor.languages), hint=rule.reasons[0])
        raise NotFound(
            Phrase("{object} has no conversion {name}", object=_label(call, known), name=name[:60]),
            code="unknown_conversion",
        )
    if not _reaches(conn, call, known.name, id, rule):
        raise Forbidden(Phrase("you may not do this to this {object}", object=_label(call, known)))
    before = became(conn, call, found, id) if found.once else None
    if before is not None:
        raise Conflict(
            Phrase("this {object} was converted before", object=_label(call, known)),
            code="converted_before", hint=Phrase("look at what it became"), values={"made": before},
        )  # fmt: skip
    if not Reading(conn, call).holds(found.when, [Subject(run=beginning(call, found, id))])[0]:
        raise Conflict(
            Phrase("this {object} cannot be converted as it stands", object=_label(call, known)),
            code="not_convertible",
            hint=Phrase("the conversion has a condition that it does not fulfil"),
        )
    return found


def _label(call: Call, object: Object) -> Any:
    return label_of(object.label, object.name, call.actor.languages)


def became(conn: Conn, call: Call, conversion: Conversion, id: str) -> list[dict[str, Any]] | None:
    """What a record became by this conversion; None when it was not converted, or that was taken back."""
    query = sql.SQL(
        "SELECT c.made FROM {s}.sys__converted c LEFT JOIN {s}.sys__batch b ON b.id = c.batch"
        " WHERE c.object = %s AND c.record = %s AND c.conversion = %s AND NOT coalesce(b.payload ? 'undone', false)"
        " ORDER BY c.at DESC LIMIT 1"
    ).format(s=sql.Identifier(call.schema))
    row = conn.execute(query, (conversion.object, id, conversion.name)).fetchone()
    return None if row is None else list(row[0])


def prospect(conn: Conn, call: Call, reading: Reading, target: Target, run: Run) -> Prospect | None:
    """What a target would be; None where its `when` leaves it out."""
    subject = Subject(run=run)
    if not reading.holds(target.step.when, [subject])[0]:
        return None
    made = call.model.objects[target.object]
    values: dict[str, Any] = {}
    left_out = []
    may = writable(call.model, call.actor, made.name)
    for name, value in sets_of(reading, target.step, made, [subject])[0].items():
        field = made.field(name)
        if field is not None and field.name not in may and field.readonly is not True:
            left_out.append(field.name)
        elif value is not None:
            values[name] = _wire(made, name, value)
    for set, rows in details_of(reading, target.step, made, [subject])[0].items():
        child = call.model.objects[made.sets[set].object]
        may = writable(call.model, call.actor, child.name)
        values[set] = [
            {n: _wire(child, n, v) for n, v in row.items() if v is not None and n in may} for row in rows
        ]
    return Prospect(
        target=target,
        found=_found(conn, call, reading, target, subject),
        values=values,
        left_out=tuple(left_out),
    )


def _wire(object: Object, name: str, value: Any) -> Any:
    """A value as the field keeps it, in JSON form; a link is its id."""
    field = object.field(name)
    if field is None or isinstance(field.spec, LinkSpec):
        return list(value) if isinstance(value, tuple) else value
    return type_of(field).to_wire(field, value)


def _found(conn: Conn, call: Call, reading: Reading, target: Target, subject: Subject) -> tuple[Hit, ...]:
    if not target.finds:
        return ()
    choice = Choice(
        key=f"{target.step.rule}.{target.step.path}.find", object=target.object,
        where=target.step.expressions.get("find.where"), sort=target.sort, limit=MOST_FOUND,
    )  # fmt: skip
    return hits(conn, call, target.object, chosen(reading, choice, [subject])[0])


def hits(conn: Conn, call: Call, object: str, ids: Sequence[str]) -> tuple[Hit, ...]:
    """Those of the records that the caller may read, in this order, with their titles."""
    if not ids or isinstance(row_rule(call.model, call.actor, "read", object), Deny):
        return ()
    title = call.model.objects[object].title
    ask = Ask(object=object, ids=tuple(ids), fields=("id", title), limit=len(ids), voided="yes")
    rows = {str(row["id"]): row for row in read(conn, call, ask, secret=b"").rows()}
    return tuple(Hit(id=id, title=str(rows[id].get(title) or "…")) for id in ids if id in rows)


def with_result(run: Run, target: Target, id: str | None) -> Run:
    """After a target: the later ones read it as `steps.NAME`."""
    return replace(run, results={**run.results, target.name: {"object": target.object, "id": id}})


def foreseen(conn: Conn, call: Call, conversion: Conversion, id: str) -> list[Prospect]:
    """What every target would be, with the records that are found in place of new ones; what reads a record that is not made yet
    is empty."""
    run, prospects = beginning(call, conversion, id), []
    for target in conversion.to:
        one = prospect(conn, call, Reading(conn, call), target, run)
        if one is not None:
            prospects.append(one)
        run = with_result(run, target, one.found[0].id if one is not None and one.found else None)
    return prospects


def lacking(conn: Conn, call: Call, one: Prospect) -> list[Problem]:
    """What a new record of this target would lack or have wrong as it stands, but for what the conversion itself sets."""
    if isinstance(row_rule(call.model, call.actor, "create", one.target.object), Deny):
        made = call.model.objects[one.target.object]
        return [Problem(code="forbidden", message=not_allowed("create", made, call.actor.languages))]
    change = Change(action="create", object=one.target.object, set=one.values)
    return [
        p for p in preview(conn, call, change).problems
        if p.level == "error" and (p.path or "").partition(".")[0] not in one.target.bound
    ]  # fmt: skip
