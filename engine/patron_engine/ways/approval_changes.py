"""Changes of a record that is being approved: what is different from when the step before was decided. Part of the way approve.

In: the record as the viewer reads it, what it was like, what his step hides. Out: a `Difference` for each field, column of a row, and
row that came or went. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.model.model import LinkSet, Object
from patron_engine.query.call import Call
from patron_engine.ways.approval_drawn import called

OWN: Final = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by", "object"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`object` and `name` of the field; `field` is its place: `budget`, `lines[0].price`; of a row that came or went, the set and
    the row's title."""

    object: str
    name: str
    field: str
    label: str
    before: Any
    now: Any


def differences(
    call: Call, object: Object, before: Mapping[str, Any], now: Mapping[str, Any], hidden: Collection[str]
) -> Iterator[Difference]:
    """Of what he reads now and was kept then."""
    for name, value in now.items():
        if name in hidden or name in OWN or name not in before:
            continue
        among, field = object.sets.get(name), object.field(name)
        if among is not None:
            yield from _rows(call, among, before[name], value, hidden)
        elif field is not None and _same(before[name]) != _same(value):
            label = called(call, field.label, name)
            yield Difference(
                object=object.name, name=name, field=name, label=label, before=before[name], now=value
            )


def _rows(call: Call, set: LinkSet, before: Any, now: Any, hidden: Collection[str]) -> Iterator[Difference]:
    """By their ids; rows that came and went by their titles."""
    if not (isinstance(before, list) and isinstance(now, list)):
        return
    of, label = call.model.objects[set.object], called(call, set.label, set.name)
    then = {row["id"]: row for row in before if isinstance(row, Mapping)}
    there = {row["id"] for row in now if isinstance(row, Mapping)}
    for number, row in enumerate(now):
        old = then.get(row["id"])
        if old is None:
            title = row.get(of.title)
            yield Difference(
                object=of.name, name=of.title, field=set.name, label=label, before=None, now=title
            )
            continue
        for name, value in row.items():
            field = of.field(name)
            if (
                name in OWN
                or field is None
                or f"{set.name}.{name}" in hidden
                or name not in old
                or name == set.field
            ):
                continue
            if _same(old[name]) != _same(value):
                said = f"{label} {number + 1} · {called(call, field.label, name)}"
                place = f"{set.name}[{number}].{name}"
                yield Difference(
                    object=of.name, name=name, field=place, label=said, before=old[name], now=value
                )
    for id, row in then.items():
        if id not in there:
            title = row.get(of.title)
            yield Difference(
                object=of.name, name=of.title, field=set.name, label=label, before=title, now=None
            )


def _same(value: Any) -> Any:
    """A link by what it points at: titles are told only to who may read them."""
    if isinstance(value, Mapping) and "id" in value:
        return (value.get("object"), value["id"])
    return [_same(one) for one in value] if isinstance(value, list) else value
