"""Units: what kind of value a measure gives, so that pages write it as money, hours, a share or a plain number.

In: a field and a function, or what a formula works out of each record. Out: the unit. Formulas over measures: expr/units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import NUMBER, ExprType
from patron_engine.expr.units import unit_of_formula
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Model, Object
from patron_engine.report.reader import Place, Reader

OF_TYPES = {"money": "money", "percent": "percent"}
OF_KINDS = {
    "duration": "duration",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "text": "text",
    "choice": "text",
}


def unit_of_field(function: str, place: Place | None) -> Any:
    """The unit of a figure over a field."""
    if place is None or function in ("count", "count_distinct"):
        return "number"
    field = place.field
    whole = field is not None and (place.inner == field.name or place.inner.endswith(f".{field.name}"))
    if field is not None and whole and type_of(field).name in OF_TYPES:
        return OF_TYPES[type_of(field).name]
    return OF_KINDS.get(place.type.kind, "number")


def unit_of_value(model: Model, object: str, value: Expression) -> Any:
    """The unit of what a formula works out of each record: of `amount - cost` in SUM(amount - cost)."""
    fields = {path: model.follow(object, path) for path in value.paths}
    named = {path: type_of(field).name for path, field in fields.items() if field is not None}
    units = {path: OF_TYPES[name] for path, name in named.items() if name in OF_TYPES}
    return OF_KINDS.get(value.type.kind) or unit_of_formula(value.source, units)


def measure_type(reader: Reader, object: Object, measure: Mapping[str, Any]) -> ExprType:
    """What a measure is in formulas: the smallest of some days is a day."""
    if measure.get("function") not in ("min", "max") or "field" not in measure:
        return NUMBER
    place = Reader(reader.call).place(object.name, measure["field"], "field")
    return place.type if place is not None else NUMBER
