"""How a clock of an SLA runs: on the calendar, with pauses, warnings and escalations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from patron_engine.expr.calendar import WorkCalendar
from patron_engine.expr.context import Context
from patron_engine.flow.clocks import Clock, Facts, Terms, begun, came, went_on
from patron_engine.flow.spans import read_span

WEEK = WorkCalendar(week={d: ((time(9), time(12)), (time(13), time(18))) for d in range(1, 6)})
START = datetime(2026, 5, 20, 8, 0, tzinfo=UTC)  # 16:00 in Shanghai, a Wednesday: two work hours are left


def context(now: datetime = START) -> Context:
    return Context(
        now=now,
        zone=ZoneInfo("Asia/Shanghai"),
        me=None,
        week_from="monday",
        fiscal_year_from=1,
        calendar=WEEK,
    )


def terms(within: str = "4 work_hours", always: bool = False, **more: Any) -> Terms:
    return Terms(
        chosen="c", within=within, calendar="always" if always else "workspace", warn=Decimal(50), **more
    )


def facts(terms: Terms, **more: bool) -> Facts:
    return Facts(**{"about": True, "starts": True, "stops": False, "pauses": False, **more}, terms=terms)


def clock(terms: Terms, **more: bool) -> Clock:
    names = {"record": "r", "sla": "s", "clock": "c", "object": "o", "kept": "k"}
    made = begun(facts(terms, **more), START, context(), **names)
    assert made is not None
    return made


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def test_it_counts_by_the_calendar_or_always() -> None:
    work = clock(terms())
    assert (work.due_at, work.warn_at) == (hours(19), hours(2))  # Thursday at 11:00
    assert clock(terms("4 hours")).due_at == work.due_at
    assert clock(terms("4 work_hours", always=True)).due_at == hours(4)
    assert clock(terms("1 workdays", always=True)).due_at == hours(24)


def test_a_pause_puts_its_end_off() -> None:
    t = terms()
    paused = went_on(clock(t), facts(t, pauses=True), hours(1), context())
    assert (paused.state, paused.look_at) == ("paused", None)
    assert went_on(paused, facts(t, pauses=True), hours(2), context()) == paused
    # From 17:00 to 10:00 on Thursday: two hours at work.
    on = went_on(paused, facts(t), hours(18), context())
    assert (on.state, on.paused, on.due_at) == ("running", 7_200.0, hours(22))
    met = went_on(on, facts(t, stops=True), hours(19), context())
    assert (met.state, met.hours, met.done_at) == ("met", Decimal("2.00"), hours(19))
    assert went_on(met, facts(t), hours(30), context()) == met


def test_another_case_gives_another_end() -> None:
    first = clock(terms())
    now = went_on(first, facts(replace(terms("1 work_hour"), chosen="p0")), hours(0.5), context())
    assert (now.chosen, now.due_at) == ("p0", hours(1))


def test_it_warns_once_is_late_once_and_escalates_in_turn() -> None:
    t = terms(late=(read_span("0 minutes"), read_span("2 work_hours")))
    first = clock(t)
    warned, *told = came(first, t, hours(2), context())
    assert told == [True, False, []] and warned.look_at == warned.due_at
    assert came(warned, t, hours(3), context())[1:] == (False, False, [])
    late, *told = came(warned, t, hours(19), context())
    assert told == [False, True, [0]] and late.state == "breached"
    more, *told = came(late, t, hours(22), context())
    assert told == [False, False, [1]] and more.look_at is None
    over = went_on(more, facts(t, stops=True), hours(23), context())
    assert (over.state, over.breached) == ("breached", True)
    # Nobody looked for days: everything at once, the warning not after the end.
    assert came(first, t, hours(100), context())[1:] == (False, True, [0, 1])


def test_it_does_not_begin_or_is_cancelled() -> None:
    t = terms()
    for gone in ({"about": False}, {"starts": False}, {"stops": True}):
        assert begun(facts(t, **gone), START, context()) is None
    assert went_on(clock(t), facts(t, about=False), hours(1), context()).state == "cancelled"
