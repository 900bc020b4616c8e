"""Wanted: the tables and columns a model wants, before they have physical names.

In: sketches and decisions on storing. Out: Wanted values for PhysicalNames.settle. System columns are left out: their
names are always the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patron_engine.fields.base import Shape
from patron_engine.fields.computed import stored_column
from patron_engine.fields.field import (
    LinkSpec,
)
from patron_engine.model.expressions import Expressions
from patron_engine.model.physical import TABLE, Wanted
from patron_engine.model.sketch import FieldSketch, ObjectSketch
from patron_engine.model.storing import Storing

TELLING = (("text", "auto_number"), ("email", "phone", "url", "barcode"), ("date", "datetime"))


def title_of(one: ObjectSketch) -> str:
    """The field or path that stands for a record: what is said, else `name`, else the first text or number it is given, else what
    people tell such records apart by, else the id."""
    title = one.body.get("title")
    if isinstance(title, str):
        return title
    if "name" in one.fields:
        return "name"
    own = [f for f in one.fields.values() if not f.system and not f.computed]
    return next((f.name for types in TELLING for f in own if f.type.name in types), "id")


def wanted(expressions: Expressions, storing: Storing) -> Iterator[Wanted]:
    """The tables and columns a model wants, system columns left out: their names are always the same."""
    sketch = expressions.sketch
    for one in sketch.objects.values():
        yield Wanted(object=one.name, object_was=one.aliases_of)
        title = title_of(one)
        for f in one.fields.values():
            if not f.system:
                parts = _parts(one, f, f.name == title, storing)
                yield Wanted(
                    object=one.name, field=f.name, type=_meaning(f, expressions), parts=parts, object_was=one.aliases_of,
                    field_was=f.aliases,
                )  # fmt: skip


def _parts(one: ObjectSketch, f: FieldSketch, title: bool, storing: Storing) -> tuple[tuple[str, Any], ...]:
    if isinstance(f.spec, LinkSpec) and f.spec.many:
        return (("", TABLE),)
    if f.computed:
        sql = stored_column(f.expr) if f.expr is not None and storing.decide(f).stored else None
        if sql is None:
            return ()
        more: tuple[tuple[str, Any], ...] = ()
        if title and sql == "text":
            more = (("sort", "text"),)
        elif one.record_currency and f.value_type == "money":
            more = (("base", "numeric"),)
        return (("", sql), *more)
    several = isinstance(f.spec, LinkSpec) and len(f.spec.to) > 1
    return f.type.parts(
        Shape(definition=f.definition, title=title, record_currency=one.record_currency, several=several)
    )


def _meaning(f: FieldSketch, expressions: Expressions) -> str:
    if isinstance(f.spec, LinkSpec):
        return f"link:{','.join(sorted(expressions.sketch.first_name(o) for o in f.spec.to))}"
    return f"{f.type.name}:encrypted" if f.definition.get("encrypted") is True else f.type.name
