"""Which days a period shows, and how what overlaps stands side by side."""

from __future__ import annotations

from datetime import date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from patron_engine.page.calendar import Entry, day_of, neighbours, period, side_by_side
from patron_engine.page.cards import Card
from patron_engine.page.gantt import stretch, ticks_of
from patron_engine.page.reader import Reader
from patron_engine.page.spans import Span, Spans
from patron_engine.query.spec import quoted

TODAY = date(2026, 11, 26)  # a Thursday


def reader(zone: str = "Asia/Shanghai", language: str = "en") -> Reader:
    now = datetime(2026, 11, 26, 4, 0, tzinfo=ZoneInfo("UTC"))
    return Reader(languages=(language,), zone=ZoneInfo(zone), currency="CNY", now=now)


def spans(zone: str, *, end: str = "until", timed: bool = True) -> Spans:
    return Spans(start="at", end=end, timed=timed, reader=reader(zone), fields=("at",))


@pytest.mark.parametrize(
    ("begin", "first", "last"),
    [(0, date(2026, 10, 26), date(2026, 12, 6)), (6, date(2026, 11, 1), date(2026, 12, 5)),
     (5, date(2026, 10, 31), date(2026, 12, 4))],
)  # fmt: skip
def test_a_month_is_shown_in_whole_weeks(begin: int, first: date, last: date) -> None:
    assert period(TODAY, "month", begin) == (first, last)
    assert first.weekday() == begin and ((last - first).days + 1) % 7 == 0


def test_a_week_begins_as_the_workspace_says() -> None:
    assert period(TODAY, "week", 0) == (date(2026, 11, 23), date(2026, 11, 29))
    assert period(TODAY, "week", 6) == (date(2026, 11, 22), date(2026, 11, 28))
    assert period(date(2026, 11, 22), "week", 6)[0] == date(2026, 11, 22)


def test_going_on_by_months_leaves_no_month_out() -> None:
    day, seen = date(2026, 1, 31), []
    for _ in range(12):
        seen.append(day.month)
        day = neighbours(day, "month")[1]
    assert seen == list(range(1, 13))
    assert neighbours(date(2026, 3, 31), "month")[0] == date(2026, 2, 1)


@pytest.mark.parametrize("given", ["", "yesterday", "2026-02-30", "2026-11-26T10:00", "'; drop"])
def test_an_address_that_names_no_day_is_today(given: str) -> None:
    assert day_of(given, TODAY) == TODAY


def test_days_beyond_reason_are_brought_back() -> None:
    assert day_of("9999-12-31", TODAY) == date(2999, 12, 31)
    assert day_of("0001-01-01", TODAY) == date(1900, 1, 1)


def test_a_moment_stands_on_the_day_of_the_reader() -> None:
    record = {"at": "2026-11-26T18:30:00Z", "until": "2026-11-26T19:30:00Z"}
    shanghai, york = spans("Asia/Shanghai").of(record), spans("America/New_York").of(record)
    assert shanghai == Span(
        first=date(2026, 11, 27), last=date(2026, 11, 27), at=time(2, 30), until=time(3, 30)
    )
    assert york == Span(first=TODAY, last=TODAY, at=time(13, 30), until=time(14, 30))


def test_what_has_one_end_stands_on_that_day_and_an_end_before_the_beginning_is_none() -> None:
    days = spans("UTC", timed=False)
    assert days.of({"at": None, "until": "2026-11-26"}) == Span(first=TODAY, last=TODAY)
    assert days.of({"at": "2026-11-26", "until": "2026-11-01"}) == Span(first=TODAY, last=TODAY)
    assert days.of({"at": None, "until": None}) is None


def test_the_condition_names_the_readers_midnight() -> None:
    assert "'2026-11-26T00:00:00-05:00'" in spans("America/New_York").touching(TODAY, TODAY)
    assert "'2026-11-27'" in spans("UTC", timed=False).touching(TODAY, TODAY)


def entry(slot: int, length: int, id: str) -> Entry:
    card = Card(id=id, version=1, title=id, record={})
    span = Span(first=TODAY, last=TODAY)
    return Entry(card=card, span=span, begins=True, ends=True, slot=slot, length=length)


def test_what_overlaps_stands_side_by_side() -> None:
    made = {
        e.card.id: (e.lane, e.lanes)
        for e in side_by_side([entry(20, 4, "a"), entry(21, 2, "b"), entry(24, 2, "c")])
    }
    assert made == {"a": (0, 2), "b": (1, 2), "c": (0, 1)}


def test_a_lane_that_is_free_again_is_used_again() -> None:
    made = {e.card.id: e.lane for e in side_by_side([entry(0, 10, "a"), entry(0, 2, "b"), entry(2, 2, "c")])}
    assert made == {"a": 0, "b": 1, "c": 1}


@pytest.mark.parametrize("axis", ["days", "weeks", "months"])
def test_ticks_fill_the_axis_without_a_gap(axis: str) -> None:
    first, last = stretch(TODAY, axis, 0)  # type: ignore[arg-type]
    assert first <= TODAY <= last
    ticks = ticks_of(first, last, axis, reader())  # type: ignore[arg-type]
    assert ticks[0].x == 0 and abs(ticks[-1].x + ticks[-1].width - 100) < 0.001
    for before, after in pairwise(ticks):
        assert abs(before.x + before.width - after.x) < 0.001


def test_a_text_in_a_condition_stays_a_text() -> None:
    assert quoted("a' or 'b\\") == "'a\\' or \\'b\\\\'"


def test_what_ends_at_midnight_does_not_reach_the_next_day() -> None:
    night = spans("UTC").of({"at": "2026-11-26T22:00:00Z", "until": "2026-11-27T00:00:00Z"})
    assert night is not None and night.last == TODAY and night.hourly


def test_a_night_stands_among_the_hours_of_both_days_and_a_journey_does_not() -> None:
    night = spans("UTC").of({"at": "2026-11-26T22:00:00Z", "until": "2026-11-27T02:00:00Z"})
    journey = spans("UTC").of({"at": "2026-11-26T22:00:00Z", "until": "2026-11-27T23:00:00Z"})
    assert night is not None and night.hourly and night.days == 2
    assert journey is not None and not journey.hourly
