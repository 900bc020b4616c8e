"""Numbers: operators and functions. Decimals only; exact where it can be, else rounded half up to 10 decimals.

Both sides of every operation stand beside each other; what leaves the range is empty in both.
"""

from __future__ import annotations

from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_05UP,
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from decimal import Context as Digits
from functools import reduce
from operator import add, mul
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import limits, sqlparts
from patron_engine.expr.operation import Function, Operation, Signature
from patron_engine.expr.sqlparts import NUMERIC, Column, Side
from patron_engine.expr.types import NUMBER

EXACT: Final = Digits(prec=30_000, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Enough digits, and the rounding that keeps a second rounding right.
_WIDE: Final = Digits(prec=60, rounding=ROUND_05UP, Emax=MAX_EMAX, Emin=MIN_EMIN)
_TENTH: Final = Decimal(1).scaleb(-limits.DECIMALS)
_WIDENED: Final = 40
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def bounded(x: Decimal) -> Decimal | None:
    """`x`, or None from 10^25 on; never a negative zero."""
    if not -limits.NUMBER_LIMIT < x < limits.NUMBER_LIMIT:
        return None
    return x or ZERO


def rounded(x: Decimal) -> Decimal | None:
    """`x` half up to the language's decimals."""
    if not -limits.NUMBER_LIMIT < x < limits.NUMBER_LIMIT:
        return None
    return bounded(x.quantize(_TENTH, ROUND_HALF_UP, EXACT))


def negative(x: Decimal) -> Decimal:
    """`-x`, exact: Python's own minus rounds to 28 digits."""
    return x.copy_negate() or ZERO


def sql_rounded(x: Column) -> Column:
    return sqlparts.number(sa.func.round(x, sqlparts.whole_literal(limits.DECIMALS), type_=NUMERIC))


def sql_widened(x: Column) -> Column:
    """`x` with 40 decimals: PostgreSQL works on with as many, and rounding comes once, at the end."""
    return x + sa.func.round(sqlparts.numeric(ZERO), sqlparts.whole_literal(_WIDENED), type_=NUMERIC)


def sql_zero_is_empty(x: Column) -> Column:
    return sa.func.nullif(x, sqlparts.decimal(ZERO), type_=NUMERIC)


# Operators


def _sum(signs: tuple[str, ...], *terms: Decimal) -> Decimal | None:
    total = ZERO
    for sign, term in zip(signs, terms, strict=True):
        total = EXACT.add(total, term) if sign == "+" else EXACT.subtract(total, term)
    return bounded(total)


def _sql_sum(side: Side, signs: tuple[str, ...], *terms: Column) -> Column:
    total = terms[0]
    for sign, term in zip(signs[1:], terms[1:], strict=True):
        total = total + term if sign == "+" else total - term
    return sqlparts.number(total)


def _product(*factors: Decimal) -> Decimal | None:
    return bounded(reduce(EXACT.multiply, factors))


def _quotient(a: Decimal, b: Decimal) -> Decimal | None:
    return rounded(_WIDE.divide(a, b)) if b else None


def sql_quotient(side: Side, a: Column, b: Column) -> Column:
    by = sqlparts.value_of(b)
    if by is not None and abs(by) >= 1:  # neither zero nor larger than a: no guard
        return sa.func.round(sql_widened(a) / b, sqlparts.whole_literal(limits.DECIMALS), type_=NUMERIC)
    return sql_rounded(sql_widened(a) / sql_zero_is_empty(b))


def _remainder(a: Decimal, b: Decimal) -> Decimal | None:
    if not b:
        return None
    rest = EXACT.remainder(a, b)
    return bounded(EXACT.remainder(EXACT.add(rest, b), b))


def _sql_remainder(side: Side, a: Column, b: Column) -> Column:
    by = sql_zero_is_empty(b)
    return sa.func.mod(sa.func.mod(a, by, type_=NUMERIC) + b, by, type_=NUMERIC)


def _power(x: Decimal, y: Decimal) -> Decimal | None:
    if abs(y) > limits.POWER_LIMIT or (not x and y < 0) or (x < 0 and y != y.to_integral_value()):
        return None
    if not y:
        return ONE
    return rounded(_WIDE.power(x, y))


def _sql_power(side: Side, x: Column, y: Column) -> Column:
    zero, limit = sqlparts.decimal(ZERO), sqlparts.decimal(Decimal(limits.POWER_LIMIT))
    allowed = sa.and_(
        sa.func.abs(y) <= limit,
        sa.or_(
            x > zero, sa.and_(x == zero, y >= zero), sa.and_(x < zero, y == sa.func.trunc(y, type_=NUMERIC))
        ),
    )
    return sql_rounded(sa.case((allowed, sa.func.power(sql_widened(x), y, type_=NUMERIC))))


SUM_OF: Final = Operation(name="sum", py=_sum, sql=_sql_sum)
PRODUCT: Final = Operation(
    name="product", py=_product, sql=lambda side, *factors: sqlparts.number(reduce(mul, factors))
)
QUOTIENT: Final = Operation(name="quotient", py=_quotient, sql=sql_quotient)
REMAINDER: Final = Operation(name="remainder", py=_remainder, sql=_sql_remainder, copies=3)
NEGATIVE: Final = Operation(name="negative", py=negative, sql=lambda side, x: -x)
POWER: Final = Operation(name="power", py=_power, sql=_sql_power, copies=6)


# Rounding


def _rounding(how: str) -> Any:
    def py(x: Decimal, digits: Decimal = ZERO) -> Decimal | None:
        n = int(digits)
        if not -26 < n < 26:
            return None
        return bounded(x.quantize(ONE.scaleb(-n), how, EXACT))

    return py


def _digits(n: Column | None) -> Column:
    return sqlparts.whole_literal(0) if n is None else sqlparts.whole(n, 26)


def _sql_round(side: Side, x: Column, n: Column | None = None) -> Column:
    return sqlparts.number(sa.func.round(x, _digits(n), type_=NUMERIC))


def _sql_round_down(side: Side, x: Column, n: Column | None = None) -> Column:
    return sqlparts.number(sa.func.trunc(x, _digits(n), type_=NUMERIC))


def _sql_round_up(side: Side, x: Column, n: Column | None = None) -> Column:
    cut = sa.func.trunc(x, _digits(n), type_=NUMERIC)
    unit = sa.cast(sqlparts.text("1e") + sa.cast(-_digits(n), sa.Text), NUMERIC)
    return sqlparts.number(cut + sa.func.sign(x - cut, type_=NUMERIC) * unit)


def _sqrt(x: Decimal) -> Decimal | None:
    return None if x < 0 else rounded(_WIDE.sqrt(x))


def _sql_sqrt(side: Side, x: Column) -> Column:
    allowed = sa.case((x >= sqlparts.decimal(ZERO), sql_widened(x)))
    return sql_rounded(sa.func.sqrt(allowed, type_=NUMERIC))


def _floor(x: Decimal, step: Decimal = ONE) -> Decimal | None:
    if step == ONE:
        return bounded(x.to_integral_value(ROUND_FLOOR))
    rest = _remainder(x, step)
    return None if rest is None else bounded(EXACT.subtract(x, rest))


def _ceiling(x: Decimal, step: Decimal = ONE) -> Decimal | None:
    if step == ONE:
        return bounded(x.to_integral_value(ROUND_CEILING))
    rest = _remainder(x.copy_negate(), step)
    return None if rest is None else bounded(EXACT.add(x, rest))


def _sql_floor(side: Side, x: Column, step: Column | None = None) -> Column:
    if step is None:
        return sa.func.floor(x, type_=NUMERIC)
    return sqlparts.number(x - _sql_remainder(side, x, step))


def _sql_ceiling(side: Side, x: Column, step: Column | None = None) -> Column:
    if step is None:
        return sqlparts.number(sa.func.ceil(x, type_=NUMERIC))
    return sqlparts.number(x + _sql_remainder(side, -x, step))


# Several values, empty ones skipped


def _total(*values: Decimal | None) -> Decimal | None:
    return bounded(reduce(EXACT.add, (v for v in values if v is not None), ZERO))


def _average(*values: Decimal | None) -> Decimal | None:
    there = [v for v in values if v is not None]
    return rounded(_WIDE.divide(reduce(EXACT.add, there), Decimal(len(there)))) if there else None


def _sql_total(side: Side, *values: Column) -> Column:
    return sqlparts.number(_sql_plain_total(values))


def _sql_plain_total(values: tuple[Column, ...]) -> Column:
    zero = sqlparts.numeric(ZERO)
    terms: list[Column] = [sa.func.coalesce(v, zero, type_=NUMERIC) for v in values]
    return reduce(add, terms)


def _sql_average(side: Side, *values: Column) -> Column:
    total = _sql_plain_total(values)
    count = sa.cast(sa.func.num_nonnulls(*values), NUMERIC)
    return sql_rounded(sql_widened(total) / sql_zero_is_empty(count))


SUM_VALUES: Final = Operation(name="SUM", py=_total, sql=_sql_total, strict=False)
AVERAGE_VALUES: Final = Operation(name="AVERAGE", py=_average, sql=_sql_average, strict=False, copies=2)

ROUND: Final = Operation(name="ROUND", py=_rounding(ROUND_HALF_UP), sql=_sql_round)
ROUNDUP: Final = Operation(name="ROUNDUP", py=_rounding(ROUND_UP), sql=_sql_round_up, copies=3)
ROUNDDOWN: Final = Operation(name="ROUNDDOWN", py=_rounding(ROUND_DOWN), sql=_sql_round_down)
ABS: Final = Operation(name="ABS", py=Decimal.copy_abs, sql=lambda side, x: sa.func.abs(x, type_=NUMERIC))
SQRT: Final = Operation(name="SQRT", py=_sqrt, sql=_sql_sqrt, copies=2)
FLOOR: Final = Operation(name="FLOOR", py=_floor, sql=_sql_floor, copies=3)
CEILING: Final = Operation(name="CEILING", py=_ceiling, sql=_sql_ceiling, copies=3)


def _entry(name: str, form: str, help: str, example: tuple[str, str], params: str, op: Operation) -> Function:
    return Function(
        name=name, group="numbers", form=form, help=help, example=example,
        signatures=(Signature(params=params, result=NUMBER, op=op),),
    )  # fmt: skip


FUNCTIONS: Final = (
    _entry("ROUND", "ROUND(x, digits)", "Rounds half away from zero; digits is 0 when left out, -3 rounds to thousands.",
           ("ROUND(2.675, 2)", "2.68"), "number number?", ROUND),
    _entry("ROUNDUP", "ROUNDUP(x, digits)", "Rounds away from zero.", ("ROUNDUP(2.001, 1)", "2.1"), "number number?",
           ROUNDUP),
    _entry("ROUNDDOWN", "ROUNDDOWN(x, digits)", "Rounds towards zero.", ("ROUNDDOWN(-2.79, 1)", "-2.7"),
           "number number?", ROUNDDOWN),
    _entry("INT", "INT(x)", "The whole number at or below x.", ("INT(-2.5)", "-3"), "number", FLOOR),
    _entry("MOD", "MOD(a, b)", "The remainder of a / b, with the sign of b; empty where b is 0.", ("MOD(-7, 3)", "2"),
           "number number", REMAINDER),
    _entry("ABS", "ABS(x)", "The number without its sign.", ("ABS(-3.5)", "3.5"), "number", ABS),
    _entry("SQRT", "SQRT(x)", "The square root, to 10 decimals; empty for negative numbers.",
           ("SQRT(2)", "1.4142135624"), "number", SQRT),
    _entry("POWER", "POWER(x, y)", "x to the power of y (at most 100 either way), to 10 decimals.",
           ("POWER(1.05, 3)", "1.157625"), "number number", POWER),
    _entry("CEILING", "CEILING(x, step)", "The nearest multiple of step (1 when left out) at or above x.",
           ("CEILING(7.2, 5)", "10"), "number number?", CEILING),
    _entry("FLOOR", "FLOOR(x, step)", "The nearest multiple of step (1 when left out) at or below x.",
           ("FLOOR(7.2, 5)", "5"), "number number?", FLOOR),
)  # fmt: skip
