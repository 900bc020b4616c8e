"""Small pieces of SQL that operations are made of: typed constants, guards, casts. In and out: SQLAlchemy columns.

A guard never repeats its argument, so that nested expressions stay small: `NULLIF(NULLIF(LEAST(GREATEST(x, lo), hi),
hi), lo)` is x strictly between lo and hi, else empty; the bounds are constants of this file.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from patron_engine.expr.limits import TEXT_LIMIT
from patron_engine.jsonio import decimal_text

Column = sa.ColumnElement[Any]
NUMERIC: Final = sa.Numeric()
MOMENT: Final = sa.DateTime(timezone=True)
WALL: Final = sa.DateTime(timezone=False)


class Side(Protocol):
    """What operations may ask the statement they are part of."""

    zone: str
    week_from: str
    fiscal_year_from: int
    collation: str | None

    @property
    def now(self) -> Column: ...

    @property
    def today(self) -> Column: ...


class _Guard(FunctionElement[Any]):
    """One argument between two constants of `low` and `high`, else empty."""

    inherit_cache = True
    low = high = ""


class _NumberGuard(_Guard):
    inherit_cache = True
    name = "number_guard"
    type = NUMERIC
    low, high = "-10000000000000000000000000", "10000000000000000000000000"


class _DateGuard(_Guard):
    inherit_cache = True
    name = "date_guard"
    type = sa.Date()
    low, high = "DATE '0001-12-31 BC'", "DATE '10000-01-01'"


class _MomentGuard(_Guard):
    inherit_cache = True
    name = "moment_guard"
    type = MOMENT
    low, high = "TIMESTAMPTZ '0001-01-02 00:00:00+00'", "TIMESTAMPTZ '9999-12-30 00:00:00+00'"


@compiles(_NumberGuard)
@compiles(_DateGuard)
@compiles(_MomentGuard)
def _render_guard(element: _Guard, compiler: SQLCompiler, **kw: Any) -> str:
    inner = compiler.process(element.clauses, **kw)
    low, high = element.low, element.high
    return f"nullif(nullif(least(greatest({inner}, {low}), {high}), {high}), {low})"


def number(x: Column) -> Column:
    """`x` if it has fewer than 26 digits before the point, else empty."""
    return _NumberGuard(x)


def day(x: Column) -> Column:
    """The date `x` (or a timestamp at midnight) if its year is 1 to 9999, else empty."""
    return _DateGuard(x)


def moment(x: Column) -> Column:
    """The moment `x` if it can be shown in every zone, else empty."""
    return _MomentGuard(x)


def made(x: Column) -> Column:
    """A text that an operation made: cut at the limit, empty when there is nothing in it."""
    return sa.func.nullif(sa.func.left(x, whole_literal(TEXT_LIMIT), type_=sa.Text), text(""), type_=sa.Text)


def whole(x: Column, limit: int) -> Column:
    """`x` without its decimals, as an integer; empty from ±limit on."""
    known = value_of(x)
    if known is not None:
        return whole_literal(int(known)) if abs(known) < limit else sa.cast(sa.null(), sa.Integer)
    low, high = decimal(Decimal(-limit)), decimal(Decimal(limit))
    clamped = sa.func.least(sa.func.greatest(x, low, type_=NUMERIC), high, type_=NUMERIC)
    return sa.cast(sa.func.trunc(sa.func.nullif(sa.func.nullif(clamped, high), low)), sa.Integer)


def between(x: Column, low: int, high: int) -> Column:
    """`x` without its decimals, as an integer: the nearest of low … high. An empty x gives low."""
    known = value_of(x)
    if known is not None:
        return whole_literal(int(min(max(known, Decimal(low)), Decimal(high))))
    clamped = sa.func.least(
        sa.func.greatest(x, whole_literal(low), type_=NUMERIC), whole_literal(high), type_=NUMERIC
    )
    return sa.cast(sa.func.trunc(clamped), sa.Integer)


def _digits(value: Decimal | int) -> str:
    """Digits in SQL; a negative number in brackets, for two minus signs in a row begin a comment."""
    text = decimal_text(Decimal(value))
    return f"({text})" if text.startswith("-") else text


class _Whole(sa.TypeDecorator[int]):
    """A whole constant written out in digits."""

    impl = sa.Integer
    cache_ok = True

    def literal_processor(self, dialect: Any) -> Any:
        return _digits


class _Digits(sa.TypeDecorator[Decimal]):
    """A decimal constant written out in digits."""

    impl = sa.Numeric
    cache_ok = True

    def literal_processor(self, dialect: Any) -> Any:
        return _digits


def whole_literal(n: int) -> Column:
    return sa.literal(n, _Whole(), literal_execute=True)


def decimal(value: Decimal) -> Column:
    """A numeric constant; without a cast, so that it stays comparable with an index on bigint or numeric."""
    return sa.literal(value, _Digits(), literal_execute=True)


def numeric(value: Decimal) -> Column:
    """A numeric constant that divides and rounds as numeric."""
    return sa.cast(decimal(value), NUMERIC)


def value_of(x: Column) -> Decimal | None:
    """What a numeric constant is, where a column is one: then no guard is needed."""
    inner = x.clause if isinstance(x, sa.Cast) else x
    if isinstance(inner, sa.BindParameter) and isinstance(inner.type, _Digits):
        value = inner.value
        return value if isinstance(value, Decimal) else None
    return None


def text(value: str) -> Column:
    return sa.cast(sa.literal(value, sa.Text, literal_execute=True), sa.Text)


def constant(value: Any) -> Column:
    """The typed constant of a definition."""
    if value is None:
        return sa.null()
    if isinstance(value, bool):
        return sa.true() if value else sa.false()
    if isinstance(value, Decimal):
        return numeric(value)
    if isinstance(value, datetime):
        return sa.cast(sa.literal(value.isoformat(), sa.Text, literal_execute=True), MOMENT)
    if isinstance(value, date):
        return sa.cast(sa.literal(value.isoformat(), sa.Text, literal_execute=True), sa.Date)
    if isinstance(value, time):
        return sa.cast(sa.literal(value.isoformat(), sa.Text, literal_execute=True), sa.Time)
    return text(str(value))
