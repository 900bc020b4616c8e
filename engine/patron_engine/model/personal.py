"""Personal: which fields say something about a person, what stands in their place once he is erased, and what follows from them.

In: an object of the model. Out: its fields and values. Reads no record.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, Formula
from patron_engine.model.assemble import reads_of
from patron_engine.model.model import Object

SENSITIVE = frozenset({"official_id", "location", "finance", "health"})  # what the law calls sensitive
REPLACED = frozenset({"text", "long_text", "rich_text"})  # required ones get a text instead
NAMES = {"en": "Erased", "zh-CN": "已删除", "zh-TW": "已刪除"}
NOWHERE = "erased.invalid"  # a domain nobody can have
NO_NUMBER = "000"


def personal_fields(object: Object) -> Mapping[str, Field]:
    """Those people see, in the order of definition."""
    return {n: f for n, f in object.fields.items() if f.personal is not None and not f.hidden}


def written_fields(object: Object) -> Mapping[str, Field]:
    """Those an erasure empties; what is computed follows."""
    return {n: f for n, f in personal_fields(object).items() if not f.computed}


def follows(object: Object) -> frozenset[str]:
    """The personal fields and every formula of the same record that is computed from one, through any depth: the names whose
    former values tell of a person too."""
    found = {n for n, f in object.fields.items() if f.personal is not None}
    while True:
        more = {
            n
            for n, f in object.fields.items()
            if n not in found and isinstance(f.spec, Formula) and reads_of(f.spec.expression) & found
        }
        if not more:
            return frozenset(found)
        found |= more


def replacement(field: Field, id: str, languages: tuple[str, ...]) -> str | None:
    """What stands in a field that may not be empty; None where it is simply emptied. Its value is told by no two records."""
    if field.required is not True:
        return None
    if field.type == "email":
        return f"{id}@{NOWHERE}"
    if field.type == "phone":
        return NO_NUMBER
    word = next((NAMES[code] for code in languages if code in NAMES), NAMES["en"])
    text = f"{word} {id[-8:]}"
    most = field.text.max_length
    return text if most is None else text[-most:]


def replaceable(field: Field) -> bool:
    """Whether the field can be emptied or a replacement be put in its place."""
    return field.required is not True or (
        field.type in REPLACED | {"email", "phone"} and not isinstance(field.required, Expression)
    )
