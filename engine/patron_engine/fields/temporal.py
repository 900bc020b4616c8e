"""Days and moments: date, datetime, time, date_range. A date has no zone; a moment is aware and kept in UTC.

On the wire dates are `2026-05-01` and moments ISO 8601 with an offset. In forms and files a moment without an offset is
local time of the declared zone: in the hour that clocks skip it means the moment after the gap, in the hour that comes
twice the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from patron_engine.expr.types import DATE, DATES, DATETIME, TIME, ExprType
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    Fault,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
)
from patron_engine.fields.characters import half_width
from patron_engine.fields.field import Field, Spec, TimeSpec
from patron_engine.fields.moments import (
    MOMENT,
    SERIAL,
    iso_date,
    iso_time,
    local_moment,
    loose_date,
    loose_time,
    moment_of,
    moment_text,
    read_moment,
    serial_time,
)
from patron_engine.phrases import Phrase


class Temporal(FieldType):
    """Days, moments and times share bounds: `min` and `max` in their wire form."""

    family = "time"
    keys: ClassVar[tuple[str, ...]] = ("min", "max")

    def spec(self, definition: Mapping[str, Any], around: Around) -> TimeSpec | None:
        bounds: dict[str, Any] = {}
        for key in ("min", "max"):
            raw = definition.get(key)
            if raw is not None:
                try:
                    bounds[key] = self.bound(raw)
                except ValueFault as fault:
                    around.fault(
                        "bad_bound",
                        Phrase("{key}: {message}", key=key, message=fault.message),
                        key,
                        fault.hint,
                    )
        if len(bounds) == 2 and bounds["min"] > bounds["max"]:
            around.fault("empty_range", "min is after max", "min", "swap them")
        return TimeSpec(**bounds) if bounds else None

    def bound(self, raw: Any) -> Any:
        return iso_date(raw)

    def check(self, field: Field, value: Any) -> list[Fault]:
        spec = field.spec
        if value is None or not isinstance(spec, TimeSpec):
            return []
        for end in [v for v in value.values() if v is not None] if isinstance(value, dict) else [value]:
            if spec.min is not None and end < spec.min:
                return [("too_small", Phrase("{end} is before {min}", end=end, min=spec.min), None)]
            if spec.max is not None and end > spec.max:
                return [("too_large", Phrase("{end} is after {max}", end=end, max=spec.max), None)]
        return []

    def checker(self, field: Field) -> Callable[[Any], list[Fault]] | None:
        return (lambda value: self.check(field, value)) if isinstance(field.spec, TimeSpec) else None


class Date(Temporal):
    name = "date"
    about = "a day, the same everywhere"
    sql = "date"
    wire = "YYYY-MM-DD"

    def expr_type(self, spec: Spec) -> ExprType:
        return DATE

    def read_wire(self, field: Field, raw: Any) -> date | None:
        return None if raw is None or raw == "" else iso_date(raw)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> date | None:
        return loose_date(text, formats) if text and not text.isspace() else None

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Callable[[str], Any]:
        return lru_cache(maxsize=20_000)(lambda text: self.read_text(field, text, formats))

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else value.isoformat()


class Moment(Temporal):
    name = "datetime"
    about = "a moment; shown in the reader's zone"
    sql = "timestamptz"
    wire = "ISO 8601 with an offset"

    def expr_type(self, spec: Spec) -> ExprType:
        return DATETIME

    def bound(self, raw: Any) -> Any:
        return read_moment(raw)

    def read_wire(self, field: Field, raw: Any) -> datetime | None:
        return None if raw is None or raw == "" else read_moment(raw)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> datetime | None:
        plain = half_width(text).strip()
        if not plain:
            return None
        found = MOMENT.fullmatch(plain)
        if found and found[3] is not None:
            return moment_of(found, text)
        if serial := SERIAL.fullmatch(plain):
            return local_moment(loose_date(serial[1], formats), serial_time(serial), formats)
        head, _, tail = plain.partition("T") if found and "T" in plain else plain.partition(" ")
        if "日" in head and not tail:
            head, mark, tail = plain.partition("日")
            head += mark
        day = loose_date(head, formats)
        return local_moment(day, loose_time(tail, text) if tail.strip() else time(), formats)

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else moment_text(value)

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        if value is None:
            return ""
        return str(value.astimezone(formats.zone).replace(tzinfo=None).isoformat(sep=" "))

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        utc = sa.func.timezone("UTC", columns[0])
        short = sa.func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        long = sa.func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        return sa.case((sa.func.date_trunc("second", columns[0]) == columns[0], short), else_=long)


class Time(Temporal):
    name = "time"
    about = "a time of day"
    sql = "time"
    wire = "HH:MM:SS"

    def expr_type(self, spec: Spec) -> ExprType:
        return TIME

    def bound(self, raw: Any) -> Any:
        return iso_time(raw)

    def read_wire(self, field: Field, raw: Any) -> time | None:
        return None if raw is None or raw == "" else iso_time(raw)

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> time | None:
        return loose_time(text, text) if text and not text.isspace() else None

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else value.isoformat()


class DateRange(Temporal):
    name = "date_range"
    about = "two days, both belonging to it; either may be open"
    sql = "date"
    wire = '{"from": date, "to": date}'

    def parts(self, shape: Shape) -> Parts:
        return (("from", "date"), ("to", "date"))

    def expr_type(self, spec: Spec) -> ExprType:
        return DATES

    def path_types(self, spec: Spec) -> Mapping[str, ExprType]:
        return MappingProxyType({"from": DATE, "to": DATE})

    def read_wire(self, field: Field, raw: Any) -> dict[str, date | None] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, Mapping) or not set(raw) <= {"from", "to"}:
            raise ValueFault(
                "not_range", "this is a range of days", '{"from": "2026-05-01", "to": "2026-05-31"}'
            )
        ends = {k: None if raw.get(k) in (None, "") else iso_date(raw[k]) for k in ("from", "to")}
        return self._ordered(ends)

    def _ordered(self, ends: dict[str, date | None]) -> dict[str, date | None] | None:
        first, last = ends["from"], ends["to"]
        if first is None and last is None:
            return None
        if first is not None and last is not None and first > last:
            raise ValueFault(
                "range_order",
                Phrase("the range ends ({last}) before it begins ({first})", last=last, first=first),
                "swap the two days",
            )
        return ends

    def read_text(
        self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS
    ) -> dict[str, date | None] | None:
        plain = half_width(text).strip()
        if not plain:
            return None
        for mark in (" – ", " - ", "~", "–", "至", " to ", ".."):
            first, found, last = plain.partition(mark)
            if found:
                return self._ordered({
                    "from": loose_date(first, formats) if first.strip() else None,
                    "to": loose_date(last, formats) if last.strip() else None,
                })  # fmt: skip
        day = loose_date(plain, formats)
        return {"from": day, "to": day}

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return tuple(None if value is None else value.get(c.part) for c in field.columns)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        ends = {c.part: v for c, v in zip(field.columns, parts, strict=True)}
        return ends if any(v is not None for v in ends.values()) else None

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else {k: None if v is None else v.isoformat() for k, v in value.items()}

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return (
            ""
            if value is None
            else " ~ ".join("" if v is None else v.isoformat() for v in (value["from"], value["to"]))
        )

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None


TYPES: Final = (Date(), Moment(), Time(), DateRange())
