"""Duration: a length of time, kept in seconds; people type and see hours and minutes.

In: seconds, or a text such as "1:30" or "2h 15m". Out: seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from patron_engine.fields.base import PLAIN_FORMATS, Around, TextFormats
from patron_engine.fields.characters import half_width
from patron_engine.fields.field import Field, NumberSpec
from patron_engine.fields.number import IntegerType
from patron_engine.fields.numerals import CLOCK, EXACT, SPAN, UNIT_SECONDS, plain_number
from patron_engine.phrases import Phrase


class Duration(IntegerType):
    name = "duration"
    about = "a length of time in seconds; `unit` is what people type and see"
    keys: ClassVar[tuple[str, ...]] = ("min", "max", "unit")
    wire = "seconds"

    def spec(self, definition: Mapping[str, Any], around: Around) -> NumberSpec:
        unit = definition.get("unit")
        if unit is not None and (not isinstance(unit, str) or unit not in UNIT_SECONDS):
            around.fault(
                "unknown_unit", Phrase("{unit!r} is no unit of time", unit=unit), "unit", "seconds, minutes, hours or days",
            )  # fmt: skip
        return super().spec(definition, around)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> int | None:
        plain = half_width(text).strip()
        if not plain:
            return None
        clock = CLOCK.fullmatch(plain)
        if clock:
            seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4] or 0)
            return -seconds if clock[1] else seconds
        span = SPAN.fullmatch(plain)
        if span and any(span.groups()):
            days, hours, minutes, rest = (int(g or 0) for g in span.groups())
            return self.bounded(days * 86400 + hours * 3600 + minutes * 60 + rest)
        unit = field.number.unit
        seconds_each = UNIT_SECONDS.get(unit, 1) if isinstance(unit, str) else 1
        return self.bounded(int(EXACT.multiply(plain_number(plain, formats), Decimal(seconds_each))))

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        """Hours, minutes, seconds: a bare number would mean the field's unit."""
        if value is None:
            return ""
        minutes, seconds = divmod(abs(value), 60)
        return f"{'-' if value < 0 else ''}{minutes // 60}:{minutes % 60:02}:{seconds:02}"

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        return lambda text: self.read_text(field, text, formats)


TYPES: Final = (Duration(),)
