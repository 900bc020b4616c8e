"""Calendar: the records of a question on the days they belong to: a month, a week, a day, or a list of coming days.

In: a connection, the frame of the call, a Question, which days. Out: a `Calendar`: weeks of days with what stands on each,
bars over several days in the same lane of a week, hours where records have them, holidays and make-up workdays of the
workspace's calendar. At most `MOST_RECORDS` are read; the page says when there are more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import psycopg
from babel.dates import format_date, format_interval, format_skeleton, get_day_names

from patron_engine.access.decide import readable
from patron_engine.page.cards import Card
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.spans import DAY, FIRST_WEEKDAY, Placed, Span, Spans, day_of, placed_in, spans_of
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, quoted
from patron_engine.ways.read import read

MOST_RECORDS = 1_000  # of one period; the page says when there are more
LANES = 4  # rows of a day in a month
AGENDA_DAYS = 31  # days an agenda looks ahead
SLOTS = 48  # half hours of a day

Scale = Literal["month", "week", "day", "agenda"]
SCALES: tuple[Scale, ...] = ("month", "week", "day", "agenda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record on one day. `begins` and `ends` say whether its span does so here; `at` is its time as text."""

    card: Card
    span: Span
    begins: bool
    ends: bool
    at: str = ""
    slot: int = 0  # half hour it begins at, and how many it lasts, where it has hours
    length: int = 1
    lane: int = 0
    lanes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A day off, or a day that is worked through."""

    name: str
    works: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """`lanes` is what a month shows, None keeping a row free; `more` is how many are not among them; `whole` and `timed` are
    the parts of a week: without and with hours."""

    date: date
    label: str
    today: bool
    outside: bool
    mark: Mark | None
    entries: tuple[Entry, ...] = ()
    lanes: tuple[Entry | None, ...] = ()
    more: int = 0
    whole: tuple[Entry, ...] = ()
    timed: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """`at`, `before`, `after` are days of this period and its neighbours; `latest` is where an empty one leads to."""

    scale: Scale
    title: str
    at: date
    before: date
    after: date
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[Day, ...], ...]
    spans: Spans
    hours: bool
    capped: bool
    latest: date | None = None
    now: int | None = None  # the five minutes of the day it is, where today is shown


def calendar_of(
    conn: psycopg.Connection[Any],
    call: Call,
    question: Question,
    reader: Reader,
    at: str,
    scale: str,
    secret: bytes,
) -> Calendar | None:
    """The calendar of a period; None for an object without dates. What an address says wrongly is today, is a month."""
    spans = spans_of(call, question, reader)
    if spans is None:
        return None
    how: Scale = scale if scale in SCALES else "month"
    day = day_of(at, reader.today)
    begin = FIRST_WEEKDAY[call.model.workspace.week_from]
    first, last = period(day, how, begin)
    asked = question if how != "month" else replace(question, columns=())
    found = placed_in(conn, call, asked, spans, reader, (first, last), limit=MOST_RECORDS, secret=secret)
    marks = marks_of(conn, call, first, last)
    days = [
        _day(first + timedelta(days=n), day, how, reader, found, marks)
        for n in range((last - first).days + 1)
    ]
    weeks = [tuple(days[n : n + 7]) for n in range(0, len(days), 7)] if how == "month" else [tuple(days)]
    before, after = neighbours(day, how)
    return Calendar(
        scale=how,
        title=_title(day, first, last, how, reader),
        at=day,
        before=before,
        after=after,
        weekdays=tuple(_weekday(first + timedelta(days=n), reader) for n in range(7)),
        weeks=tuple(_laned(week) if how == "month" else week for week in weeks),
        spans=spans,
        hours=spans.timed and how in ("week", "day"),
        capped=found.capped,
        latest=found.latest,
        now=_part_of_day(reader) if first <= reader.today <= last else None,
    )


def period(day: date, scale: Scale, begin: int) -> tuple[date, date]:
    """The first and the last day that are shown. `begin` is the weekday a week begins with, 0 for Monday.

    >>> period(date(2026, 11, 26), "month", 0)
    (datetime.date(2026, 10, 26), datetime.date(2026, 12, 6))
    """
    if scale == "day":
        return day, day
    if scale == "agenda":
        return day, day + (AGENDA_DAYS - 1) * DAY
    if scale == "week":
        first = day - (day.weekday() - begin) % 7 * DAY
        return first, first + 6 * DAY
    start = day.replace(day=1)
    end = (start + 31 * DAY).replace(day=1) - DAY
    first = start - (start.weekday() - begin) % 7 * DAY
    return first, end + (begin - 1 - end.weekday()) % 7 * DAY


def neighbours(day: date, scale: Scale) -> tuple[date, date]:
    """A day of the period before and after."""
    if scale == "month":
        start = day.replace(day=1)
        return (start - DAY).replace(day=1), (start + 31 * DAY).replace(day=1)
    step = {"week": 7, "day": 1, "agenda": AGENDA_DAYS}[scale] * DAY
    return day - step, day + step


def marks_of(conn: psycopg.Connection[Any], call: Call, first: date, last: date) -> Mapping[date, Mark]:
    """Days off and make-up workdays of the workspace's calendar, for whom they are to read."""
    code = call.model.workspace.calendar
    fields = readable(call.model, call.actor, "calendar_day")
    if code is None or not {"day", "kind", "name", "calendar"} <= fields.keys():
        return {}
    ask = Ask(
        object="calendar_day", fields=("day", "kind", "name"), limit=MOST_RECORDS,
        where=f"calendar.code == {quoted(code)} and day >= '{first}' and day <= '{last}'",
    )  # fmt: skip
    rows = read(conn, call, ask, secret=b"").rows()
    return {
        date.fromisoformat(r["day"]): Mark(name=r.get("name") or "", works=r.get("kind") == "workday")
        for r in rows
    }


# -- days ---------------------------------------------------------------------------------------------------------


def _day(
    day: date,
    at: date,
    scale: Scale,
    reader: Reader,
    found: Placed,
    marks: Mapping[date, Mark],
) -> Day:
    entries = [
        _entry(card, span, day, reader) for card, span, _ in found.entries if span.first <= day <= span.last
    ]
    entries.sort(
        key=lambda e: (-e.span.days, e.span.first, e.span.at is not None, str(e.span.at), e.card.title)
    )
    hours = [e for e in entries if e.span.hourly]
    return Day(
        date=day,
        label=_label(day, scale, reader),
        today=day == reader.today,
        outside=scale == "month" and day.month != at.month,
        mark=marks.get(day),
        entries=tuple(entries),
        whole=tuple(e for e in entries if e not in hours),
        timed=side_by_side(hours),
    )


def _entry(card: Card, span: Span, day: date, reader: Reader) -> Entry:
    begins, ends = span.first == day, span.last == day
    at = reader.clock(span.at) if span.at is not None and begins else ""
    slot, length = 0, 1
    if span.hourly and span.at is not None:
        slot = min(span.at.hour * 2 + span.at.minute // 30, SLOTS - 1) if begins else 0
        until = span.until or span.at
        end = until.hour * 2 + -(-until.minute // 30) if ends else SLOTS
        length = min(max(end - slot, 1), SLOTS - slot)
    return Entry(card=card, span=span, begins=begins, ends=ends, at=at, slot=slot, length=length)


def _part_of_day(reader: Reader) -> int:
    """How many five minutes of the day have gone by in his zone."""
    here = reader.now.astimezone(reader.zone)
    return (here.hour * 60 + here.minute) // 5


def side_by_side(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """What overlaps stands side by side: `lane` of `lanes`."""
    ordered = sorted(entries, key=lambda e: (e.slot, -e.length))
    made: list[Entry] = []
    group: list[Entry] = []
    end = -1
    for entry in [*ordered, None]:
        if group and (entry is None or entry.slot >= end):
            width = max(e.lane for e in group) + 1
            made += [replace(e, lanes=width) for e in group]
            group, end = [], -1
        if entry is not None:
            taken = {e.lane for e in group if e.slot + e.length > entry.slot}
            lane = next(n for n in range(len(group) + 1) if n not in taken)
            group.append(replace(entry, lane=lane))
            end = max(end, entry.slot + entry.length)
    return tuple(made)


def _laned(week: tuple[Day, ...]) -> tuple[Day, ...]:
    """The days of one week with their rows: a bar keeps its row from day to day; what does not fit is counted."""
    rows: list[dict[str, Entry]] = [{} for _ in week]
    lanes: dict[str, int] = {}
    made = []
    for index, day in enumerate(week):
        held = {lanes[e.card.id] for e in day.entries if e.card.id in lanes}
        for entry in day.entries:
            if entry.card.id not in lanes:
                lanes[entry.card.id] = next(n for n in range(len(held) + 1) if n not in held)
                held.add(lanes[entry.card.id])
            rows[index][entry.card.id] = entry
        at = {lanes[id]: entry for id, entry in rows[index].items()}
        room = LANES if max(at, default=0) < LANES else LANES - 1
        shown = [at.get(n) for n in range(min(max(at, default=-1) + 1, room))]
        more = len(at) - sum(entry is not None for entry in shown)
        made.append(replace(day, lanes=tuple(shown), more=more))
    return tuple(made)


# -- words --------------------------------------------------------------------------------------------------------


def _title(day: date, first: date, last: date, scale: Scale, reader: Reader) -> str:
    if scale == "month":
        return str(format_skeleton("yMMMM", day, locale=reader.locale))
    if scale == "day":
        return str(format_date(day, format="full", locale=reader.locale))
    return str(format_interval(first, last, skeleton="yMMMd", locale=reader.locale))


def _label(day: date, scale: Scale, reader: Reader) -> str:
    if scale == "month":
        return str(day.day)
    return str(format_skeleton("MMMEd" if scale != "agenda" else "MMMMEEEEd", day, locale=reader.locale))


def _weekday(day: date, reader: Reader) -> str:
    return str(get_day_names("abbreviated", locale=reader.locale)[day.weekday()])
