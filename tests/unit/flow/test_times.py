"""When schedules and dates come."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.errors import Refused
from patron_engine.expr.calendar import WorkCalendar
from patron_engine.expr.context import Context
from patron_engine.flow.spans import after, is_span, read_span
from patron_engine.flow.times import (
    COUNTED,
    MOST,
    anniversaries,
    days_meant,
    due_times,
    lunar_anniversary,
    next_time,
)

WEEK = {day: ((time(9), time(12)), (time(13), time(18))) for day in range(1, 6)}
SHANGHAI = Context(
    now=datetime(2026, 5, 20, 4, tzinfo=UTC), zone=ZoneInfo("Asia/Shanghai"),
    calendar=WorkCalendar(week=WEEK, holidays=frozenset({date(2026, 5, 22)})),
)  # fmt: skip
BERLIN = Context(now=SHANGHAI.now, zone=ZoneInfo("Europe/Berlin"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("span", "begin", "end"),
    [
        ("15 minutes", "2026-05-20T04:00", "2026-05-20T04:15"),
        ("-3 days", "2026-05-20T04:00", "2026-05-17T04:00"),
        ("1 week", "2026-05-20T04:00", "2026-05-27T04:00"),
        ("2 workdays", "2026-05-20T04:00", "2026-05-25T04:00"),  # Thursday, then Monday: Friday is free
        ("4 work_hours", "2026-05-20T08:00", "2026-05-21T03:00"),  # 16 to 18, then 9 to 11
        ("-4 work_hours", "2026-05-21T03:00", "2026-05-20T08:00"),
        ("-2 work_hours", "2026-05-25T00:30", "2026-05-21T08:00"),  # before work on Monday; Friday is free
        ("1 month", "2026-01-31T04:00", "2026-02-28T04:00"),
        ("12 months", "2024-02-29T04:00", "2025-02-28T04:00"),
    ],
)
def test_spans_go_by_the_clock_on_the_wall_and_the_calendar(span: str, begin: str, end: str) -> None:
    assert after(at(begin), read_span(span), SHANGHAI) == at(end)


def test_a_span_beyond_the_calendar_is_a_century_and_no_span_is_refused() -> None:
    begin = at("2026-05-20T04:00")
    for span in ("999999 months", "999999 workdays", "999999 weeks"):
        assert after(begin, read_span(span), SHANGHAI).year == 2126, span
    assert not is_span("soon")
    with pytest.raises(Refused, match="'soon' is no length of time"):
        read_span("soon")


def test_a_day_is_a_day_of_the_zone() -> None:
    assert after(at("2026-03-28T12:00"), read_span("1 day"), BERLIN) == at("2026-03-29T11:00")


@pytest.mark.parametrize(
    ("event", "moment", "found"),
    [
        ({"event": "schedule", "cron": "0 3 * * 1"}, "2026-05-20T04:00", "2026-05-24T19:00"),
        ({"event": "schedule", "cron": "*/15 * * * *"}, "2026-05-20T04:00", "2026-05-20T04:15"),
        ({"event": "date", "field": "x", "at": "09:00"}, "2026-05-20T00:59", "2026-05-20T01:00"),
        ({"event": "date", "field": "x", "at": "09:00"}, "2026-05-20T01:00", "2026-05-21T01:00"),
        ({"event": "date", "field": "x", "offset": "-2 hours"}, "2026-05-20T01:00", "2026-05-20T01:05"),
    ],
)  # fmt: skip
def test_the_next_time(event: dict[str, Any], moment: str, found: str) -> None:
    assert next_time(event, at(moment), SHANGHAI) == at(found)


def test_missed_times_are_made_up_for_as_the_event_says() -> None:
    event = {"event": "schedule", "cron": "0 * * * *"}
    planned, now = at("2026-05-20T01:00"), at("2026-05-20T04:05")
    hours = [at(f"2026-05-20T0{h}:00") for h in (1, 2, 3, 4)]
    assert due_times({**event, "missed": "all"}, planned, now, SHANGHAI) == (hours, [])
    assert due_times({**event, "missed": "once"}, planned, now, SHANGHAI) == (hours[-1:], hours[:-1])
    assert due_times({**event, "missed": "skip"}, planned, now, SHANGHAI) == (hours[-1:], hours[:-1])
    assert due_times({**event, "missed": "skip"}, planned, at("2026-05-20T04:30"), SHANGHAI) == ([], hours)
    assert due_times(event, at("2026-05-20T05:00"), now, SHANGHAI) == ([], [])


def test_however_long_nobody_worked_the_last_time_is_the_one_made_up_for() -> None:
    every: dict[str, Any] = {"event": "schedule", "cron": "* * * * *"}
    planned = at("2026-05-20T01:00")
    last, left = due_times(every, planned, at("2026-05-20T06:00"), SHANGHAI)
    assert (last, len(left)) == ([at("2026-05-20T06:00")], 300)
    last, left = due_times(every, planned, at("2027-05-20T06:00"), SHANGHAI)
    assert (last, len(left)) == ([at("2027-05-20T06:00")], COUNTED - 1)
    made, left = due_times({**every, "missed": "all"}, planned, at("2026-05-20T03:00"), SHANGHAI)
    assert (len(made), len(left), left[-1]) == (MOST, 21, at("2026-05-20T03:00"))


def test_days_that_are_meant() -> None:
    day = date(2026, 5, 20)
    assert days_meant({"offset": "-3 days"}, day, SHANGHAI) == [date(2026, 5, 23)]
    assert days_meant({"offset": "7 days"}, day, SHANGHAI) == [date(2026, 5, 13)]
    assert days_meant({}, day, SHANGHAI) == [day]
    assert days_meant({"offset": "1 month"}, date(2026, 2, 28), SHANGHAI) == [
        date(2026, 1, d) for d in (28, 29, 30, 31)
    ]
    assert date(2026, 5, 21) in days_meant({"offset": "2 workdays"}, date(2026, 5, 26), SHANGHAI)


def test_birthdays() -> None:
    assert anniversaries([date(2025, 2, 28)]) == [(2, 28), (2, 29)]
    assert anniversaries([date(2024, 2, 28)]) == [(2, 28)]
    mid_autumn = date(2026, 9, 25)  # the 15th of the eighth month
    born = date(1990, 10, 3)  # it was one then, too
    assert lunar_anniversary(born, [mid_autumn])
    assert not lunar_anniversary(born, [date(2026, 10, 3)])
    assert not lunar_anniversary(date(1990, 10, 4), [mid_autumn])
