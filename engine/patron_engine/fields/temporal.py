"""Days and moments: date, datetime, time, date_range. A date has no zone; a moment is aware and kept in UTC.

On the wire dates are `2026-05-01` and moments ISO 8601 with an offset. In forms and files a moment without an offset is
local time of the declared zone: in the hour that clocks skip it means the moment after the gap, in the hour that comes
twice the first one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
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
    kind_word,
)
from patron_engine.fields.characters import half_width, shown
from patron_engine.fields.field import Field, Spec, TimeSpec

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(Z|z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_LOOSE_TIME: Final = re.compile(r"(上午|下午|晚上|中午|凌晨|AM|PM)?\s*([0-9]{1,2})[:时時点點]([0-9]{1,2})?[:分]?([0-9]{1,2})?秒?(?:\.0+)?\s*(AM|PM)?",
                                re.ASCII | re.IGNORECASE)  # fmt: skip
# What can mean only one day: the year first.
_CLEAR_DATES: Final = (
    re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", re.ASCII),
    re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})[日号號]?", re.ASCII),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII),
)
_LETTERS: Final[Mapping[str, str]] = MappingProxyType({
    "YYYY": r"(?P<y>[0-9]{4})", "YY": r"(?P<yy>[0-9]{2})", "MM": r"(?P<m>[0-9]{1,2})", "M": r"(?P<m>[0-9]{1,2})",
    "DD": r"(?P<d>[0-9]{1,2})", "D": r"(?P<d>[0-9]{1,2})",
})  # fmt: skip
_DATE_HINT: Final = "for example 2026-05-01"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=200)
def date_form(form: str) -> re.Pattern[str]:
    """The pattern of a form like "MM/DD/YYYY". ValueError when it does not name a year, a month and a day."""
    pieces = re.split(r"(YYYY|YY|MM|M|DD|D)", form)
    letters = [p for p in pieces if p in _LETTERS]
    if sorted(p[0] for p in letters) != ["D", "M", "Y"]:
        raise ValueError(f"{form!r} is not a form of dates: it names YYYY, MM and DD once each")
    return re.compile("".join(_LETTERS[p] if p in _LETTERS else re.escape(p) for p in pieces), re.ASCII)


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueFault("no_such_date", f"{shown(text)} is not a day of the calendar", _DATE_HINT) from None


def iso_date(raw: Any) -> date:
    """A date as it stands in JSON."""
    found = _DATE.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault("not_date", f"{what} is not a date", f"year-month-day, {_DATE_HINT}")
    return _day(int(found[1]), int(found[2]), int(found[3]), str(raw))


def loose_date(text: str, formats: TextFormats) -> date:
    """A date as people write it: the declared forms, or one that begins with the year."""
    plain = half_width(text).strip()
    head = (
        plain[:10]
        if _MOMENT.fullmatch(plain)
        else plain.removesuffix(" 00:00:00").removesuffix(" 0:00").removesuffix(" 00:00")
    )
    for form in formats.dates:
        found = date_form(form).fullmatch(head)
        if found:
            group = found.groupdict()
            year = int(group["y"]) if group.get("y") else 2000 + int(group["yy"])
            return _day(year, int(group["m"]), int(group["d"]), text)
    for pattern in _CLEAR_DATES:
        found = pattern.fullmatch(head)
        if found:
            return _day(int(found[1]), int(found[2]), int(found[3]), text)
    wanted = (
        " or ".join(formats.dates)
        if formats.dates
        else "year first, for example 2026-05-01, or declare the form"
    )
    raise ValueFault("not_date", f"{shown(text)} is not a date", wanted)


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
                    around.fault("bad_bound", f"{key}: {fault.message}", key, fault.hint)
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
                return [("too_small", f"{end} is before {spec.min}", None)]
            if spec.max is not None and end > spec.max:
                return [("too_large", f"{end} is after {spec.max}", None)]
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
        found = _MOMENT.fullmatch(plain)
        if found and found[3] is not None:
            return _moment(found, text)
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


def read_moment(raw: Any) -> datetime:
    """A moment as it stands in JSON."""
    found = _MOMENT.fullmatch(raw) if isinstance(raw, str) else None
    if not found or "T" not in raw:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault(
            "not_moment", f"{what} is not a moment", "ISO 8601, for example 2026-05-01T09:30:00+08:00"
        )
    if found[3] is None:
        raise ValueFault(
            "naive_moment", f"{shown(raw)} has no offset", "add Z or an offset, for example +08:00"
        )
    return _moment(found, raw)


def moment_text(value: datetime) -> str:
    """A moment in an answer: UTC with Z; microseconds only where there are any."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _moment(found: re.Match[str], raw: str) -> datetime:
    offset = "+00:00" if found[3] in ("Z", "z") else found[3]
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueFault("no_such_moment", f"{shown(raw)} is not a moment of the calendar", None) from None


def local_moment(day: date, clock: time, formats: TextFormats) -> datetime:
    """A local time as a moment: after a gap, the first of two."""
    try:
        return datetime.combine(day, clock, tzinfo=formats.zone).astimezone(UTC)  # fold=0 gives both rules
    except (ValueError, OverflowError):
        raise ValueFault("no_such_moment", f"{day} {clock} is not a moment of the calendar", None) from None


def loose_time(text: str, whole: str) -> time:
    found = _LOOSE_TIME.fullmatch(half_width(text).strip())
    if found:
        hour, minute, second = int(found[2]), int(found[3] or 0), int(found[4] or 0)
        half = (found[1] or found[5] or "").upper()
        if half in ("PM", "下午", "晚上") and hour < 12:
            hour += 12
        if half in ("AM", "上午", "凌晨") and hour == 12:
            hour = 0
        if hour < 24 and minute < 60 and second < 60:
            return time(hour, minute, second)
    raise ValueFault("not_time", f"{shown(whole)} has no time of day that can be read", "for example 09:30")


def iso_time(raw: Any) -> time:
    """A time of day as it stands in JSON."""
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault("not_time", f"{what} is not a time of day", "for example 09:30 or 09:30:00")
    return time(int(found[1]), int(found[2]), int(found[3] or 0))


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
                "range_order", f"the range ends ({last}) before it begins ({first})", "swap the two days"
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


def duration_seconds(value: timedelta | int) -> int:
    """A length of time as whole seconds."""
    return int(value.total_seconds()) if isinstance(value, timedelta) else int(value)


TYPES: Final = (Date(), Moment(), Time(), DateRange())
