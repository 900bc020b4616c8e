"""Codec: between the columns of a row and the values of fields. Prepared once a release; most values need nothing.

In: fields. Out: closures from a row to a value and from values to what psycopg writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.fields.field import ChoiceSpec, Column, Field, NumberSpec, Option
from patron_engine.fields.registry import type_of

ONE: Final = Decimal(1)


def value_column(field: Field) -> Column | None:
    """The column that is the value: for a field whose other columns are only the platform's own additions."""
    if field.encrypted or field.type == "secret":
        return None
    value = None
    for column in field.columns:
        if column.part == "":
            value = column
        elif column.part not in ("sort", "base"):
            return None
    return value


def renamed(field: Field) -> bool:
    """True where an option's stored value is not its name of today."""

    def any_renamed(options: Iterable[Option]) -> bool:
        return any(o.name != o.value or any_renamed(o.options) for o in options)

    return isinstance(field.spec, ChoiceSpec) and any_renamed(field.spec.options)


def tuple_at(at: int) -> Callable[[tuple[Any, ...]], Any]:
    return lambda row: tuple(row[at]) if row[at] else None


def parts_of(field: Field, positions: Sequence[int]) -> Callable[[tuple[Any, ...]], Any]:
    kind = type_of(field)
    return lambda row: kind.from_columns(field, tuple(row[p] for p in positions))


def fitter(field: Field) -> Callable[[Any], Any]:
    """A computed value as its field keeps it: decimals rounded half up to the field's scale, whole numbers whole."""
    sql = next((c.sql for c in field.columns if c.part == ""), None)
    scale = field.spec.scale if isinstance(field.spec, NumberSpec) else field.extra.get("scale")
    least = -scale if isinstance(scale, int) else None  # the smallest exponent
    unit = ONE if least is None else ONE.scaleb(least)

    def fit(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            return value if value != "" and value != () else None
        if sql == "bigint":
            return int(Decimal(value).quantize(ONE, rounding=ROUND_HALF_UP))
        if sql != "numeric":
            return value
        number = Decimal(value)
        if least is not None and not number.same_quantum(unit):
            exponent = number.as_tuple().exponent
            if isinstance(exponent, int) and exponent < least:
                return number.quantize(unit, rounding=ROUND_HALF_UP)
        return number

    return fit


def encoder(field: Field) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    kind, name = type_of(field), field.name
    sqls = [c.sql for c in field.columns]
    parts = [c.part for c in field.columns]

    def encode(values: Mapping[str, Any]) -> Sequence[Any]:
        made = list(kind.to_columns(field, values.get(name)))
        for i, value in enumerate(made):
            if parts[i] == "base":
                made[i] = values.get(f"{name}.base")
            elif value is not None and sqls[i] == "text[]":
                made[i] = list(value)
            elif value is not None and sqls[i] == "jsonb" and not isinstance(value, Jsonb):
                made[i] = Jsonb(value, dumps=jsonio.dumps)
        return made

    return encode
