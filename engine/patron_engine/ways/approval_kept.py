"""Kept: what an approval keeps of its record, as whoever looks may read it. Part of the way approve.

In: values that were kept with every right: the record as it was submitted, the change that waits. Out: the same without fields and
columns of details that he does not read on this record, and without titles of records he may not see. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.access.decide import Allow, field_rule, readable
from patron_engine.approval.value import Instance
from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS, Object
from patron_engine.query.call import Call
from patron_engine.query.fitting import readable_here
from patron_engine.query.titles import titles_of
from patron_engine.record.statements import Conn

ROW = frozenset({"id", "version", "delete"})  # of a row of details: which it is, and that it goes
Link = tuple[str, str]  # object, id


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What somebody reads of one record: its fields, and by set of details their columns."""

    object: Object
    fields: Mapping[str, Field]
    columns: Mapping[str, Mapping[str, Field]]


def open_to(conn: Conn, call: Call, object: Object, record: str) -> Open:
    """The record is one that he may read. A column that he reads in some rows only is none."""
    model, actor = call.model, call.actor
    fields = readable_here(conn, call, object.name, record, readable(model, actor, object.name))
    columns = {}
    for name in object.details:
        among = object.sets[name]
        known = readable(model, actor, among.object)
        if among.field in known:
            columns[name] = {
                n: f for n, f in known.items() if isinstance(field_rule(model, actor, f).plain, Allow)
            }
    return Open(
        object=object, fields={n: f for n, f in fields.items() if f.type != "secret"}, columns=columns
    )


def as_read(conn: Conn, call: Call, open: Open | None, instance: Instance) -> Instance:
    """The instance with what it keeps as he may read it: nothing of a record that he may not see."""
    intent = instance.intent
    kept = {} if intent is None else intent.get("values", intent["set"])
    snapshot, asked = (
        kept_as_read(conn, call, open, [instance.snapshot, kept]) if open is not None else ({}, {})
    )
    return replace(instance, snapshot=snapshot, intent=None if intent is None else {**intent, "set": asked})


def kept_as_read(
    conn: Conn, call: Call, open: Open, kept: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Values of the record that were kept with every right, each as he may read it."""
    wanted: dict[str, dict[str, None]] = {}
    for values in kept:
        for object, id in _links(open, values):
            wanted.setdefault(object, {})[id] = None
    titles = titles_of(conn, call, {object: list(ids) for object, ids in wanted.items()})
    return [_trimmed(open, values, titles.get) for values in kept]


def rows_of(open: Open, set: str, value: Any) -> Any:
    """Rows of details with the columns he reads."""
    if not isinstance(value, list):
        return value
    known = open.columns[set].keys() | ROW
    return [
        {n: v for n, v in row.items() if n in known} if isinstance(row, Mapping) else row for row in value
    ]


def _trimmed(open: Open, values: Mapping[str, Any], told: Callable[[Link], str | None]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in values.items():
        field = open.fields.get(name)
        if field is not None:
            made[name] = _titled(field, value, told)
        elif name in open.columns:
            columns = open.columns[name]
            made[name] = [
                {n: _titled(columns[n], v, told) if n in columns else v for n, v in row.items()} if isinstance(row, Mapping) else row
                for row in rows_of(open, name, value) or ()
            ]  # fmt: skip
    return made


def _titled(field: Field, value: Any, told: Callable[[Link], str | None]) -> Any:
    """A link with the title that he may read."""
    if field.type not in LINKS:
        return value
    if isinstance(value, list):
        return [_titled(field, one, told) for one in value]
    link = _link(field, value)
    return value if link is None else {**value, "title": told(link)}


def _link(field: Field, value: Any) -> Link | None:
    if not isinstance(value, Mapping) or "title" not in value:
        return None
    return str(value.get("object") or field.link.to[0]), str(value["id"])


def _links(open: Open, values: Mapping[str, Any]) -> Iterator[Link]:
    pairs = [(open.fields.get(name), value) for name, value in values.items()]
    for set, columns in open.columns.items():
        for row in values.get(set) or ():
            pairs += [(columns.get(n), v) for n, v in row.items()] if isinstance(row, Mapping) else []
    for field, value in pairs:
        if field is not None and field.type in LINKS:
            for one in value if isinstance(value, list) else [value]:
                link = _link(field, one)
                if link is not None:
                    yield link
