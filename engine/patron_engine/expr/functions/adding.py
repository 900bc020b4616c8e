"""Adding to dates and moments: days, months by the calendar, exact seconds; DATEADD with its units.

Months end at the month's last day; days of a moment keep its wall clock; hours are exact. Dates outside the years 1 to
9999 are empty.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from patron_engine.expr import limits, sqlparts
from patron_engine.expr.context import Context
from patron_engine.expr.functions.arithmetic import EXACT, negative
from patron_engine.expr.functions.formats import wall
from patron_engine.expr.operation import Operation
from patron_engine.expr.sqlparts import NUMERIC, WALL, Column, Side

# unit -> (months, days, seconds) of one
UNITS: Final = {
    "day": (0, 1, 0), "week": (0, 7, 0), "month": (1, 0, 0), "quarter": (3, 0, 0), "year": (12, 0, 0),
    "hour": (0, 0, 3600), "minute": (0, 0, 60),
}  # fmt: skip
_EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
_SECONDS_LIMIT: Final = limits.DAYS_LIMIT * 86_400


def unit_of(word: str) -> tuple[int, int, int] | None:
    """(months, days, seconds) of a unit, singular or plural; None for an unknown one."""
    return UNITS.get(word) or UNITS.get(word.removesuffix("s"))


def in_years(moment: datetime) -> datetime | None:
    """The moment, or None where some zone could not show it."""
    return moment if _EARLIEST < moment < _LATEST else None


def add_months(day: date, months: int) -> date | None:
    """The same day `months` later, or the month's last; None outside the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def add_days(day: date, n: Decimal) -> date | None:
    """`n` whole days later."""
    if abs(n) >= limits.DAYS_LIMIT:
        return None
    try:
        return day + timedelta(days=int(n))
    except OverflowError:
        return None


def add_seconds(moment: datetime, n: Decimal) -> datetime | None:
    """`n` seconds later, exact to the microsecond."""
    if abs(n) >= _SECONDS_LIMIT:
        return None
    days, rest = divmod(int(EXACT.scaleb(n, 6)), 86_400_000_000)
    try:
        return in_years(moment + timedelta(days=days, microseconds=rest))
    except OverflowError:
        return None


def _sql_add_seconds(side: Side, moment: Column, n: Column) -> Column:
    limit = sqlparts.decimal(Decimal(_SECONDS_LIMIT))
    low = sqlparts.decimal(Decimal(-_SECONDS_LIMIT))
    inside = sa.func.nullif(
        sa.func.nullif(sa.func.least(sa.func.greatest(n, low, type_=NUMERIC), limit, type_=NUMERIC), limit),
        low,
    )
    cut = sa.func.trunc(inside, sqlparts.whole_literal(6), type_=NUMERIC)
    day = sqlparts.numeric(Decimal(86_400))
    days = sa.cast(sa.func.div(cut, day, type_=NUMERIC), sa.Integer)
    seconds = sa.cast(sa.func.mod(cut, day, type_=NUMERIC), sa.Double)
    zero = sqlparts.whole_literal(0)
    span = sa.func.make_interval(zero, zero, zero, days, zero, zero, seconds, type_=sa.Interval)
    at = sa.func.timezone(sqlparts.text("UTC"), moment, type_=WALL)
    return sqlparts.moment(sa.func.timezone(sqlparts.text("UTC"), at + span, type_=sqlparts.MOMENT))


def _scaled(n: Decimal, factor: int, limit: int) -> int | None:
    if abs(n) >= limit:
        return None
    scaled = int(n) * factor
    return scaled if abs(scaled) < limit else None


def _date_add(day: date, n: Decimal, unit: str) -> date | None:
    months, days, _ = unit_of(unit) or (0, 0, 0)
    if months:
        by = _scaled(n, months, limits.MONTHS_LIMIT)
        return None if by is None else add_months(day, by)
    by = _scaled(n, days, limits.DAYS_LIMIT) if days else None
    return None if by is None else add_days(day, Decimal(by))


def _moment_add(ctx: Context, moment: datetime, n: Decimal, unit: str) -> datetime | None:
    _, _, seconds = unit_of(unit) or (0, 0, 0)
    if seconds:
        return None if abs(n) >= _SECONDS_LIMIT else add_seconds(moment, Decimal(int(n) * seconds))
    if in_years(moment) is None:
        return None
    at = ctx.local(moment)
    day = _date_add(at.date(), n, unit)
    if day is None:
        return None
    try:
        return in_years(ctx.moment(datetime.combine(day, at.time())))
    except OverflowError:
        return None


def _factors(unit: Column | str) -> tuple[Column | int, Column | int, Column | int]:
    """Months, days, seconds of a unit: constants, or columns when the unit is one."""
    if isinstance(unit, str):
        return unit_of(unit) or (0, 0, 0)
    words = {w: f for u, f in UNITS.items() for w, f in ((u, f), (u + "s", f))}
    columns = [
        sa.case(*((unit == sqlparts.text(w), sqlparts.whole_literal(f[i])) for w, f in words.items()))
        for i in range(3)
    ]
    return columns[0], columns[1], columns[2]


def _times(n: Column, factor: Column | int, limit: int) -> Column:
    """Whole n times factor, an integer; empty from ±limit on."""
    by = (
        sa.cast(factor, NUMERIC)
        if isinstance(factor, sa.ColumnElement)
        else sqlparts.numeric(Decimal(factor))
    )
    inside = sqlparts.whole(n, limit)
    return sqlparts.whole(sa.cast(inside, NUMERIC) * by, limit)


def interval(months: Column, days: Column) -> Column:
    """So many months and days."""
    zero = sqlparts.whole_literal(0)
    return sa.func.make_interval(zero, months, zero, days, type_=sa.Interval)


def _sql_calendar_add(at: Column, n: Column, unit: Column | str) -> Column:
    """A timestamp without zone, months or days later. Only the part the unit has is computed: the other is no limit."""
    months, days, _ = _factors(unit)
    zero = sqlparts.whole_literal(0)
    if isinstance(months, int) and isinstance(days, int):
        if months:
            return at + interval(_times(n, months, limits.MONTHS_LIMIT), zero)
        if days:
            return at + interval(zero, _times(n, days, limits.DAYS_LIMIT))
        return sa.cast(sa.null(), WALL)
    months, days = sa.cast(months, sa.Integer), sa.cast(days, sa.Integer)
    return sa.case(
        (months > zero, at + interval(_times(n, months, limits.MONTHS_LIMIT), zero)),
        (days > zero, at + interval(zero, _times(n, days, limits.DAYS_LIMIT))),
    )


def _sql_date_add(side: Side, day: Column, n: Column, unit: Column | str) -> Column:
    return sqlparts.day(sa.cast(_sql_calendar_add(sa.cast(day, WALL), n, unit), sa.Date))


def _sql_moment_add(side: Side, moment: Column, n: Column, unit: Column | str) -> Column:
    _, _, seconds = _factors(unit)
    calendar = sqlparts.moment(
        sa.func.timezone(
            sqlparts.text(side.zone),
            _sql_calendar_add(wall(side, sqlparts.moment(moment)), n, unit),
            type_=sqlparts.MOMENT,
        )
    )
    if isinstance(seconds, int):
        return _sql_add_seconds(side, moment, _times_seconds(n, seconds)) if seconds else calendar
    seconds = sa.cast(seconds, sa.Integer)
    exact = _sql_add_seconds(side, moment, _times_seconds(n, seconds))
    return sa.case((seconds > sqlparts.whole_literal(0), exact), else_=calendar)


def _times_seconds(n: Column, factor: Column | int) -> Column:
    by = (
        sa.cast(factor, NUMERIC)
        if isinstance(factor, sa.ColumnElement)
        else sqlparts.numeric(Decimal(factor))
    )
    return sa.func.trunc(n, type_=NUMERIC) * by


# Operations

ADD_DAYS: Final = Operation(
    name="date +", py=add_days, sql=lambda side, d, n: sqlparts.day(d + sqlparts.whole(n, limits.DAYS_LIMIT))
)
SUBTRACT_DAYS: Final = Operation(
    name="date -",
    py=lambda d, n: add_days(d, negative(n)),
    sql=lambda side, d, n: sqlparts.day(d - sqlparts.whole(n, limits.DAYS_LIMIT)),
)
ADD_SECONDS: Final = Operation(name="moment +", py=add_seconds, sql=_sql_add_seconds, copies=2)
SUBTRACT_SECONDS: Final = Operation(
    name="moment -",
    py=lambda m, n: add_seconds(m, negative(n)),
    sql=lambda side, m, n: _sql_add_seconds(side, m, -n),
    copies=2,
)
DATE_ADD: Final = Operation(name="DATEADD", py=_date_add, sql=_sql_date_add, copies=20)
DATE_ADD_UNIT: Final = Operation(
    name="DATEADD",
    py=lambda unit, d, n: _date_add(d, n, unit),
    sql=lambda side, unit, d, n: _sql_date_add(side, d, n, unit),
)
MOMENT_ADD: Final = Operation(name="DATEADD", py=_moment_add, sql=_sql_moment_add, context=True, copies=60)
MOMENT_ADD_UNIT: Final = Operation(
    name="DATEADD",
    py=lambda ctx, unit, m, n: _moment_add(ctx, m, n, unit),
    sql=lambda side, unit, m, n: _sql_moment_add(side, m, n, unit),
    context=True,
    copies=2,
)
