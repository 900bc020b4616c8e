"""Fields with a decision: what an approver changes of the record, as his step lets him. Part of the way approve.

In: a step's `fields`, what the approver sent. Out: a save of exactly these, as his and with the approval as its cause; Refused for
others, and for what the step requires and nobody filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from patron_engine.actor import Cause
from patron_engine.approval.program import Node
from patron_engine.approval.who import run_of
from patron_engine.errors import Refused
from patron_engine.fields.field import Field
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Subject
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change, Source
from patron_engine.ways.approval_links import Target, not_there, pointed_at
from patron_engine.ways.approving import Frame
from patron_engine.ways.save import save

WRITES = ("edit", "required")


@dataclass(slots=True, kw_only=True)
class Fields:
    """`more` are fields that what follows asks for, beside those of the step."""

    frame: Frame
    node: Node
    given: Mapping[str, Any]
    source: Source = "wire"
    more: set[str] = field(default_factory=set)

    @property
    def open(self) -> set[str]:
        """What may be sent: fields, and sets with open columns."""
        rights = self.node.fields
        return {n.partition(".")[0] for n, right in rights.items() if right in WRITES} | self.more

    @property
    def beyond(self) -> set[str]:
        return set(self.given) - self.open

    @property
    def own(self) -> dict[str, Any]:
        return {n: v for n, v in self.given.items() if n in self.open}

    def allow(self, names: Iterable[str]) -> None:
        self.more |= set(names)


def save_fields(fields: Fields) -> None:
    """Saves what was sent, in the deciding transaction."""
    problems = [_readonly(fields, name) for name in sorted(fields.beyond)]
    for name, value in fields.own.items():
        problems += _columns(fields, name, value)
    if problems:
        raise Refused(problems)
    if not fields.given:
        return
    frame, instance = fields.frame, fields.frame.instance
    detail = {
        "approval": instance.approval,
        "instance": instance.id,
        "of": instance.record,
        "node": fields.node.name,
    }
    # The step gives these fields and no others, whatever his roles say.
    call = replace(
        frame.call,
        actor=replace(frame.call.actor, administrator=True),
        cause=Cause(kind="approval", detail=detail),
    )
    before = _linked(fields)
    save(
        frame.conn,
        call,
        [
            Change(
                action="update",
                object=instance.object,
                id=instance.record,
                set=dict(fields.given),
                source=fields.source,
            )
        ],
    )
    _only_to_his(fields, before)


def edited(frame: Frame, given: Mapping[str, Any]) -> Frame:
    """Of a change that waits: what an approver wrote stands, the end does not write it over."""
    intent = frame.instance.intent
    if intent is None or "handing" in intent or not given.keys() & intent["set"].keys():
        return frame
    kept = {
        part: {n: v for n, v in intent[part].items() if n not in given}
        for part in ("set", "values")
        if part in intent
    }
    instance = replace(frame.instance, intent={**intent, **kept})
    frame.facts.instance = instance
    return replace(frame, instance=instance)


def _linked(fields: Fields) -> dict[Target, Field]:
    frame, instance = fields.frame, fields.frame.instance
    return dict(pointed_at(frame.conn, frame.call, instance.object, instance.record, fields.given))


def _only_to_his(fields: Fields, before: Mapping[Target, Field]) -> None:
    """Refused where he pointed at a record that he may not read."""
    fresh = [(t, f) for t, f in _linked(fields).items() if t not in before]
    problems = not_there(fields.frame.conn, fields.frame.call, fresh)
    if problems:
        raise Refused(problems)


def _readonly(fields: Fields, name: str) -> Problem:
    return Problem(
        code="readonly_field", message=Phrase("this step does not let you change {field}", field=_called(fields, name)), path=name[:60]
    )  # fmt: skip


def _called(fields: Fields, name: str) -> Any:
    object = fields.frame.call.model.objects[fields.frame.instance.object]
    found: Field | None = object.field(name)
    return (
        label_of(found.label, found.name, fields.frame.call.actor.languages)
        if found is not None
        else name[:40]
    )


def _columns(fields: Fields, name: str, value: Any) -> list[Problem]:
    """Of details: rows that are there, and the columns that are open."""
    columns = {
        n.partition(".")[2]
        for n, right in fields.node.fields.items()
        if n.startswith(f"{name}.") and right in WRITES
    }
    if (name in fields.node.fields and fields.node.fields[name] in WRITES) or not columns:
        return []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        return [Problem(code="not_list", message=Phrase("{field} is a list of rows", field=name), path=name)]
    problems = []
    for number, row in enumerate(value):
        if "id" not in row:
            problems.append(
                Problem(
                    code="required", message=Phrase("name the row by its id"), path=f"{name}[{number}].id"
                )
            )
        for key in sorted(set(row) - columns - {"id", "version"}):
            message = Phrase("this step does not let you change {field}", field=key[:40])
            problems.append(
                Problem(code="readonly_field", message=message, path=f"{name}[{number}].{key[:40]}")
            )
    return problems


def missing(fields: Fields) -> None:
    """Refused where something that the step requires is empty."""
    required = [n for n, right in fields.node.fields.items() if right == "required"]
    if not required:
        return
    frame, instance = fields.frame, fields.frame.instance
    object = frame.call.model.objects[instance.object]
    plain = [n for n in required if n in object.fields]
    values = fetch_values(frame.conn, frame.call, instance.object, [instance.record], plain).get(
        instance.record, {}
    )
    problems = [_required(fields, n) for n in plain if values.get(n) in (None, (), "")]
    for name in required:
        set, _, column = name.partition(".")
        if column and set in object.sets:
            problems += _rows(fields, set, column)
    if problems:
        raise Refused(problems)


def _rows(fields: Fields, set: str, column: str) -> list[Problem]:
    """One problem where a row of details has nothing in a column."""

    frame, instance = fields.frame, fields.frame.instance
    among = frame.call.model.objects[instance.object].sets[set]
    choice = Choice(
        key=f"approval.rows.{instance.object}.{set}",
        object=among.object,
        where=None,
        among=among,
        limit=2_000,
    )
    ids = chosen(frame.facts.reading, choice, [Subject(run=run_of(instance, frame.call))])[0]
    rows = fetch_values(frame.conn, frame.call, among.object, ids, [column])
    return [
        Problem(
            code="required",
            message=Phrase("{field} is required at this step", field=column),
            path=f"{set}[{n}].{column}",
        )
        for n, id in enumerate(ids)
        if rows.get(id, {}).get(column) in (None, (), "")
    ]


def _required(fields: Fields, name: str) -> Problem:
    return Problem(
        code="required",
        message=Phrase("{field} is required at this step", field=_called(fields, name)),
        path=name,
    )
