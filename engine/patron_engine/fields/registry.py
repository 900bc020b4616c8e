"""Registry: the name in `type:` -> the class that knows everything about it.

To add a type, add its class to a family's file and the file's TYPES to `_FAMILIES` (docs/howto/add-a-field-type.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from patron_engine.fields import (
    choice,
    computed,
    contact,
    duration,
    files,
    flag,
    link,
    number,
    opaque,
    place,
    temporal,
    text,
)
from patron_engine.fields.base import FieldType
from patron_engine.fields.field import Field
from patron_engine.fields.vault import Encrypted

_FAMILIES: Final = (
    text,
    contact,
    number,
    duration,
    flag,
    choice,
    temporal,
    link,
    computed,
    place,
    files,
    opaque,
)


def registered(types: Iterable[FieldType]) -> Mapping[str, FieldType]:
    """The types by name. Two of one name are a mistake in the program: ValueError."""
    found: dict[str, FieldType] = {}
    for t in types:
        if t.name in found:
            raise ValueError(
                f"the field type {t.name!r} is registered twice: {type(found[t.name])} and {type(t)}"
            )
        found[t.name] = t
    return MappingProxyType(found)


TYPES: Final[Mapping[str, FieldType]] = registered(t for family in _FAMILIES for t in family.TYPES)


_KNOWN: Final[Mapping[str, FieldType]] = MappingProxyType({**TYPES, **registered(link.SYSTEM_TYPES)})
_SEALED: Final[Mapping[str, FieldType]] = MappingProxyType({name: Encrypted(t) for name, t in TYPES.items()})


def type_of(field: Field) -> FieldType:
    """The type of a field's values: its own, or for a formula or roll-up the type of what it gives; of an encrypted
    field or a secret with its columns sealed."""
    named = field.extra.get("value_type") or field.type
    return _SEALED[named] if field.encrypted or field.type == "secret" else _KNOWN[named]
