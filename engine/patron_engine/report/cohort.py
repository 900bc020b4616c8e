"""Cohort: of the records that began together, how many did something 0, 1, 2 … periods later.

In: the frame of the call, a Request of the type cohort. Out: its Answer; of one cell the question whose list adds up to it. It is a
matrix of the period a record began in and the period of the records below it, asked as any other (one statement; a record counts
once in each period, however many records below it that has), told by how much later: `cohort by month, over by month` offset 1 is the month after.

    (cohort, offset)   the measure, and its `share` of the cohort; empty while that time is still to come
    (cohort, ())       the measure over the whole cohort: its size, where records are counted
    ((), offset)       the sum over the cohorts that are old enough, and their share

What was done before a cohort's own period belongs to no offset; that some of it was is said in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.expr.context import Context
from patron_engine.expr.functions.periods import period
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.report import asking
from patron_engine.report import cells as figures
from patron_engine.report.answer import Answer, Axis, Figure, Key, Request, Spot, Value
from patron_engine.report.drill import Depth, drilled
from patron_engine.report.explain import text
from patron_engine.report.formulas import measured
from patron_engine.report.measures import as_written
from patron_engine.report.parameters import context_of
from patron_engine.report.plan import Plan, axes, plan

ADDED: Final = frozenset({"count", "sum"})
OFFSET: Final = "offset"
SHARE: Final = "share"
MOST_OFFSETS: Final = 120  # limit_cohort_offsets
MOST_LISTED: Final = 40  # limit_cohort_listed: cohorts whose records are listed together
BEFORE: Final = Phrase("some of it was before the cohort began and is not counted")


@dataclass(frozen=True, slots=True)
class Cohort:
    """`made` is the matrix; `name` its one measure; `counts`: it counts records, so that a share means something."""

    made: Plan
    name: str
    counts: bool

    @property
    def over(self) -> str:
        return self.made.columns[0].axis.by or "month"


def cohort(call: Call, request: Request) -> Cohort:
    """The plan of a cohort. Refused with all problems, NotFound for an object that is not his to read."""
    body = request.body
    began, over, measures = body.get("cohort") or {}, body.get("over") or {}, list(body.get("measures") or ())
    wrong = []
    if len(measures) != 1 or "expression" in measures[0] or measures[0].get("function", "count") not in ADDED:
        said = Phrase("a cohort has one measure, which counts or adds up")
        wrong.append(Problem(code="cohort_measure", message=said, path="measures", hint="use count or sum"))
    for name, part in (("cohort", began), ("over", over)):
        if part.get("by") in (None, "hour", "weekday"):
            said = Phrase("a cohort goes by day, week, month, quarter or year")
            wrong.append(Problem(code="cohort_by", message=said, path=f"{name}.by"))
    if isinstance(body.get("as_of"), Mapping):
        said = Phrase("a cohort is of one moment")
        wrong.append(Problem(code="not_between", message=said, path="as_of", hint="write one day"))
    if wrong:
        raise Refused(wrong)
    matrix = {
        **{
            k: v
            for k, v in body.items()
            if k in ("name", "object", "where", "parameters", "zone", "measures", "as_of")
        },
        "type": "matrix",
        "rows": [{"field": began["field"], "by": began["by"], "name": "cohort", "fill": True}],
        "columns": [{"field": f"{over['set']}.{over['field']}", "by": over["by"], "name": OFFSET}],
        "totals": ["rows", "columns", "grand"],
    }
    made = plan(call, replace(request, body=matrix))
    return Cohort(made, measures[0]["name"], counts=measures[0].get("function", "count") == "count")


def answer(conn: psycopg.Connection[Any], call: Call, request: Request) -> Answer:
    """The answer: a row a cohort, a column an offset."""
    asked = cohort(call, request)
    found = asking.cells(conn, call, asked.made)
    values = measured(asked.made, found)
    told = _Told(asked, context_of(call, ZoneInfo(asked.made.zone)), call.today)
    for (row, column), known in values.items():
        told.take(row, column, known.get(asked.name))
    cells = told.cells()
    body, made = request.body, asked.made
    (figure,) = made.figures
    share = Figure(name=SHARE, unit="ratio", format={"as": "percent"})
    shares = as_written((share,), body) if asked.counts else ()
    return Answer(
        report=str(body.get("name") or ""),
        type="cohort",
        object=made.object.name,
        rows=axes(made.rows),
        columns=(Axis(name=OFFSET, kind="offset", by=asked.over),),
        figures=(figure, *shares),
        row_keys=tuple((first,) for first in told.cohorts),
        column_keys=tuple((n,) for n in range(told.last + 1)),
        cells=cells,
        parameters=made.parameters.wire,
        notes=(*((BEFORE,) if told.before else ()), *((_cut(),) if found.cut else ())),
        base=call.model.workspace.currency if figure.unit == "money" else None,
    )


def _cut() -> Phrase:
    return Phrase("only the {most} largest groups are shown; totals are over all of them", most=figures.MOST)


def explain(conn: psycopg.Connection[Any], call: Call, request: Request) -> str:
    """The matrix that is told by how much later."""
    return text(conn, call, cohort(call, request).made)


class _Told:
    """The cells of the matrix by how much later they are."""

    def __init__(self, asked: Cohort, context: Context, today: date) -> None:
        self._asked, self._context = asked, context
        self._now = period(context, asked.over, 0, today) or today
        self._sizes: dict[str, Value] = {}
        self._later: dict[tuple[str, int], Value] = {}
        self._total: Value = None
        self.before = False

    def take(self, row: Key, column: Key, value: Value) -> None:
        if not row and not column:
            self._total = value
        elif row and row[0] is not None and not column:
            self._sizes[row[0]] = value
        elif row and column and row[0] is not None and column[0] is not None:
            offset = self._between(row[0], date.fromisoformat(column[0]))
            if offset < 0:
                self.before = True
            else:
                self._later[row[0], offset] = value

    def _between(self, first: str, then: date) -> int:
        """How many periods of `over` one day is after the beginning of a cohort."""
        by, start = self._asked.over, date.fromisoformat(first)
        begun = period(self._context, by, 0, start) or start
        if by in ("day", "week"):
            return (then - begun).days // (7 if by == "week" else 1)
        months = (then.year - begun.year) * 12 + then.month - begun.month
        return months // (12 if by.endswith("year") else 3 if by.endswith("quarter") else 1)

    @property
    def cohorts(self) -> list[str]:
        """From the first to the last, those without records left out."""
        return sorted(self._sizes)

    @property
    def last(self) -> int:
        last = max((offset for _, offset in self._later), default=-1)
        if last >= MOST_OFFSETS:
            raise LimitExceeded(
                Phrase("the cohorts go over more than {most} periods", most=MOST_OFFSETS),
                code="limit_cohort_offsets",
                hint="choose longer periods, or fewer records with `where`",
            )
        return last

    def cells(self) -> dict[tuple[Key, Key], tuple[Value, ...]]:
        found: dict[tuple[Key, Key], tuple[Value, ...]] = {((), ()): self._pair(self._total, self._total)}
        for offset in range(self.last + 1):
            size, value = Decimal(0), Decimal(0)
            for first in self.cohorts:
                if offset > self._between(first, self._now) and (first, offset) not in self._later:
                    continue  # still to come
                here = self._later.get((first, offset), Decimal(0))
                found[(first,), (offset,)] = self._pair(here, self._sizes[first])
                value += here if isinstance(here, Decimal) else 0
                size += self._number(first)
            found[(), (offset,)] = self._pair(value, size)
        for first in self.cohorts:
            found[(first,), ()] = self._pair(self._sizes[first], self._sizes[first])
        return found

    def _number(self, first: str) -> Decimal:
        size = self._sizes[first]
        return size if isinstance(size, Decimal) else Decimal(0)

    def _pair(self, value: Value, size: Value) -> tuple[Value, ...]:
        if not self._asked.counts:
            return (value,)
        known = isinstance(value, Decimal) and isinstance(size, Decimal) and size
        return (value, figures.rounded(figures.EXACT.divide(value, size)) if known else None)  # type: ignore[arg-type]


# -- records ----------------------------------------------------------------------------------------------------------


def ask(conn: psycopg.Connection[Any], call: Call, request: Request, spot: Spot, depth: Depth) -> Ask:
    """The question behind one cell."""
    asked = cohort(call, request)
    if asked.made.as_of is not None:
        said = Phrase("the records of a past moment are in no list")
        hint = "ask the report as it is now"
        raise Refused((Problem(code="past_records", message=said, path="as_of", hint=hint),))
    figure = None if spot.figure == SHARE else spot.figure

    def of(row: Key, offset: int | None) -> Ask:
        column = () if offset is None else (_then(call, asked, str(row[0]), offset),)
        return drilled(call, asked.made, Spot(rows=row, columns=column, figure=figure), depth, lambda at: ())

    offset = int(spot.columns[0]) if spot.columns else None
    if spot.rows or offset is None:
        return (
            of(spot.rows, offset)
            if spot.rows
            else drilled(call, asked.made, Spot(figure=figure), depth, lambda at: ())
        )
    known = answer(conn, call, request)
    rows = [row for row in known.row_keys if (row, spot.columns) in known.cells]
    if not 0 < len(rows) <= MOST_LISTED:
        raise LimitExceeded(
            Phrase("the records of at most {most} cohorts are listed together", most=MOST_LISTED),
            code="limit_cohort_listed",
            hint="open one cohort",
        )
    each = [of(row, offset) for row in rows]
    return replace(each[0], where=" or ".join(f"({one.where})" for one in each))


def _then(call: Call, asked: Cohort, first: str, offset: int) -> str:
    """The first day of the period that is so much later."""
    found = period(context_of(call, ZoneInfo(asked.made.zone)), asked.over, offset, date.fromisoformat(first))
    return (found or date.max).isoformat()
