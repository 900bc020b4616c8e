"""Spans: the lengths of time that definitions name: `15 minutes`, `2 workdays`, `3 months`.

In: a text, a moment, the workspace's calendar and zone. Out: the moment so much later (or earlier). Months and days are of
the wall clock, work hours and workdays of the calendar, the rest is exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from patron_engine.errors import Refused
from patron_engine.expr.context import Context
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

_TEXT: Final = re.compile(r"(-?)(\d{1,6}) (minute|hour|work_hour|day|workday|week|month)s?")
_EXACT: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS: Final = {"day": 1, "week": 7}
_FAR: Final = timedelta(days=36_525)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`count` units; below zero for before."""

    count: int
    unit: str


def read_span(text: str) -> Span:
    """The span a text names. The schema of definitions lets no other text pass; Refused for a value that was worked out.

    >>> read_span("-3 days")
    Span(count=-3, unit='day')
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        said = Phrase("{text!r} is no length of time", text=text[:60])
        raise Refused(
            [Problem(code="duration", message=said, hint=Phrase("write it as 4 hours or 2 workdays"))]
        )
    return Span(count=int(found[2]) * (-1 if found[1] else 1), unit=found[3])


def is_span(text: str) -> bool:
    """Whether a text that was worked out names a span."""
    return _TEXT.fullmatch(text.strip()) is not None


def after(start: datetime, span: Span, context: Context) -> datetime:
    """The moment `span` after `start`; a century away where the calendar does not reach so far."""
    try:
        found = _after(start, span, context)
    except (ValueError, OverflowError):
        found = None
    return found if found is not None else start + (_FAR if span.count >= 0 else -_FAR)


def _after(start: datetime, span: Span, context: Context) -> datetime | None:
    if span.unit in _EXACT:
        return start + _EXACT[span.unit] * span.count
    if span.unit == "work_hour":
        moved = context.calendar.add_seconds if span.count >= 0 else context.calendar.take_seconds
        found = moved(context.local(start), abs(span.count) * 3600)
        return None if found is None else context.moment(found)
    local = context.local(start)
    if span.unit == "workday":
        day = context.calendar.add_workdays(local.date(), span.count)
        return None if day is None else context.moment(datetime.combine(day, local.time()))
    if span.unit == "month":
        return context.moment(_months(local, span.count))
    return context.moment(local + timedelta(days=_DAYS[span.unit] * span.count))


def _months(local: datetime, count: int) -> datetime:
    """The same day so many months later; the last of the month where it has no such day."""
    month = local.year * 12 + local.month - 1 + count
    year, number = divmod(month, 12)
    following = datetime(year + number // 11, (number + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return local.replace(year=year, month=number + 1, day=min(local.day, last))
