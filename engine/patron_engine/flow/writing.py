"""Writing: what a step writes, and where: the values of its fields, the records it is about.

In: a step, runs, what they read. Out: field -> value as the field keeps it; targets. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.errors import NotFound
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.registry import type_of
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import LinkSet, Object, say
from patron_engine.model.values import as_wire
from patron_engine.phrases import Phrase
from patron_engine.query.binding import parameter
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.change import Change
from patron_engine.record.derive import fitted
from patron_engine.record.program import Programs

MOST: Final = 10_000  # limit_step_records: records that one step finds, changes, or goes through
Target = tuple[Subject, str, str]  # whose, object, id


# -- values -------------------------------------------------------------------------------------------------------


def sets_of(
    reading: Reading, step: Step, object: Object, subjects: Sequence[Subject], key: str = "set",
    written: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Field -> value for each subject, as the field keeps it. `key` is where the values stand in the step."""
    raw: Mapping[str, Any] = (step.body.get(key) if written is None else written) or {}
    worked = {n: e for n in raw if (e := step.expressions.get(f"{key}.{n}")) is not None}
    columns = {n: reading.evaluate(e, subjects) for n, e in worked.items()}
    made: list[dict[str, Any]] = []
    for position in range(len(subjects)):
        values: dict[str, Any] = {}
        for name, said in raw.items():
            field = object.field(name)
            if field is None:
                values[name] = said  # the save says that there is none
            elif name in columns:
                values[field.name] = _kept(reading, field, columns[name][position], worked[name])
            else:
                values[field.name] = _literal(field, said)
        made.append(values)
    return made


def _literal(field: Field, written: Any) -> Any:
    """A literal as the field reads it; a link is found by its code when it is saved."""
    if written is None or isinstance(field.spec, LinkSpec):
        return written
    return type_of(field).read_wire(field, as_wire(written))


def _kept(reading: Reading, field: Field, value: Any, of: Expression) -> Any:
    """A value that was worked out, as the field keeps it."""
    if not isinstance(field.spec, LinkSpec) or value is None:
        return fitted(field, value)
    if field.link.many:
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if isinstance(value, Mapping):
        return value if field.link.several else value.get("id")
    if not field.link.several:
        return value
    return {"object": _object_of(reading, of.type.objects or field.link.to, value), "id": value}


def _object_of(reading: Reading, objects: Sequence[str], id: str) -> str:
    """Which object's record an id is."""
    if len(objects) > 1:
        for object in objects:
            if fetch_values(reading.conn, reading.call, object, [id], ["id"]):
                return object
    return objects[0]


def text_of(reading: Reading, step: Step, key: str, subject: Subject, languages: tuple[str, ...]) -> str:
    expression = step.expressions.get(key)
    if expression is not None:
        value = reading.evaluate(expression, [subject])[0]
        return "" if value is None else str(value)
    return say(step.body.get(key) or "", languages)


def lock(reading: Reading, object: str, ids: Sequence[str]) -> None:
    """Keeps other writers away from these records until the transaction ends."""
    program = Programs.of(reading.call.tables)[object]
    program.load.run(reading.conn, ids=sorted(set(ids)))


def details_of(
    reading: Reading, step: Step, object: Object, subjects: Sequence[Subject]
) -> list[dict[str, list[dict[str, Any]]]]:
    """Set -> rows of the new record, made of sets of the run's record."""
    made: list[dict[str, list[dict[str, Any]]]] = [{} for _ in subjects]
    for number, entry in enumerate(step.body.get("details") or ()):
        at = f"details.{entry['name']}" if entry.get("name") else f"details[{number}]"
        of, to = _set_of(reading, subjects, entry["each"]), object.sets.get(entry["to"])
        if of is None or to is None:
            missing = entry["each"] if of is None else entry["to"]
            raise NotFound(Phrase("there is no set {name}", name=missing), code="unknown_set")
        choice = Choice(
            key=f"{step.rule}.{step.path}.{at}", object=of.object, where=step.expressions.get(f"{at}.where"), among=of,
            limit=MOST, whole=True,
        )  # fmt: skip
        owned = [
            (place, Subject(run=subject.run, item=(of.object, id)))
            for place, (subject, ids) in enumerate(
                zip(subjects, chosen(reading, choice, subjects), strict=True)
            )
            for id in ids
        ]
        rows = sets_of(reading, step, reading.call.model.objects[to.object], [s for _, s in owned], f"{at}.set", entry["set"])  # fmt: skip
        for (place, _), row in zip(owned, rows, strict=True):
            made[place].setdefault(to.name, []).append(row)
    return made


def _set_of(reading: Reading, subjects: Sequence[Subject], name: str) -> LinkSet | None:
    object = subjects[0].run.object if subjects else None
    return reading.call.model.objects[object].sets.get(name) if object else None


def matches_of(
    reading: Reading, object: Object, names: Sequence[str], made: Sequence[Mapping[str, Any]]
) -> list[str | None]:
    """For each, the oldest live record that has the same values in these fields. Whoever looks for the same waits for this
    transaction: of two that find none only one makes it."""
    fields = [field for n in names if (field := object.field(n)) is not None]
    columns = [(field, column) for field in fields for column in field.columns]

    def make() -> Statement:
        row = Building(tables=reading.call.tables).root(object.name)
        same = [
            row.table.c[c.name].is_not_distinct_from(parameter(f"by.{n}", row.table.c[c.name].type))
            for n, (_, c) in enumerate(columns)
        ]
        query = sa.select(row.id).select_from(row.source.from_).where(*same, *row.live(voided=False))
        return compiled(query.order_by(row.id).limit(sa.literal(1)), reading.call.model.release)

    statement = kept(reading.call.tables).get(("flow.matches", object.name, tuple(names)), make)
    found: list[str | None] = []
    for values in made:
        parts = [p for f in fields for p in type_of(f).to_columns(f, values.get(f.name))]
        key = f"patron.upsert.{reading.call.schema}.{object.name}.{tuple(names)}.{parts}"
        reading.conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        given = {f"by.{n}": part for n, part in enumerate(parts)}
        row = reading.conn.execute(
            statement.text, statement.values({**call_values(reading.call), **given})
        ).fetchone()
        found.append(str(row[0]) if row is not None else None)
    return found


# -- targets ------------------------------------------------------------------------------------------------------


def targets_of(reading: Reading, step: Step, subjects: Sequence[Subject]) -> list[list[Target]]:
    """The records a step writes, for each subject. `gone`: what was approved was that the record itself is deleted."""
    target = step.body.get("target")
    if target is None:
        return [[] if s.run.event.get("gone") else _one(s, s.run.object, s.run.record) for s in subjects]
    if isinstance(target, str):
        expression = step.expressions["target"]
        found = reading.evaluate(expression, subjects)
        return [
            _one(s, *_named(reading, expression, value)) for s, value in zip(subjects, found, strict=True)
        ]
    if "parent" in target:
        return _parents(reading, target["parent"], subjects)
    among = _set_of(reading, subjects, target["each"]) if "each" in target else None
    of = among.object if among is not None else str(target.get("object"))
    choice = Choice(
        key=f"{step.rule}.{step.path}.target", object=of, where=step.expressions.get("target.where"), among=among, limit=MOST,
        whole=True,
    )  # fmt: skip
    return [
        [(s, of, id) for id in ids]
        for s, ids in zip(subjects, chosen(reading, choice, subjects), strict=True)
    ]


def _one(subject: Subject, object: str | None, id: str | None) -> list[Target]:
    return [(subject, object, id)] if object is not None and id is not None else []


def _named(reading: Reading, expression: Expression, value: Any) -> tuple[str | None, str | None]:
    if isinstance(value, Mapping):
        return value.get("object"), value.get("id")
    if not isinstance(value, str):
        return None, None
    objects = expression.type.objects
    return (_object_of(reading, objects, value), value) if objects else (None, None)


def _parents(reading: Reading, link: str, subjects: Sequence[Subject]) -> list[list[Target]]:
    object = reading.call.model.objects[subjects[0].run.object or ""]
    ids = [s.run.record for s in subjects if s.run.record]
    rows = fetch_values(reading.conn, reading.call, object.name, ids, [link])
    found: list[list[Target]] = []
    for subject in subjects:
        value = rows.get(subject.run.record or "", {}).get(link)
        if isinstance(value, Mapping):
            found.append(_one(subject, value.get("object"), value.get("id")))
        else:
            field = object.field(link.partition(".")[0])
            to = field.link.to[0] if field is not None and "." not in link else None
            found.append(_one(subject, to, value))
    return found


def because(run: Run, change: Change) -> Change:
    """A change that says which run makes it."""
    via = [*run.via, (run.rule, run.record)]
    of = {
        n: run.event[n]
        for n in ("approval", "instance")
        if run.rule.startswith("approval:") and n in run.event
    }
    if of:
        of["of"] = str(run.record)
    change.because = {"run": run.id, "via": via, "causer": run.causer, **of}
    return change
