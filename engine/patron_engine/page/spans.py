"""Spans: from when until when a record stands in a calendar or plan: which fields say so, and what they say to a reader.

In: a Question, and records of an answer. Out: `Spans`: the condition "touches these days", the span of a record in the
reader's zone, the fields that a move to other days changes; and the last day there is anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg

from patron_engine.access.decide import readable, writable
from patron_engine.access.pick import documents_for
from patron_engine.fields.field import Field
from patron_engine.page.cards import Card, Cards, narrowed
from patron_engine.page.paths import field_at
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.page.show import moment_of
from patron_engine.query.call import Call
from patron_engine.ways.read import read

DAY = timedelta(days=1)
LAST_DAY = date(9999, 12, 30)
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)  # days one may look at
FIRST_WEEKDAY = {"monday": 0, "sunday": 6, "saturday": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days, both included. `at` and `until` are times of the first and last day, where there are any."""

    first: date
    last: date
    at: time | None = None
    until: time | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def hourly(self) -> bool:
        """It has hours and is shorter than a day: it stands among the hours of its days."""
        if self.at is None:
            return False
        return self.days == 1 or (self.days == 2 and (self.until or time()) < self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """`start` and `end` are paths of a day or a moment; `end` is "" where only a beginning is kept."""

    start: str
    end: str
    timed: bool
    reader: Reader
    fields: tuple[str, ...]  # what a move writes; () where it may not be moved

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.start, self.end) if self.end else (self.start,)

    def touching(self, first: date, last: date) -> str:
        """The condition: some of it lies in these days. What has one end only stands on that day."""
        a, b, low, high = self.start, self.end, self._bound(first), self._bound(last + DAY)
        alone = f"{a} >= {low} and {a} < {high}"
        if not b:
            return alone
        both = f"({a} < {high} and {b} >= {low})"
        return f"({both} or ({b} == None and {alone}) or ({a} == None and {b} >= {low} and {b} < {high}))"

    def of(self, record: Mapping[str, Any]) -> Span | None:
        """Where a record stands; None without any date. An end before its beginning is its beginning."""
        starts, ends = record.get(self.start), record.get(self.end) if self.end else None
        begin, finish = starts or ends, ends or starts
        if begin is None or finish is None:
            return None
        (first, at), (last, until) = self._local(begin), self._local(finish)
        if until == time() and last > first:  # until midnight: the day before is its last
            last, until = last - DAY, time(23, 59)
        if (last, until or time.max) < (first, at or time.min):
            last, until = first, at
        return Span(first=first, last=last, at=at, until=until)

    def fill(self, day: date) -> dict[str, str]:
        """Parameters of the address of a new record on a day."""
        name = self.start.split(".")[0]
        return {f"fill.{name}": f"{day.isoformat()}T09:00" if self.timed else day.isoformat()}

    def _bound(self, day: date) -> str:
        day = min(day, LAST_DAY)
        if not self.timed:
            return f"'{day.isoformat()}'"
        return f"'{datetime.combine(day, time(), self.reader.zone).isoformat()}'"

    def _local(self, value: Any) -> tuple[date, time | None]:
        if "T" not in str(value):
            return date.fromisoformat(value), None
        moment = self.reader.local(moment_of(value))
        return moment.date(), moment.time().replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Cards with their spans and the value they are grouped by. `capped`: there are more; `latest`: where an empty period leads."""

    entries: tuple[tuple[Card, Span, Any], ...]
    capped: bool
    latest: date | None


def spans_of(call: Call, question: Question, reader: Reader) -> Spans | None:
    """What the view says, else another view drawn the same way, else the first date; None where he may read none."""
    model, actor, object = call.model, call.actor, question.object
    body = question.view.body if question.view.body.get("from") else _drawn_alike(call, question)
    start = str(body.get("from") or "") or _first(call, question)
    field = _dated(call, question, start) if start else None
    if field is None:
        return None
    end = str(body.get("to") or "")
    until = _dated(call, question, end) if end else None
    if until is not None and _kind(until) != _kind(field):
        until = None
    if field.type == "date_range":
        name = start.split(".")[0]
        paths = (f"{name}.from", f"{name}.to")
        names: tuple[str, ...] = (name,)
    else:
        paths = (start, end if until is not None else "")
        names = tuple(p for p in paths if p)
    may = writable(model, actor, object.name)
    return Spans(
        start=paths[0],
        end=paths[1],
        timed=_kind(field) == "datetime",
        reader=reader,
        fields=names if all(n in may for n in names) else (),
    )


def placed_in(
    conn: psycopg.Connection[Any],
    call: Call,
    question: Question,
    spans: Spans,
    reader: Reader,
    days: tuple[date, date],
    *,
    limit: int,
    secret: bytes,
    by: str = "",
) -> Placed:
    """The records of a question that touch these days, by `by` and their beginning; its columns are the facts of the cards."""
    cards = Cards(call, narrowed(question, spans.touching(*days)), reader)
    ask = cards.ask(*spans.paths, *([by] if by else []), limit=limit)
    found = read(conn, call, replace(ask, sort=(by, spans.start) if by else (spans.start,)), secret=secret)
    without = (*spans.paths, by) if by else spans.paths
    entries = tuple(
        (cards.card(record, without=without), span, record.get(by) if by else None)
        for record in found.rows()
        if (span := spans.of(record)) is not None
    )
    return Placed(
        entries=entries,
        capped=found.next is not None,
        latest=None if entries else _latest_day(conn, call, question, spans, secret),
    )


def day_of(given: str, today: date) -> date:
    """The day an address names, within reason; else today."""
    try:
        found = date.fromisoformat(given) if given else today
    except ValueError:
        return today
    return min(max(found, EARLIEST), LATEST)


def _latest_day(
    conn: psycopg.Connection[Any], call: Call, question: Question, spans: Spans, secret: bytes
) -> date | None:
    """The last day on which a record of the question begins: where to look when a period is empty."""
    asked = narrowed(question, f"{spans.start} != None")
    ask = replace(asked, columns=(), after=None).ask(also=(spans.start,), limit=1)
    rows = read(conn, call, replace(ask, sort=(f"-{spans.start}",)), secret=secret).rows()
    found = replace(spans, end="").of(rows[0]) if rows else None
    return found.first if found is not None else None


def _drawn_alike(call: Call, question: Question) -> Mapping[str, Any]:
    """The first view of the object that is drawn the same way and says from when."""
    views = documents_for(call.model, call.actor, "view", question.object.name)
    return next((v for v in views if v.get("from") and v.get("type") == question.drawing), {})


def _dated(call: Call, question: Question, path: str) -> Field | None:
    """The field of a path if its values are days or moments; of a part of a range the range."""
    field = field_at(call.model, call.actor, question.object, path)
    if field is None and path.endswith((".from", ".to")):
        field = field_at(call.model, call.actor, question.object, path.rpartition(".")[0])
        return field if field is not None and field.type == "date_range" else None
    return field if field is not None and _kind(field) in ("date", "datetime", "date_range") else None


def _kind(field: Field) -> str:
    return str(field.extra.get("value_type") or field.type)


def _first(call: Call, question: Question) -> str:
    """The first date of the view's columns, else of the object's own fields, else when it was created; in a plan a range before them."""
    fields = readable(call.model, call.actor, question.object.name)
    columns = [c.path for c in question.columns if c.path in fields]
    own = [name for name, field in fields.items() if not field.system]
    kinds = ("date", "datetime", "date_range")
    dated = [n for n in (*columns, *own) if _kind(fields[n]) in kinds]
    dated.sort(
        key=lambda n: (fields[n].system, question.drawing == "gantt" and _kind(fields[n]) != "date_range")
    )
    return next(iter(dated), "created_at" if "created_at" in fields else "")
