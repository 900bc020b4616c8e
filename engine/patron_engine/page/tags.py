"""Tags: the free tags of a record, changed right on its page.

In: the frame of a call, a Reader, an object, a record as it was read. Out: `Tags`, or None where nobody may put any. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.access.decide import writable
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.show import Item, option_item
from patron_engine.query.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """`items` are drawn, `values` are what a form sends, in the same order."""

    field: str
    label: str
    items: tuple[Item, ...]
    values: tuple[str, ...]


def tags_of(call: Call, reader: Reader, object: Object, record: Mapping[str, Any]) -> Tags | None:
    """The first field of free tags that he may write."""
    field = next((f for f in writable(call.model, call.actor, object.name).values() if tagged(f)), None)
    if field is None:
        return None
    values = tuple(str(v) for v in record.get(field.name) or ())
    return Tags(
        field=field.name,
        label=reader.say(field.label, field.name),
        items=tuple(option_item(field, v, reader) for v in values),
        values=values,
    )


def tagged(field: Field) -> bool:
    """Whether one may put any word into the field."""
    return field.type == "tags" and isinstance(field.spec, ChoiceSpec) and field.spec.free
