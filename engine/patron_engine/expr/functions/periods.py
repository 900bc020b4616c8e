"""Periods: the beginning and end of weeks, months, quarters and years, and the ranges THIS, LAST, NEXT for filters."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.context import FIRST_WEEKDAY, Context
from patron_engine.expr.functions.adding import add_days, in_years
from patron_engine.expr.functions.formats import wall
from patron_engine.expr.operation import Function, Operation
from patron_engine.expr.sqlparts import WALL, Column, Side

# unit -> (months, days) of one
PERIODS: Final = {
    "day": (0, 1), "week": (0, 7), "month": (1, 0), "quarter": (3, 0), "year": (12, 0),
    "fiscal_quarter": (3, 0), "fiscal_year": (12, 0),
}  # fmt: skip


def period(ctx: Context, unit: str, shift: int, day: date) -> date | None:
    """The first day of the period `shift` periods after the one `day` is in."""
    months, days = PERIODS[unit]
    if months:
        return _month(_first_month(ctx, unit, shift, day))
    back = (day.isoweekday() - ctx.first_weekday) % 7 if unit == "week" else 0
    return add_days(day, Decimal(shift * days - back))


def _end(ctx: Context, unit: str, shift: int, day: date) -> date | None:
    """Its last day, even where its first lies before the year 1."""
    months, days = PERIODS[unit]
    if months:
        last = _month(_first_month(ctx, unit, shift, day) + months - 1)
        return None if last is None else last.replace(day=_last(last))
    back = (day.isoweekday() - ctx.first_weekday) % 7 if unit == "week" else 0
    return add_days(day, Decimal((shift + 1) * days - back - 1))


def _first_month(ctx: Context, unit: str, shift: int, day: date) -> int:
    """The first month of the period, counted from the year 0."""
    months = PERIODS[unit][0]
    offset = ctx.fiscal_year_from - 1 if unit.startswith("fiscal") else 0
    index = day.year * 12 + day.month - 1 - offset
    return index - index % months + offset + shift * months


def _month(index: int) -> date | None:
    year, month = divmod(index, 12)
    return date(year, month + 1, 1) if 1 <= year <= 9999 else None


def _last(day: date) -> int:
    return 31 if day.month == 12 else (day.replace(month=day.month + 1, day=1) - timedelta(days=1)).day


def _sql_first(side: Side, unit: str, shift: int, at: Column) -> Column:
    """The same over timestamps without zone."""
    months, days = PERIODS[unit]
    zero = sqlparts.whole_literal(0)

    def span(m: int, d: int) -> Column:
        return sa.func.make_interval(
            zero, sqlparts.whole_literal(m), zero, sqlparts.whole_literal(d), type_=sa.Interval
        )

    first: Column
    if months:
        offset = side.fiscal_year_from - 1 if unit.startswith("fiscal") else 0
        word = sqlparts.text({1: "month", 3: "quarter", 12: "year"}[months])
        moved = at - span(offset, 0) if offset else at
        first = sa.func.date_trunc(word, moved, type_=WALL)
        return first + span(offset + shift * months, 0) if offset or shift else first
    first = sa.func.date_trunc(sqlparts.text("day"), at, type_=WALL)
    if unit == "week":
        # PostgreSQL's weeks begin on Monday: move there and back.
        ahead = (8 - FIRST_WEEKDAY[side.week_from]) % 7
        first = sa.func.date_trunc(sqlparts.text("week"), at + span(0, ahead), type_=WALL) - span(0, ahead)
    return first + span(0, shift * days) if shift else first


def _sql_period(side: Side, unit: str, shift: int, day: Column) -> Column:
    return sqlparts.day(sa.cast(_sql_first(side, unit, shift, sa.cast(day, WALL)), sa.Date))


def _sql_period_end(side: Side, unit: str, shift: int, day: Column) -> Column:
    return sqlparts.day(
        sa.cast(_sql_first(side, unit, shift + 1, sa.cast(day, WALL)), sa.Date) - sqlparts.whole_literal(1)
    )


def _moment_period(ctx: Context, unit: str, end: bool, moment: datetime) -> datetime | None:
    if in_years(moment) is None:
        return None
    at = ctx.local(moment)
    if unit == "hour":
        first: datetime | None = at.replace(minute=0, second=0, microsecond=0)
        after = first + timedelta(hours=1) if first else None
    else:
        day, then = period(ctx, unit, 0, at.date()), period(ctx, unit, 1, at.date())
        first = datetime.combine(day, time()) if day else None
        after = datetime.combine(then, time()) if then else None
    chosen = after - timedelta(microseconds=1) if end and after else None if end else first
    try:
        return None if chosen is None else in_years(ctx.moment(chosen))
    except OverflowError:
        return None


def _sql_moment_period(side: Side, unit: str, end: bool, moment: Column) -> Column:
    at = wall(side, sqlparts.moment(moment))
    zero, one = sqlparts.whole_literal(0), sqlparts.whole_literal(1)
    first: Column
    if unit == "hour":
        first = sa.func.date_trunc(sqlparts.text("hour"), at, type_=WALL)
        if end:
            first = first + sa.func.make_interval(zero, zero, zero, zero, one, type_=sa.Interval)
    else:
        first = _sql_first(side, unit, int(end), at)
    if end:
        tick = sa.cast(sqlparts.text("1 microsecond"), sa.Interval)
        first = first - tick
    return sqlparts.moment(sa.func.timezone(sqlparts.text(side.zone), first, type_=sqlparts.MOMENT))


PERIOD_START: Final = Operation(name="START_OF", py=period, sql=_sql_period, context=True)
PERIOD_END: Final = Operation(name="END_OF", py=_end, sql=_sql_period_end, context=True)
MOMENT_START: Final = Operation(
    name="START_OF",
    py=lambda ctx, unit, m: _moment_period(ctx, unit, False, m),
    sql=lambda side, unit, m: _sql_moment_period(side, unit, False, m),
    context=True,
)
MOMENT_END: Final = Operation(
    name="END_OF",
    py=lambda ctx, unit, m: _moment_period(ctx, unit, True, m),
    sql=lambda side, unit, m: _sql_moment_period(side, unit, True, m),
    context=True,
)


def _entry(name: str, form: str, help: str, example: tuple[str, str], special: Any) -> Function:
    return Function(name=name, group="periods", form=form, help=help, example=example, special=special)


FUNCTIONS: Final = (
    _entry("START_OF", "START_OF(date, 'unit')",
           "The first day (or moment) of the day, week, month, quarter, year, fiscal_quarter, fiscal_year; hour for moments.",
           ("START_OF(DATE(2026, 5, 20), 'quarter')", "'2026-04-01'"), "start_of"),
    _entry("END_OF", "END_OF(date, 'unit')", "The last day (or moment) of a period.",
           ("END_OF(DATE(2024, 2, 3), 'month')", "'2024-02-29'"), "end_of"),
    _entry("THIS", "THIS('unit')", "The range of the present day, week, month, quarter, year …: close_date in THIS('month').",
           ("TODAY() in THIS('week')", "true"), "this"),
    _entry("LAST", "LAST('unit')", "The range of the whole period before the present one.",
           ("TODAY() in LAST('month')", "false"), "last"),
    _entry("NEXT", "NEXT('unit')", "The range of the whole period after the present one.",
           ("TODAY() + 7 in NEXT('week')", "true"), "next"),
    _entry("LAST_DAYS", "LAST_DAYS(n)", "The n days that end today.", ("TODAY() - 29 in LAST_DAYS(30)", "true"),
           "last_days"),
    _entry("NEXT_DAYS", "NEXT_DAYS(n)", "The n days that begin today.", ("TODAY() + 7 in NEXT_DAYS(7)", "false"),
           "next_days"),
)  # fmt: skip
