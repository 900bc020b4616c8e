"""The way goal: how far somebody is with a goal: its target, what was reached, where it leads.

In: a connection, the frame of the call, a goal of the release, whose, a day. Out: `Progress` of the period that day is in.

    whose     me, my department, the company; or one person or department by id
    target    of the records of goal_value he may read, added up where there is none of its own   report/goals.py
    reached   the goal's measure: its report, over these days, of these people, with his rights   ways/figure.run
    pace      reached / (target x work days that are over / work days): 1 is as planned
    forecast  reached / work days that are over x work days; `expected` is the figure of the goal's own `forecast`, where it says one

Changes nothing. NotFound for a goal there is not; what may not be read counts nowhere, and `notes` say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

import psycopg

from patron_engine.access.decide import Allow, row_rule
from patron_engine.access.pick import fits
from patron_engine.errors import NotFound, Refused
from patron_engine.expr.calendar import ALWAYS
from patron_engine.expr.functions.adding import add_months
from patron_engine.expr.functions.periods import period
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.spec import quoted
from patron_engine.query.values import fetch_values
from patron_engine.record.calendars import calendar_named
from patron_engine.report.answer import Figure, Request
from patron_engine.report.cells import EXACT, rounded
from patron_engine.report.goals import MONTHS, Span, Whose, targets
from patron_engine.report.parameters import context_of
from patron_engine.ways import figure

Connection = psycopg.Connection[Any]
Of = Literal["me", "department", "company"]
DATED: Final = ("rows", "columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`figure` says what the numbers are (label, format, unit). None: there is none. `share` and `pace` are ratios."""

    goal: str
    whose: Whose
    title: str | None  # of the department or person
    first: date
    last: date
    figure: Figure
    target: Decimal | None
    baseline: Decimal | None
    stretch: Decimal | None
    reached: Decimal | None
    share: Decimal | None
    elapsed: Decimal  # 0 … 1: the part of the period's work days that is over, today included
    days_left: int  # work days after today
    pace: Decimal | None
    forecast: Decimal | None
    expected: Decimal | None
    report: str
    request: Request  # what was counted, for the list behind it
    notes: tuple[Phrase, ...] = ()


def progress(
    conn: Connection,
    call: Call,
    name: str,
    of: Of = "me",
    *,
    whose: Whose | None = None,
    on: date | None = None,
) -> Progress:
    """How far a goal is in the period of `on` (today)."""
    body = goal_of(call, name)
    who = whose or _whose(conn, call, of)
    day = on or call.today
    span = period_of(call, str(body["period"]), day)
    assert span.first is not None and span.last is not None
    aim = targets(conn, call, name).aim(who, span)
    report, measure = str(body["measure"]).split(".", 1)
    request = request_of(call, report, measure, who, span)
    answer = figure.run(conn, call, request)
    reached = _number(answer.value(measure))
    elapsed, left = _elapsed(conn, call, span, min(day, call.today) if on is None else on)
    target = aim.target if aim is not None else None
    return Progress(
        goal=name,
        whose=who,
        title=_title(conn, call, who),
        first=span.first,
        last=span.last,
        figure=next(f for f in answer.figures if f.name == measure),
        target=target,
        baseline=aim.baseline if aim is not None else None,
        stretch=aim.stretch if aim is not None else None,
        reached=reached,
        share=_ratio(reached, target),
        elapsed=elapsed,
        days_left=left,
        pace=_ratio(reached, None if target is None else target * elapsed),
        forecast=_ratio(reached, elapsed),
        expected=_expected(conn, call, body, who, span),
        report=report,
        request=request,
        notes=_notes(call, answer.object, who),
    )


def goals_of(call: Call) -> tuple[str, ...]:
    """The goals somebody may look at: they are for him, and he may open what they measure."""
    return tuple(
        name
        for (kind, name), body in call.model.documents.items()
        if kind == "goal"
        and fits(body, call.actor)
        and figure.allowed(call, str(body["measure"]).split(".", 1)[0])
    )


def goal_of(call: Call, name: str) -> Mapping[str, Any]:
    known = goals_of(call)
    if name not in known:
        said = Phrase("there is no goal {name!r}", name=name[:60])
        raise NotFound(said, code="unknown_goal", hint=nearest(name[:60], known))
    return call.model.documents["goal", name]


def period_of(call: Call, kind: str, day: date) -> Span:
    """The period a day is in. Quarters, half years and years are those of the fiscal year."""
    context = context_of(call)
    if kind == "week":
        first = period(context, "week", 0, day)
        following = period(context, "week", 1, day)
    else:
        months = MONTHS[kind]
        year = period(context, "fiscal_year", 0, day) or day.replace(month=1, day=1)
        since = (day.year - year.year) * 12 + day.month - year.month
        first = add_months(year, since - since % months)
        following = add_months(year, since - since % months + months)
    last = date.max if following is None else date.fromordinal(following.toordinal() - 1)
    return Span(first or day, last)


# -- whose ------------------------------------------------------------------------------------------------------------


def _whose(conn: Connection, call: Call, of: Of) -> Whose:
    me = call.actor.user
    if of == "company":
        return Whose()
    if me is None:
        raise _nobody("who asks is no user of the workspace: ask for the company, or name a person")
    if of == "me":
        return Whose("user", me)
    found = (
        fetch_values(conn, call, "user", [me], ("department",)) if _has(call, "user", "department") else {}
    )
    department = found.get(me, {}).get("department")
    if department is None:
        raise _nobody("you belong to no department: ask for the company, or name a department")
    return Whose("department", str(department))


def _nobody(said: str) -> Refused:
    return Refused((Problem(code="nobody", message=said, path="of"),))


def _has(call: Call, object: str, field: str) -> bool:
    found = call.model.objects.get(object)
    return found is not None and field in found.fields


def _title(conn: Connection, call: Call, whose: Whose) -> str | None:
    if whose.id is None:
        return None
    object = call.model.objects[whose.level]
    found = fetch_values(conn, call, object.name, [whose.id], (object.title,)) if object.title else {}
    title = found.get(whose.id, {}).get(object.title)
    return None if title is None else str(title)


# -- what was reached -------------------------------------------------------------------------------------------------


def request_of(call: Call, report: str, measure: str, whose: Whose, span: Span) -> Request:
    """The measure's report without its groups, over these days, of these people."""
    known = figure.request_of(call, report)
    body = {
        k: v
        for k, v in known.body.items()
        if k not in ("rows", "columns", "sort", "limit", "totals", "chart")
    }
    own = [m for m in body["measures"] if m["name"] == measure]
    if own and "function" in own[0]:
        body["measures"] = own
    path = date_of(known.body)
    return replace(
        known, body=body, filters=_people(whose), reaches={path: (span.first, span.last)} if path else {}
    )


def date_of(body: Mapping[str, Any]) -> str | None:
    """The date a report is over: that of its first group by time."""
    groups = [g for axis in DATED for g in body.get(axis) or () if isinstance(g, Mapping) and g.get("by")]
    return str(groups[0]["field"]) if groups else None


def _people(whose: Whose) -> tuple[str, ...]:
    if whose.id is None:
        return ()
    return (
        (
            f"owner == {quoted(whose.id)}"
            if whose.level == "user"
            else f"UNDER(owner.department, {quoted(whose.id)})"
        ),
    )


def _expected(
    conn: Connection, call: Call, body: Mapping[str, Any], whose: Whose, span: Span
) -> Decimal | None:
    """The figure of `forecast`: what its report expects of these days."""
    named = body.get("forecast")
    if not isinstance(named, str) or not figure.allowed(call, named.split(".", 1)[0]):
        return None
    report, measure = named.split(".", 1)
    return _number(figure.run(conn, call, request_of(call, report, measure, whose, span)).value(measure))


def _notes(call: Call, object: str | None, whose: Whose) -> tuple[Phrase, ...]:
    """Whoever does not see all of it is told."""
    if (
        object is None
        or whose.level == "user"
        or isinstance(row_rule(call.model, call.actor, "read", object), Allow)
    ):
        return ()
    return (Phrase("what was reached counts only the records that you may read"),)


def _elapsed(conn: Connection, call: Call, span: Span, day: date) -> tuple[Decimal, int]:
    """The part of the work days that is over, and how many follow."""
    assert span.first is not None and span.last is not None
    code = call.model.workspace.calendar
    calendar = calendar_named(conn, call, code) if code is not None else ALWAYS
    whole = calendar.workdays_between(span.first, span.last)
    gone = calendar.workdays_between(span.first, min(day, span.last)) if day >= span.first else 0
    if not whole:
        return Decimal(1), 0
    return rounded(EXACT.divide(Decimal(gone), Decimal(whole))), whole - gone


def _number(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _ratio(value: Decimal | None, of: Decimal | None) -> Decimal | None:
    return rounded(EXACT.divide(value, of)) if value is not None and of else None
