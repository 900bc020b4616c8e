"""Paths: what a path of a page means: the field at its end and what people call it, among what the reader may read.

In: the model, an actor, an object, a path (`amount`, `account.industry`). Out: the field or None, its label, whether it
sorts, whether records may be gathered by it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.access.decide import readable, visible
from patron_engine.actor import Actor
from patron_engine.fields.field import Field
from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.page.reader import Reader

GROUPED = frozenset({"select", "boolean", "rating", "lookup", "master", "user", "department", "cascade"})
SUMMED = frozenset({"integer", "decimal", "money", "duration"})


def steps_of(model: Model, actor: Actor, object: Object, path: str) -> tuple[Field, ...]:
    """The fields a path goes through, its own last; () where he may not read one of them."""
    found: list[Field] = []
    here: Object | None = object
    names = path.split(".")
    for at, name in enumerate(names):
        if here is None:
            return ()
        field = readable(model, actor, here.name).get(here.aliases.get(name, name))
        if field is None:
            return ()
        found.append(field)
        to = field.link.to if field.type in LINKS and not field.link.many else ()
        here = model.object(to[0]) if len(to) == 1 and at + 1 < len(names) else None
    return tuple(found)


def field_at(model: Model, actor: Actor, object: Object, path: str) -> Field | None:
    """The field at the end of a path."""
    steps = steps_of(model, actor, object, path)
    return steps[-1] if steps else None


def seen_at(model: Model, actor: Actor, object: Object, path: str) -> Field | None:
    """The field at the end of a path, one that is only looked at as a mask too."""
    first, _, last = path.rpartition(".")
    end = field_at(model, actor, object, path)
    if end is not None or first:
        return end
    return visible(model, actor, object.name).get(object.aliases.get(last, last))


def label_at(model: Model, actor: Actor, object: Object, path: str, reader: Reader) -> str:
    """What people call it: `Account · Industry`."""
    steps = steps_of(model, actor, object, path) or tuple(filter(None, [seen_at(model, actor, object, path)]))
    return " · ".join(reader.say(f.label, f.name) for f in steps) or path


def value_type(field: Field) -> str:
    """The type its values have: of a formula or a roll-up, the type it gives."""
    return str(field.extra.get("value_type") or field.type)


def sorts(field: Field | None) -> bool:
    """Whether a list may be sorted by it."""
    if field is None or field.encrypted:
        return False
    if field.expr.kind == "link":
        return len(field.expr.objects) == 1 and not (field.type in LINKS and field.link.many)
    return type_of(field).sortable and field.expr.kind not in ("list", "json", "location")


def kept_order(model: Model, actor: Actor, object: Object, keys: Sequence[str]) -> tuple[str, ...]:
    """How somebody else arranged a list, as far as it is for the reader: without what he may not sort by."""
    paths = ((key, key.removeprefix("-")) for key in keys)
    return tuple(
        key for key, path in paths
        if object.field(path.partition(".")[0]) is None or steps_of(model, actor, object, path)
    )  # fmt: skip


def gathers(field: Field | None) -> bool:
    """Whether records may be gathered by it: few values, each with a name."""
    if field is None or not field.columns or field.type not in GROUPED:
        return False
    return field.type not in LINKS or (not field.link.many and len(field.link.to) == 1)
