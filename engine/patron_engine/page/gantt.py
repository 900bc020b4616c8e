"""Gantt: the records of a question as bars on a time axis, in groups.

In: a connection, the frame of the call, a Question, which days at which scale. Out: a `Plan`: ticks, groups of rows, where
each bar begins and how long it is as parts of a hundred of the axis. At most `MOST_ROWS` are read; the page says when there
are more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg
from babel.dates import format_interval, format_skeleton

from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS
from patron_engine.page.cards import Card, choice_of
from patron_engine.page.paths import field_at
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, option_item
from patron_engine.page.spans import DAY, FIRST_WEEKDAY, Span, Spans, day_of, placed_in, spans_of
from patron_engine.query.call import Call

MOST_ROWS = 300  # bars of one plan; the page says when there are more

Axis = Literal["days", "weeks", "months"]
AXES: tuple[Axis, ...] = ("days", "weeks", "months")
DAYS, WEEKS, MONTHS = 42, 26, 24  # how much each axis shows
BEFORE = {"days": 7, "weeks": 28, "months": 184}  # days before the day asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """`x` and `width` are parts of a hundred of the axis; `over` is the larger unit that begins here, `free` a weekend."""

    label: str
    over: str
    x: float
    width: float
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One record. `before` and `beyond`: it goes on outside the axis."""

    card: Card
    span: Span
    x: float
    width: float
    before: bool
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    label: str
    color: str | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`days` is the length of the axis; `today` a part of a hundred, or None; `earlier` and `later` are days to go to."""

    axis: Axis
    title: str
    at: date
    earlier: date
    later: date
    days: int
    ticks: tuple[Tick, ...]
    groups: tuple[Group, ...]
    grouped: str
    today: float | None
    spans: Spans
    capped: bool
    latest: date | None = None


def plan_of(
    conn: psycopg.Connection[Any],
    call: Call,
    question: Question,
    reader: Reader,
    at: str,
    axis: str,
    secret: bytes,
) -> Plan | None:
    """The plan around a day; None for an object without dates."""
    spans = spans_of(call, question, reader)
    if spans is None:
        return None
    how: Axis = axis if axis in AXES else "weeks"
    day = day_of(at, reader.today)
    first, last = stretch(day, how, FIRST_WEEKDAY[call.model.workspace.week_from])
    length = (last - first).days + 1
    path, by = _by(call, question)
    found = placed_in(
        conn, call, question, spans, reader, (first, last), limit=MOST_ROWS, secret=secret, by=path
    )
    groups: dict[str, tuple[str, str | None, list[Bar]]] = {}
    for card, span, value in found.entries:
        key, label, color = _group(by, value, reader)
        groups.setdefault(key, (label, color, []))[2].append(_bar(card, span, first, last))
    step = (last - first + DAY) / 2
    return Plan(
        axis=how,
        title=_title(first, last, reader),
        at=day,
        earlier=day - step,
        later=day + step,
        days=length,
        ticks=ticks_of(first, last, how, reader),
        groups=tuple(
            Group(label=label, color=color, bars=tuple(bars)) for label, color, bars in groups.values()
        ),
        grouped=reader.say(by.label, by.name) if by else "",
        today=100 * ((reader.today - first).days + 0.5) / length if first <= reader.today <= last else None,
        spans=spans,
        capped=found.capped,
        latest=found.latest,
    )


def stretch(day: date, axis: Axis, begin: int) -> tuple[date, date]:
    """The first and last day of the axis: whole weeks or months."""
    first = day - BEFORE[axis] * DAY
    if axis == "months":
        first = first.replace(day=1)
        month = first.year * 12 + first.month - 1 + MONTHS
        return first, date(month // 12, month % 12 + 1, 1) - DAY
    first -= (first.weekday() - begin) % 7 * DAY
    return first, first + ((DAYS if axis == "days" else WEEKS * 7) - 1) * DAY


def ticks_of(first: date, last: date, axis: Axis, reader: Reader) -> tuple[Tick, ...]:
    """The units of the axis with what stands over them."""
    length = (last - first).days + 1
    made = []
    day = first
    while day <= last:
        if axis == "months":
            following = (day.replace(day=1) + 31 * DAY).replace(day=1)
        else:
            following = day + (1 if axis == "days" else 7) * DAY
        size = (following - day).days
        strong = day == first or (day.month == 1 if axis == "months" else day.day <= size)
        made.append(
            Tick(
                label=_label(day, axis, reader),
                over=_over(day, axis, reader) if strong else "",
                x=100 * (day - first).days / length,
                width=100 * size / length,
                free=axis == "days" and day.weekday() > 4,
            )
        )
        day = following
    return tuple(made)


def _label(day: date, axis: Axis, reader: Reader) -> str:
    return str(format_skeleton("MMM", day, locale=reader.locale)) if axis == "months" else str(day.day)


def _over(day: date, axis: Axis, reader: Reader) -> str:
    if axis == "months":
        return str(format_skeleton("y", day, locale=reader.locale))
    return str(format_skeleton("yMMM" if day.month == 1 else "MMM", day, locale=reader.locale))


def _title(first: date, last: date, reader: Reader) -> str:
    return str(format_interval(first, last, skeleton="yMMM", locale=reader.locale))


def _bar(card: Card, span: Span, first: date, last: date) -> Bar:
    length = (last - first).days + 1
    begin, end = max(span.first, first), min(span.last, last)
    return Bar(
        card=card,
        span=span,
        x=100 * (begin - first).days / length,
        width=100 * ((end - begin).days + 1) / length,
        before=span.first < first,
        beyond=span.last > last,
    )


def _by(call: Call, question: Question) -> tuple[str, Field | None]:
    """What makes the groups: a choice or one link."""
    path = question.group or ""
    field = field_at(call.model, call.actor, question.object, path) if path else None
    if field is None:
        return "", None
    single = field.type in LINKS and not field.link.many and not field.link.several
    return (path, field) if single or field.expr.kind == "choice" else ("", None)


def _group(by: Field | None, value: Any, reader: Reader) -> tuple[str, str, str | None]:
    """Its key, what it is called ("" for none) and its colour."""
    if by is None or value is None:
        return "", "", None
    if isinstance(value, Mapping):
        return str(value.get("id")), str(value.get("title") or UNTITLED), None
    if choice_of(by) is not None:
        item = option_item(by, str(value), reader)
        return str(value), item.text, item.color or "gray"
    return str(value), str(value), None
