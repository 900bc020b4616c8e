"""Building shared: the fields by which blocks of several objects can stand beside each other: days, people, departments, records, options.

In: an object, a Reader. Out: what its fields mean, each meaning with the fields that have it, own ones before those of a linked record;
two fields of one meaning have the same members. Readable names only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from patron_engine.access.decide import readable
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.model.model import LINKS, Object
from patron_engine.page.filters import family_of
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call

DATES = "date"
MADE_BY = ("created_by", "updated_by")  # of every record: what he looks for is seldom among them

Named = tuple[str, str]  # path, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One meaning: what people call it, what a group by it is named, the fields that have it."""

    label: str
    name: str
    fields: tuple[Named, ...]


def shared_of(call: Call, reader: Reader, object: Object, dates: tuple[Named, ...]) -> dict[str, Shared]:
    """By meaning; days first."""
    found: dict[str, list[Named]] = {}
    for path, label, field in _paths(call, reader, object):
        key = _meaning(field)
        if key:
            found.setdefault(key, []).append((path, label))
    return {
        DATES: Shared(label="", name="period", fields=dates),
        **{
            key: Shared(label=_label(call, reader, key), name=key.partition(":")[2], fields=tuple(fields))
            for key, fields in found.items()
        },
    }


def kind_of(shared: Mapping[str, Shared], path: str) -> str:
    """The meaning a field has; "" where it is none of these."""
    return next((key for key, one in shared.items() if path in dict(one.fields)), "")


def _paths(call: Call, reader: Reader, object: Object) -> Iterator[tuple[str, str, Field]]:
    own = sorted(
        readable(call.model, call.actor, object.name).values(),
        key=lambda f: (f.name in MADE_BY, f.system and f.name != "owner"),
    )
    for field in own:
        yield field.name, reader.say(field.label, field.name), field
    for field in own:
        if field.type not in LINKS or field.link.many or len(field.link.to) != 1 or field.name in MADE_BY:
            continue
        if (target := call.model.objects.get(field.link.to[0])) is None:
            continue
        for far in readable(call.model, call.actor, target.name).values():
            if not far.system or far.name == "owner":
                label = f"{reader.say(field.label, field.name)} · {reader.say(far.label, far.name)}"
                yield f"{field.name}.{far.name}", label, far


def _meaning(field: Field) -> str:
    if field.encrypted:
        return ""
    family = family_of(field)
    if family in ("user", "department", "link"):
        return f"record:{field.link.to[0]}" if field.type in LINKS else ""
    spec = field.spec
    if family == "choice" and isinstance(spec, ChoiceSpec) and spec.option_set:
        return f"options:{spec.option_set}"
    return ""


def _label(call: Call, reader: Reader, key: str) -> str:
    kind, _, name = key.partition(":")
    if kind == "record":
        object = call.model.objects[name]
        return reader.say(object.label, name)
    return reader.say(call.model.documents.get(("option_set", name), {}).get("label"), name)
