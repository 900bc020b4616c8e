"""Spans: the lengths of time that definitions name: `15 minutes`, `2 workdays`, `3 months`.

In: a text, a moment, the workspace's calendar and zone. Out: the moment so much later (or earlier). Months and days are of
the wall clock, work hours and workdays of the calendar, the rest is exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from patron_engine.expr.context import Context

_TEXT: Final = re.compile(r"(-?)(\d{1,6}) (minute|hour|work_hour|day|workday|week|month)s?")
_EXACT: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS: Final = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`count` units; below zero for before."""

    count: int
    unit: str


def read_span(text: str) -> Span:
    """The span a text names. The schema of definitions lets no other text pass; ValueError for a value that was worked out.

    >>> read_span("-3 days")
    Span(count=-3, unit='day')
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no length of time")
    return Span(count=int(found[2]) * (-1 if found[1] else 1), unit=found[3])


def after(start: datetime, span: Span, context: Context) -> datetime:
    """The moment `span` after `start`."""
    if span.unit in _EXACT:
        return start + _EXACT[span.unit] * span.count
    if span.unit == "work_hour":
        moved = context.calendar.add_seconds if span.count >= 0 else context.calendar.take_seconds
        found = moved(context.local(start), abs(span.count) * 3600)
        return start if found is None else context.moment(found)
    local = context.local(start)
    if span.unit == "workday":
        day = context.calendar.add_workdays(local.date(), span.count)
        return start if day is None else context.moment(datetime.combine(day, local.time()))
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
