"""Numbers: integer, decimal, percent, money, rating. Decimal or int in Python, numeric or bigint in the table.

On the wire a decimal is a text of plain digits or an integer: JSON numbers with a fraction lose digits on their way
through other people's programs, so they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    Fault,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import shown
from patron_engine.fields.field import Field, NumberSpec, Spec
from patron_engine.fields.numerals import (
    INTEGER,
    PLAIN,
    currency_digits,
    has_more_decimals,
    plain_number,
)
from patron_engine.jsonio import decimal_text
from patron_engine.phrases import Phrase

NUMBER: Final = ExprType("number")
RECORD_CURRENCY_SCALE: Final = (
    3  # the most digits a currency in use has; the record's own currency decides at save
)


class NumberType(FieldType):
    """What decimals and integers share."""

    family = "number"
    keys: ClassVar[tuple[str, ...]] = ("scale", "min", "max", "unit")
    default_min: ClassVar[Decimal | None] = None
    default_max: ClassVar[Decimal | None] = None

    def expr_type(self, spec: Spec) -> ExprType:
        return NUMBER

    def default_scale(self, around: Around) -> int | None:
        return None

    def spec(self, definition: Mapping[str, Any], around: Around) -> NumberSpec:
        scale = definition.get("scale", self.default_scale(around))
        if scale is not None and (
            not isinstance(scale, int) or isinstance(scale, bool) or not 0 <= scale <= limits.MAX_SCALE
        ):
            around.fault(
                "limit_scale", Phrase("scale is between 0 and {most}", most=limits.MAX_SCALE), "scale", None
            )
            scale = self.default_scale(around)
        low = self._bound(definition, "min", around, self.default_min)
        high = self._bound(definition, "max", around, self.default_max)
        if low is not None and high is not None and low > high:
            around.fault(
                "empty_range", Phrase("min {low} is above max {high}", low=low, high=high), "min", "swap them"
            )
        return NumberSpec(scale=scale, min=low, max=high, unit=definition.get("unit"))

    def _bound(
        self, definition: Mapping[str, Any], key: str, around: Around, silent: Decimal | None
    ) -> Decimal | None:
        raw = definition.get(key)
        if raw is None:
            return silent
        try:
            value = Decimal(raw) if not isinstance(raw, str) or PLAIN.fullmatch(raw) else None
        except (ArithmeticError, TypeError, ValueError):
            value = None
        if value is None or abs(value) >= limits.NUMBER_BOUND:
            around.fault("bad_bound", Phrase("{key} {raw!r} is not a number", key=key, raw=raw), key, None)
            return silent
        return value

    def range_faults(self, spec: NumberSpec, value: Decimal | int) -> list[Fault]:
        if spec.min is not None and value < spec.min:
            return [
                (
                    "too_small",
                    Phrase(
                        "{value} is below {min}",
                        value=decimal_text(Decimal(value)),
                        min=decimal_text(spec.min),
                    ),
                    None,
                )
            ]
        if spec.max is not None and value > spec.max:
            return [
                (
                    "too_large",
                    Phrase(
                        "{value} is above {max}",
                        value=decimal_text(Decimal(value)),
                        max=decimal_text(spec.max),
                    ),
                    None,
                )
            ]
        return []


class DecimalType(NumberType):
    """numeric; a Decimal of plain digits."""

    sql = "numeric"
    wire = "decimal text or integer"

    def read_wire(self, field: Field, raw: Any) -> Decimal | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            if isinstance(raw, float | Decimal):
                raise ValueFault(
                    "decimal_as_number",
                    "a number with decimals travels as text",
                    Phrase('write "{raw}" in quotes', raw=raw),
                )
            raise ValueFault(
                "not_number", Phrase("this is a number, not {raw}", raw=kind_word(raw)), 'for example "12.50"'
            )
        if isinstance(raw, str) and not PLAIN.fullmatch(raw):
            raise ValueFault(
                "not_number",
                Phrase("{raw} is not a plain number", raw=shown(raw)),
                'digits and one dot, for example "12.50"',
            )
        return self.bounded(Decimal(raw))

    @staticmethod
    def bounded(value: Decimal) -> Decimal:
        if value.copy_abs() >= limits.NUMBER_BOUND:
            raise ValueFault("limit_number", "a number stays below 10^25", None)
        return value if value else Decimal(0)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> Decimal | None:
        return self.bounded(plain_number(text, formats)) if text and not text.isspace() else None

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        if formats.decimal != ".":
            return lambda text: self.read_text(field, text, formats)
        digits = re.compile(r"-?[0-9]{1,24}(?:\.[0-9]{1,40})?", re.ASCII).fullmatch
        return lambda text: Decimal(text) if digits(text) else self.read_text(field, text, formats)

    def check(self, field: Field, value: Any) -> list[Fault]:
        if value is None:
            return []
        spec = field.number
        scale = limits.MAX_SCALE if spec.scale is None else spec.scale
        faults = self.range_faults(spec, value)
        if has_more_decimals(value, scale):
            word = {0: Phrase("no decimals"), 1: Phrase("one decimal")}.get(
                scale, Phrase("at most {scale} decimals", scale=scale)
            )
            faults.append(
                (
                    "too_many_decimals",
                    Phrase(
                        "{value} has too many decimals: {word} here", value=decimal_text(value), word=word
                    ),
                    "round it",
                )
            )
        return faults

    def checker(self, field: Field) -> Callable[[Any], list[Fault]]:
        spec = field.number
        low = -limits.NUMBER_BOUND if spec.min is None else spec.min
        high = limits.NUMBER_BOUND if spec.max is None else spec.max
        unit = Decimal(1)

        def quick(value: Any) -> list[Fault]:
            if low <= value <= high and value.same_quantum(unit):
                return []  # whole and inside: the rest need a look
            return self.check(field, value)

        return quick

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else decimal_text(value)

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return "" if value is None else decimal_text(value).replace(".", formats.decimal)

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return sa.cast(sa.func.trim_scale(columns[0]), sa.Text())


class DecimalNumber(DecimalType):
    name = "decimal"
    about = "a number with decimals, exact"


class Percent(DecimalType):
    name = "percent"
    about = "a percentage: 10 is 10 %"


class Money(DecimalType):
    name = "money"
    about = "an amount; decimals of its currency unless `scale` says more"

    def parts(self, shape: Shape) -> Parts:
        return (("", "numeric"), ("base", "numeric")) if shape.record_currency else super().parts(shape)

    def default_scale(self, around: Around) -> int | None:
        return RECORD_CURRENCY_SCALE if around.record_currency else currency_digits(around.currency)


class IntegerType(NumberType):
    """bigint."""

    sql = "bigint"
    keys: ClassVar[tuple[str, ...]] = ("min", "max", "unit")
    wire = "integer"

    def default_scale(self, around: Around) -> int | None:
        return 0

    def read_wire(self, field: Field, raw: Any) -> int | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueFault(
                "not_integer", Phrase("this is a whole number, not {raw}", raw=kind_word(raw)), "for example 12",
            )  # fmt: skip
        if isinstance(raw, str) and not INTEGER.fullmatch(raw):
            raise ValueFault(
                "not_integer", Phrase("{raw} is not a whole number", raw=shown(raw)), "digits only, for example 12",
            )  # fmt: skip
        return self.bounded(int(raw))

    @staticmethod
    def bounded(value: int) -> int:
        if not limits.BIGINT_MIN <= value <= limits.BIGINT_MAX:
            raise ValueFault("limit_integer", "a whole number stays within -2^63 and 2^63 - 1", None)
        return value

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> int | None:
        if not text or text.isspace():
            return None
        number = plain_number(text, formats)
        if has_more_decimals(number, 0):
            raise ValueFault("not_integer", Phrase("{text} is not a whole number", text=shown(text)), None)
        return self.bounded(int(number))

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        digits = re.compile(r"-?[0-9]{1,18}", re.ASCII).fullmatch
        return lambda text: int(text) if digits(text) else self.read_text(field, text, formats)

    def check(self, field: Field, value: Any) -> list[Fault]:
        return [] if value is None else self.range_faults(field.number, value)


class Integer(IntegerType):
    name = "integer"
    about = "a whole number"

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return None if value is None else str(value)


class Rating(IntegerType):
    name = "rating"
    about = "stars: 0 to `max`, five unless said"
    default_min = Decimal(0)
    default_max = Decimal(5)
    keys: ClassVar[tuple[str, ...]] = ("max",)


TYPES: Final = (Integer(), DecimalNumber(), Percent(), Money(), Rating())
