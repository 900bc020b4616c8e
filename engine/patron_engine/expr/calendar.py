"""The working calendar: hours of each weekday, holidays, make-up days. In: a calendar record's data. Out: counting.

A value without zone: callers convert moments to wall clocks first. Spans are (from, to) of one day, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from patron_engine.expr.limits import WORK_LIMIT

Spans = tuple[tuple[time, time], ...]
_DAY: Final = timedelta(days=1)
_END: Final = time.max  # written as the end of a day: counts to midnight


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """
    week      ISO weekday (1 Monday … 7 Sunday) -> its spans; a missing day is free
    holidays  days that are free whatever the weekday
    workdays  days that are worked whatever the weekday (调休), with their spans; () takes Monday's
    """

    week: Mapping[int, Spans]
    holidays: frozenset[date] = frozenset()
    workdays: Mapping[date, Spans] = field(default_factory=lambda: MappingProxyType({}))

    def spans(self, day: date) -> Spans:
        """The working spans of a day; () when it is free."""
        made_up = self.workdays.get(day)
        if made_up is not None:
            return made_up or self.week.get(1) or next((s for s in self.week.values() if s), ())
        return () if day in self.holidays else self.week.get(day.isoweekday(), ())

    def works(self, day: date) -> bool:
        return bool(self.spans(day))

    def workdays_between(self, first: date, last: date) -> int:
        """Working days from `first` to `last`, both included; negative when `last` is before `first`."""
        if last < first:
            return -self.workdays_between(last, first)
        return sum(self.works(first + timedelta(days=i)) for i in range((last - first).days + 1))

    def add_workdays(self, day: date, count: int) -> date | None:
        """The working day `count` working days after `day` (before, when negative); None beyond the limits."""
        step = _DAY if count >= 0 else -_DAY
        left, tries = abs(count), 0
        while left:
            tries += 1
            if tries > 20 * WORK_LIMIT or not date.min < day < date.max:
                return None
            day += step
            left -= self.works(day)
        return day

    def seconds_between(self, start: datetime, end: datetime) -> float:
        """Working seconds from one wall clock to another; negative when reversed."""
        if end < start:
            return -self.seconds_between(end, start)
        total = 0.0
        day = start.date()
        while day <= end.date():
            for opens, closes in self._moments(day):
                total += max((min(closes, end) - max(opens, start)).total_seconds(), 0.0)
            if day == date.max:
                break
            day += _DAY
        return total

    def add_seconds(self, start: datetime, seconds: float) -> datetime | None:
        """The wall clock when `seconds` of work have passed since `start`; None beyond the limits or backwards."""
        day, left = start.date(), seconds
        for _ in range(20 * WORK_LIMIT):
            for opens, closes in self._moments(day):
                begin = max(opens, start)
                room = (closes - begin).total_seconds()
                if room > 0 and left <= room:
                    return begin + timedelta(seconds=left)
                left -= max(room, 0.0)
            if day == date.max:
                return None
            day += _DAY
        return None

    def take_seconds(self, end: datetime, seconds: float) -> datetime | None:
        """The wall clock since which `seconds` of work have passed at `end`; None beyond the limits."""
        day, left = end.date(), seconds
        for _ in range(20 * WORK_LIMIT):
            for opens, closes in reversed(self._moments(day)):
                until = min(closes, end)
                room = (until - opens).total_seconds()
                if room > 0 and left <= room:
                    return until - timedelta(seconds=left)
                left -= max(room, 0.0)
            if day == date.min:
                return None
            day -= _DAY
        return None

    def _moments(self, day: date) -> list[tuple[datetime, datetime]]:
        at = datetime.combine
        return [
            (
                at(day, a),
                at(day, b) if b != _END else at(day, time()) + _DAY - timedelta(microseconds=day == date.max),
            )
            for a, b in self.spans(day)
        ]


ALWAYS: Final = WorkCalendar(week=MappingProxyType({d: ((time(), _END),) for d in range(1, 8)}))
