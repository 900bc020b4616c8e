"""Moments: reading days, moments and times of day, strictly from JSON and tolerantly from what people write.

In: texts. Out: date, datetime in UTC, time, or a ValueFault. A local time that clocks skip means the moment after the gap,
one that comes twice the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from patron_engine.fields.base import TextFormats, ValueFault, kind_word
from patron_engine.fields.characters import half_width, shown
from patron_engine.phrases import Phrase

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
MOMENT: Final = re.compile(
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
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD: Final = r"(?P<m>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
_WORDED_DATES: Final = (
    re.compile(
        rf"(?P<d>[0-9]{{1,2}})[-/. ]?{_WORD}[-/., ]{{1,2}}(?P<y>[0-9]{{4}})", re.ASCII | re.IGNORECASE
    ),
    re.compile(
        rf"{_WORD} ?(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?[, ]{{1,2}}(?P<y>[0-9]{{4}})", re.ASCII | re.IGNORECASE
    ),
)
# A day as a spreadsheet counts them: 45356 is 2024-03-05; what stands behind the point is the time of day.
SERIAL: Final = re.compile(r"([0-9]{5})(\.[0-9]{1,15})?", re.ASCII)
_SERIAL_ZERO: Final = date(1899, 12, 30)
_LETTERS: Final[Mapping[str, str]] = MappingProxyType({
    "YYYY": r"(?P<y>[0-9]{4})", "YY": r"(?P<yy>[0-9]{2})", "MM": r"(?P<m>[0-9]{1,2})", "M": r"(?P<m>[0-9]{1,2})",
    "DD": r"(?P<d>[0-9]{1,2})", "D": r"(?P<d>[0-9]{1,2})",
})  # fmt: skip
_DATE_HINT: Final = Phrase("for example 2026-05-01")


@lru_cache(maxsize=200)
def date_form(form: str) -> re.Pattern[str]:
    """The pattern of a form like "MM/DD/YYYY". ValueError when it does not name a year, a month and a day."""
    pieces = re.split(r"(YYYY|YY|MM|M|DD|D)", form)
    letters = [p for p in pieces if p in _LETTERS]
    if sorted(p[0] for p in letters) != ["D", "M", "Y"]:
        raise ValueError(
            Phrase("{form!r} is not a form of dates: it names YYYY, MM and DD once each", form=form)
        )
    return re.compile("".join(_LETTERS[p] if p in _LETTERS else re.escape(p) for p in pieces), re.ASCII)


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueFault(
            "no_such_date", Phrase("{text} is not a day of the calendar", text=shown(text)), _DATE_HINT
        ) from None


def iso_date(raw: Any) -> date:
    """A date as it stands in JSON."""
    found = _DATE.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault(
            "not_date",
            Phrase("{what} is not a date", what=what),
            Phrase("year-month-day, {date_hint}", date_hint=_DATE_HINT),
        )
    return _day(int(found[1]), int(found[2]), int(found[3]), str(raw))


def loose_date(text: str, formats: TextFormats) -> date:
    """A date as people write it: the declared forms, or what can mean only one day: the year first, the month as a word, the
    days a spreadsheet counts."""
    plain = half_width(text).strip()
    head = (
        plain[:10]
        if MOMENT.fullmatch(plain)
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
    for pattern in _WORDED_DATES:
        found = pattern.fullmatch(head)
        if found:
            month = _MONTHS.index(found["m"][:3].lower()) + 1
            return _day(int(found["y"]), month, int(found["d"]), text)
    found = SERIAL.fullmatch(head)
    if found:
        return _SERIAL_ZERO + timedelta(days=int(found[1]))
    wanted = (
        " or ".join(formats.dates)
        if formats.dates
        else Phrase("year first, for example 2026-05-01, or declare the form")
    )
    raise ValueFault("not_date", Phrase("{text} is not a date", text=shown(text)), wanted)


def read_moment(raw: Any) -> datetime:
    """A moment as it stands in JSON."""
    found = MOMENT.fullmatch(raw) if isinstance(raw, str) else None
    if not found or "T" not in raw:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault(
            "not_moment",
            Phrase("{what} is not a moment", what=what),
            "ISO 8601, for example 2026-05-01T09:30:00+08:00",
        )
    if found[3] is None:
        raise ValueFault(
            "naive_moment",
            Phrase("{raw} has no offset", raw=shown(raw)),
            "add Z or an offset, for example +08:00",
        )
    return moment_of(found, raw)


def moment_text(value: datetime) -> str:
    """A moment in an answer: UTC with Z; microseconds only where there are any."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def moment_of(found: re.Match[str], raw: str) -> datetime:
    offset = "+00:00" if found[3] in ("Z", "z") else found[3]
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueFault(
            "no_such_moment", Phrase("{raw} is not a moment of the calendar", raw=shown(raw)), None
        ) from None


def serial_time(found: re.Match[str]) -> time:
    """The time of day behind the point of a spreadsheet's day, to the second."""
    seconds = round(float(found[2] or 0) * 86_400)
    return (datetime.min + timedelta(seconds=min(seconds, 86_399))).time()


def local_moment(day: date, clock: time, formats: TextFormats) -> datetime:
    """A local time as a moment: after a gap, the first of two."""
    try:
        return datetime.combine(day, clock, tzinfo=formats.zone).astimezone(UTC)  # fold=0 gives both rules
    except (ValueError, OverflowError):
        raise ValueFault(
            "no_such_moment",
            Phrase("{day} {clock} is not a moment of the calendar", day=day, clock=clock),
            None,
        ) from None


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
    raise ValueFault(
        "not_time",
        Phrase("{whole} has no time of day that can be read", whole=shown(whole)),
        "for example 09:30",
    )


def iso_time(raw: Any) -> time:
    """A time of day as it stands in JSON."""
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    if not found:
        what = shown(raw) if isinstance(raw, str) else kind_word(raw)
        raise ValueFault(
            "not_time", Phrase("{what} is not a time of day", what=what), "for example 09:30 or 09:30:00"
        )
    return time(int(found[1]), int(found[2]), int(found[3] or 0))
