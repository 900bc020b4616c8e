"""Times: when schedules and dates come, and for which days a date is the one meant. Pure.

In: an event of an automation, a moment, the workspace's calendar and zone. Out: moments and days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any, Final

from cronsim import CronSim
from lunardate import LunarDate

from patron_engine.expr.context import Context
from patron_engine.flow.spans import Span, after, read_span

LATE: Final = timedelta(minutes=10)  # a time that was met later than this was missed
MOST: Final = 100  # planned times that are made up for at once; those after them are left out
COUNTED: Final = 10_000  # of the times that passed, how many are looked through
EVERY: Final = timedelta(minutes=5)  # how often moments with an offset in hours or minutes are looked at
EXACT: Final = frozenset({"minute", "hour", "work_hour"})
FIRST_HOUR: Final = time(9)  # of a date that names none


def span_of(event: Mapping[str, Any]) -> Span:
    return read_span(event.get("offset") or "0 days")


def is_exact(event: Mapping[str, Any]) -> bool:
    """Its time is a moment, not a day: what came since the last look is looked for every few minutes."""
    return event["event"] == "date" and span_of(event).unit in EXACT and not event.get("yearly")


def time_of_day(event: Mapping[str, Any]) -> time:
    return time.fromisoformat(event["at"]) if event.get("at") else FIRST_HOUR


def next_time(event: Mapping[str, Any], moment: datetime, context: Context) -> datetime | None:
    """The first time of the event after a moment; None when it never comes again."""
    if event["event"] == "schedule":
        local = moment.astimezone(context.zone)
        found = next(CronSim(event["cron"], local), None)
        return None if found is None else found.astimezone(UTC)
    if is_exact(event):
        return moment + EVERY
    wall = context.local(moment)
    at = time_of_day(event)
    day = wall.date() if wall.time() < at else wall.date() + timedelta(days=1)
    return context.moment(datetime.combine(day, at))


def due_times(
    event: Mapping[str, Any], planned: datetime, now: datetime, context: Context
) -> tuple[list[datetime], list[datetime]]:
    """The times from the planned one up to now: those that are carried out, by what the event says of missed ones, and those
    that are left out."""
    passed = takewhile(lambda at: at <= now, _times(event, planned, context))
    times = list(islice(passed, COUNTED))
    missed = event.get("missed") or ("once" if event["event"] == "schedule" else "all")
    if missed == "all":
        return times[:MOST], times[MOST:]
    if len(times) == COUNTED:  # who was away so long is not told of every minute
        times[-1] = _last(event, now, context)
    if missed == "once":
        return times[-1:], times[:-1]
    late = [t for t in times if now - t > LATE]
    return times[len(late) :], late


def _times(event: Mapping[str, Any], planned: datetime, context: Context) -> Iterator[datetime]:
    at: datetime | None = planned
    if event["event"] == "schedule":
        yield planned
        yield from (t.astimezone(UTC) for t in CronSim(event["cron"], planned.astimezone(context.zone)))
        return
    while at is not None:
        yield at
        at = next_time(event, at, context)


def _last(event: Mapping[str, Any], now: datetime, context: Context) -> datetime:
    """The last time of a schedule up to now."""
    after_now = now.astimezone(context.zone) + timedelta(microseconds=1)
    return next(CronSim(event["cron"], after_now, reverse=True)).astimezone(UTC)


def days_meant(event: Mapping[str, Any], day: date, context: Context) -> list[date]:
    """The days whose date, moved by the offset, is `day`."""
    span = span_of(event)
    if span.unit in ("day", "week"):
        return [day - timedelta(days=span.count * (7 if span.unit == "week" else 1))]
    far = abs(span.count) * (31 if span.unit == "month" else 3) + 30
    begin = day - timedelta(days=far) if span.count > 0 else day
    end = day if span.count > 0 else day + timedelta(days=far)
    days = (begin + timedelta(days=n) for n in range((end - begin).days + 1))
    return [d for d in days if _moved(d, span, context) == day]


def _moved(day: date, span: Span, context: Context) -> date:
    return context.local(after(context.moment(datetime.combine(day, time(12))), span, context)).date()


def anniversaries(days: list[date]) -> list[tuple[int, int]]:
    """(month, day) of dates that are kept on these days: the 29th of February on the 28th in other years."""
    found = [(d.month, d.day) for d in days]
    leap = [d for d in days if (d.month, d.day) == (2, 28) and not _leap(d.year)]
    return [*found, *[(2, 29)] * bool(leap)]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def lunar_anniversary(born: date, days: list[date]) -> bool:
    """Whether one of the days is the lunar birthday of somebody born on a solar day. A leap month counts as its month; the
    30th is kept on the 29th of a month without one."""
    if not 1901 <= born.year <= 2099:
        return False
    birth = LunarDate.from_solar_date(born.year, born.month, born.day)
    for day in days:
        if not 1901 <= day.year <= 2099 or day <= born:
            continue
        here = LunarDate.from_solar_date(day.year, day.month, day.day)
        if here.is_leap_month or here.month != birth.month:
            continue
        tomorrow = day + timedelta(days=1)
        last = LunarDate.from_solar_date(tomorrow.year, tomorrow.month, tomorrow.day).day == 1
        if here.day == birth.day or (birth.day == 30 and here.day == 29 and last):
            return True
    return False
