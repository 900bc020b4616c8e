"""Dates and moments: their parts, the time between them, today and now. Business days are those of the workspace's zone."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.context import Context
from patron_engine.expr.functions.adding import in_years, interval
from patron_engine.expr.functions.arithmetic import EXACT, QUOTIENT, sql_quotient
from patron_engine.expr.functions.formats import wall
from patron_engine.expr.operation import Function, Operation, Signature
from patron_engine.expr.sqlparts import NUMERIC, WALL, Column, Side
from patron_engine.expr.types import DATE, DATETIME, NUMBER, TIME, ExprType


def _seconds_between(later: datetime, earlier: datetime) -> Decimal:
    gap = later - earlier
    return EXACT.add(Decimal(gap.days * 86_400 + gap.seconds), EXACT.scaleb(Decimal(gap.microseconds), -6))


def _sql_seconds_between(side: Side, later: Column, earlier: Column) -> Column:
    return sa.cast(sa.extract("epoch", later - earlier), NUMERIC)


def _months_between(start: date, end: date) -> int:
    """Whole months from one date to another, as DATEADD counts them; negative when reversed."""
    if end < start:
        return -_months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (end.day < min(start.day, monthrange(end.year, end.month)[1]))


def _sql_months_up(start: Column, end: Column) -> Column:
    def part(name: str, of: Column) -> Column:
        return sa.cast(sa.func.date_part(sqlparts.text(name), sa.cast(of, WALL)), sa.Integer)

    twelve, one, zero = sqlparts.whole_literal(12), sqlparts.whole_literal(1), sqlparts.whole_literal(0)
    month = sa.func.date_trunc(sqlparts.text("month"), sa.cast(end, WALL), type_=WALL)
    last = part("day", month + interval(one, sqlparts.whole_literal(-1)))
    short = sa.case((part("day", end) < sa.func.least(part("day", start), last), one), else_=zero)
    return (
        (part("year", end) - part("year", start)) * twelve + part("month", end) - part("month", start) - short
    )


def _sql_months(side: Side, start: Column, end: Column) -> Column:
    return sa.cast(
        sa.case((end < start, -_sql_months_up(end, start)), else_=_sql_months_up(start, end)), NUMERIC
    )


def _sql_years(side: Side, start: Column, end: Column) -> Column:
    return sa.func.trunc(_sql_months(side, start, end) / sqlparts.numeric(Decimal(12)), type_=NUMERIC)


def _date(year: Decimal, month: Decimal, day: Decimal) -> date | None:
    y, m, d = int(year), int(month), int(day)
    if not (1 <= y <= 9999 and 1 <= m <= 12 and 1 <= d <= monthrange(y, m)[1]):
        return None
    return date(y, m, d)


def _sql_date(side: Side, year: Column, month: Column, day: Column) -> Column:
    zero = sqlparts.whole_literal(0)

    def inside(x: Column, limit: int) -> Column:
        return sa.func.nullif(sa.func.greatest(sqlparts.whole(x, limit), zero), zero, type_=sa.Integer)

    y, m, d = inside(year, 10_000), inside(month, 13), inside(day, 32)
    first = sa.func.make_date(y, m, sqlparts.whole_literal(1), type_=sa.Date)
    made = first + (d - sqlparts.whole_literal(1))
    same = sa.cast(sa.extract("month", made), sa.Integer) == m
    return sa.case((same, made))


# Operations

DAYS_BETWEEN: Final = Operation(
    name="date - date",
    py=lambda a, b: Decimal((a - b).days),
    sql=lambda side, a, b: sa.cast(sa.cast(a, sa.Date) - sa.cast(b, sa.Date), NUMERIC),
)
SECONDS_BETWEEN: Final = Operation(name="moment - moment", py=_seconds_between, sql=_sql_seconds_between)


def local_day(ctx: Context, moment: datetime) -> date | None:
    """The business day of a moment."""
    return None if in_years(moment) is None else ctx.local(moment).date()


def sql_local_day(side: Side, moment: Column) -> Column:
    return sa.cast(wall(side, sqlparts.moment(moment)), sa.Date)


DAY_OF: Final = Operation(name="DAY_OF", py=local_day, sql=sql_local_day, context=True)
TODAY: Final = Operation(
    name="TODAY", py=lambda ctx: ctx.today, sql=lambda side: side.today, context=True, now=True
)
NOW: Final = Operation(name="NOW", py=lambda ctx: ctx.now, sql=lambda side: side.now, context=True, now=True)


def _part(
    name: str, sql: str, pick: Any, on: tuple[ExprType, ...], help: str, example: tuple[str, str]
) -> Function:
    """A function that takes a number out of a date, a moment (on the workspace's clock) or a time of day."""

    def of_moment(ctx: Context, moment: datetime) -> Decimal | None:
        return None if in_years(moment) is None else Decimal(pick(ctx.local(moment)))

    def field_of(at: Column) -> Column:
        return sa.cast(sa.func.date_part(sqlparts.text(sql), at), NUMERIC)

    signatures = []
    for t in on:
        if t is DATETIME:
            op = Operation(
                name=name,
                py=of_moment,
                context=True,
                sql=lambda side, m: field_of(wall(side, sqlparts.moment(m))),
            )
        elif t is TIME:
            op = Operation(
                name=name, py=lambda d: Decimal(pick(d)), sql=lambda side, d: field_of(sa.cast(d, sa.Time))
            )
        else:
            op = Operation(
                name=name, py=lambda d: Decimal(pick(d)), sql=lambda side, d: field_of(sa.cast(d, WALL))
            )
        signatures.append(Signature(params=t.kind, result=NUMBER, op=op))
    return Function(
        name=name,
        group="dates",
        form=f"{name}(date)",
        help=help,
        example=example,
        signatures=tuple(signatures),
    )


_DAYS: Final = (DATE, DATETIME)
_CLOCK: Final = (DATETIME, TIME)


def _entry(name: str, form: str, help: str, example: tuple[str, str], *signatures: Signature) -> Function:
    return Function(name=name, group="dates", form=form, help=help, example=example, signatures=signatures)


FUNCTIONS: Final = (
    _entry("TODAY", "TODAY()", "The business day: the date now in the workspace's zone.",
           ("TODAY() - TODAY()", "0"), Signature(params="", result=DATE, op=TODAY)),
    _entry("NOW", "NOW()", "The moment of the request; it does not move while one is answered.",
           ("NOW() - NOW()", "0"), Signature(params="", result=DATETIME, op=NOW)),
    _part("YEAR", "year", lambda d: d.year, _DAYS, "The year.", ("YEAR(DATE(2026, 3, 9))", "2026")),
    _part("QUARTER", "quarter", lambda d: (d.month + 2) // 3, _DAYS, "The quarter of the year, 1 to 4.",
          ("QUARTER(DATE(2026, 3, 9))", "1")),
    _part("MONTH", "month", lambda d: d.month, _DAYS, "The month, 1 to 12.", ("MONTH(DATE(2026, 3, 9))", "3")),
    _part("DAY", "day", lambda d: d.day, _DAYS, "The day of the month.", ("DAY(DATE(2026, 3, 9))", "9")),
    _part("WEEKDAY", "isodow", lambda d: d.isoweekday(), _DAYS, "The day of the week, 1 Monday to 7 Sunday.",
          ("WEEKDAY(DATE(2026, 3, 9))", "1")),
    _part("HOUR", "hour", lambda d: d.hour, _CLOCK, "The hour, 0 to 23, on the workspace's clock.",
          ("HOUR(DATEADD(NOW(), 0, 'hour')) == HOUR(NOW())", "true")),
    _part("MINUTE", "minute", lambda d: d.minute, _CLOCK, "The minute, 0 to 59, on the workspace's clock.",
          ("MINUTE(NOW()) < 60", "true")),
    _entry("DATE", "DATE(year, month, day)", "A date; empty where there is no such day.",
           ("DATE(2024, 2, 29)", "'2024-02-29'"),
           Signature(params="number number number", result=DATE,
                     op=Operation(name="DATE", py=_date, sql=_sql_date, copies=3))),
    _entry("DAY_OF", "DAY_OF(moment)", "The date of a moment in the workspace's zone.", ("DAY_OF(NOW()) == TODAY()", "true"),
           Signature(params="datetime", result=DATE, op=DAY_OF)),
    Function(name="DATEADD", group="dates", form="DATEADD(date, n, 'unit')", special="dateadd",
             help="A date or moment n day, week, month, quarter, year, hour or minute later; the unit may be a field.",
             example=("DATEADD(DATE(2026, 1, 31), 1, 'month')", "'2026-02-28'")),
    _entry("DAYS", "DAYS(from, to)", "The days from one date to another: to - from.",
           ("DAYS(DATE(2026, 1, 1), DATE(2026, 1, 31))", "30"),
           Signature(params="date date", result=NUMBER,
                     op=Operation(name="DAYS", py=lambda a, b: Decimal((b - a).days),
                                  sql=lambda side, a, b: sa.cast(sa.cast(b, sa.Date) - sa.cast(a, sa.Date), NUMERIC)))),
    _entry("HOURS", "HOURS(from, to)", "The hours from one moment to another, to 10 decimals.",
           ("HOURS(NOW(), DATEADD(NOW(), 90, 'minute'))", "1.5"),
           Signature(params="datetime datetime", result=NUMBER, op=Operation(
               name="HOURS",
               py=lambda a, b: QUOTIENT.py(_seconds_between(b, a), Decimal(3600)),
               sql=lambda side, a, b: sql_quotient(side, _sql_seconds_between(side, b, a), sqlparts.numeric(Decimal(3600))),
           ))),
    _entry("MONTHS", "MONTHS(from, to)", "The whole months between two dates.",
           ("MONTHS(DATE(2026, 1, 31), DATE(2026, 2, 28))", "1"),
           Signature(params="date date", result=NUMBER, op=Operation(
               name="MONTHS", py=lambda a, b: Decimal(_months_between(a, b)), sql=_sql_months, copies=10))),
    _entry("YEARS", "YEARS(from, to)", "The whole years between two dates, as for an age.",
           ("YEARS(DATE(2000, 5, 2), DATE(2026, 5, 1))", "25"),
           Signature(params="date date", result=NUMBER, op=Operation(
               name="YEARS", py=lambda a, b: Decimal(int(_months_between(a, b) / 12)), sql=_sql_years, copies=10))),
)  # fmt: skip
