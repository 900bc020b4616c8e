"""Clocks: how a clock of an SLA runs: started, paused, warned, late, ended. Pure.

In: a clock as it stands, what holds for its record, a moment, the calendar it counts by. Out: the clock after it.

    running    counts; past `due_at` it is breached and counts on, until it is stopped
    paused     stands; what it stood is added to its end when it goes on
    met        was stopped in time          breached   was not, or not yet
    cancelled  the record is gone, or the SLA is not about it any more

On a calendar, minutes and hours are time at work; `always` counts every hour of every day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from patron_engine.expr.calendar import ALWAYS
from patron_engine.expr.context import Context
from patron_engine.flow.spans import Span, after, read_span

State = Literal["running", "paused", "met", "breached", "cancelled"]
_SECONDS: Final = {"minute": 60, "hour": 3_600, "work_hour": 3_600}
_PLAIN: Final = {"workday": "day", "work_hour": "hour"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`kept` is its record in sla_clock; `chosen` the case that counts, `paused` the seconds of its calendar it stood."""

    record: str
    sla: str
    clock: str
    object: str
    kept: str
    state: State
    chosen: str
    started_at: datetime
    due_at: datetime
    breached: bool = False
    paused_at: datetime | None = None
    paused: float = 0.0
    warn_at: datetime | None = None
    warned: bool = False
    late: int = 0
    done_at: datetime | None = None
    hours: Decimal | None = None
    look_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.done_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a case promises: the time there is, by which calendar (`context` counts it), when it warns, what follows when late."""

    chosen: str
    within: str
    calendar: str
    warn: Decimal | None
    late: tuple[Span, ...] = ()

    @property
    def always(self) -> bool:
        return self.calendar == "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What holds for the record now. `terms` None: no case fits."""

    about: bool
    starts: bool
    stops: bool
    pauses: bool
    terms: Terms | None


def begun(facts: Facts, at: datetime, context: Context, **names: Any) -> Clock | None:
    """A clock that starts, or None."""
    if not facts.about or not facts.starts or facts.stops or facts.terms is None:
        return None
    made = Clock(state="running", chosen="", started_at=at, due_at=at, **names)
    made = _timed(made, facts.terms, context)
    return replace(made, state="paused", paused_at=at, look_at=None) if facts.pauses else made


def went_on(clock: Clock, facts: Facts, at: datetime, context: Context) -> Clock:
    """The clock after a look at its record. One that has ended stays so."""
    if clock.over:
        return clock
    if not facts.about or facts.terms is None:
        return replace(clock, state="cancelled", done_at=at, look_at=None)
    if clock.paused_at is not None and (facts.stops or not facts.pauses):
        stood = _between(clock.paused_at, at, facts.terms, context)
        clock = replace(clock, state="running", paused=clock.paused + stood, paused_at=None)
        clock = _timed(clock, facts.terms, context)
    if facts.stops:
        breached = clock.breached or at > clock.due_at
        took = _between(clock.started_at, at, facts.terms, context) - clock.paused
        hours = round(Decimal(max(took, 0.0)) / 3_600, 2)
        state: State = "breached" if breached else "met"
        return replace(clock, state=state, breached=breached, done_at=at, hours=hours, look_at=None)
    if facts.pauses and clock.paused_at is None:
        return replace(clock, state="paused", paused_at=at, look_at=None)
    return clock if clock.paused_at is not None else _timed(clock, facts.terms, context)


def came(
    clock: Clock, terms: Terms, now: datetime, context: Context
) -> tuple[Clock, bool, bool, Sequence[int]]:
    """What time has brought: the clock, whether it warns, whether it is late now, which escalations begin."""
    if clock.over or clock.paused_at is not None:
        return clock, False, False, ()
    warns = not clock.warned and clock.warn_at is not None and clock.warn_at <= now < clock.due_at
    late = not clock.breached and clock.due_at <= now
    if late:
        clock = replace(clock, state="breached", breached=True)
    begins = []
    for number in range(clock.late, len(terms.late)):
        if not clock.breached or after(clock.due_at, _span(terms.late[number], terms), context) > now:
            break
        begins.append(number)
    clock = replace(clock, warned=clock.warned or warns or late, late=clock.late + len(begins))
    return _looked(clock, terms, context), warns, late, begins


def _timed(clock: Clock, terms: Terms, context: Context) -> Clock:
    """When it warns and ends, from its start and what it stood."""
    due = _add(_end(clock.started_at, terms, context), clock.paused, terms, context)
    warn = None
    if terms.warn is not None:
        whole = _between(clock.started_at, _end(clock.started_at, terms, context), terms, context)
        warn = _add(clock.started_at, whole * float(terms.warn) / 100 + clock.paused, terms, context)
    clock = replace(clock, chosen=terms.chosen, due_at=due, warn_at=warn)
    return _looked(clock, terms, context)


def _looked(clock: Clock, terms: Terms, context: Context) -> Clock:
    """When it is to be looked at next."""
    times = [] if clock.breached else [clock.due_at]
    if clock.warn_at is not None and not clock.warned:
        times.append(clock.warn_at)
    if clock.breached and clock.late < len(terms.late):
        times.append(after(clock.due_at, _span(terms.late[clock.late], terms), context))
    return replace(clock, look_at=min(times, default=None))


def _end(start: datetime, terms: Terms, context: Context) -> datetime:
    return after(start, _span(read_span(terms.within), terms), context)


def _span(span: Span, terms: Terms) -> Span:
    """On a calendar an hour is an hour at work; always, a workday is a day."""
    if terms.always:
        return Span(count=span.count, unit=_PLAIN.get(span.unit, span.unit))
    return Span(count=span.count, unit="work_hour") if span.unit == "hour" else span


def _between(start: datetime, end: datetime, terms: Terms, context: Context) -> float:
    if terms.always or context.calendar is ALWAYS:
        return (end - start).total_seconds()
    return context.calendar.seconds_between(context.local(start), context.local(end))


def _add(start: datetime, seconds: float, terms: Terms, context: Context) -> datetime:
    if not seconds:
        return start
    if terms.always or context.calendar is ALWAYS:
        return start + timedelta(seconds=seconds)
    found = context.calendar.add_seconds(context.local(start), seconds)
    return start if found is None else context.moment(found)
