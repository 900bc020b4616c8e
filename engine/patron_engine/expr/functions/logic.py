"""Choosing and testing: their types depend on what stands in them, so calls.py works them out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr import sqlparts
from patron_engine.expr.functions.arithmetic import AVERAGE_VALUES, SUM_VALUES
from patron_engine.expr.operation import Function, Operation
from patron_engine.expr.sqlparts import NUMERIC, Column, Side

VALUES_OPERATIONS: Final = {"SUM": SUM_VALUES, "AVERAGE": AVERAGE_VALUES}


def _pick(side: Side, function: Any, values: tuple[Column, ...]) -> Column:
    t = values[0].type
    made: Column
    if not side.collation or not isinstance(t, sa.Text):
        made = function(*values, type_=t)
        return made
    # Compared by code point, then given back the database's collation: LOWER and UPPER need it.
    made = function(*(v.collate(side.collation) for v in values), type_=t).collate("default")
    return made


MIN_VALUES: Final = Operation(
    name="MIN",
    py=lambda *values: min((v for v in values if v is not None), default=None),
    sql=lambda side, *values: _pick(side, sa.func.least, values),
    strict=False,
)
MAX_VALUES: Final = Operation(
    name="MAX",
    py=lambda *values: max((v for v in values if v is not None), default=None),
    sql=lambda side, *values: _pick(side, sa.func.greatest, values),
    strict=False,
)


def _count(*values: Any) -> Decimal:
    return Decimal(sum(v is not None and v is not False for v in values))


def _sql_count(side: Side, *values: Column) -> Column:
    there = [sa.func.nullif(v, sa.false()) if isinstance(v.type, sa.Boolean) else v for v in values]
    return sa.cast(sa.func.num_nonnulls(*there), NUMERIC)


COUNT_VALUES: Final = Operation(name="COUNT", py=_count, sql=_sql_count, strict=False)
COUNT_LIST: Final = Operation(
    name="COUNT",
    py=lambda values: Decimal(len(values or ())),
    sql=lambda side, values: sa.cast(
        sa.func.coalesce(sa.func.cardinality(values), sqlparts.whole_literal(0)), NUMERIC
    ),
    strict=False,
)


def _rank(options: tuple[str, ...], stored: tuple[str, ...], value: str) -> Decimal | None:
    return Decimal(options.index(value)) if value in options else None


def _sql_rank(side: Side, options: tuple[str, ...], stored: tuple[str, ...], value: Column) -> Column:
    if not options:
        return sa.cast(sa.null(), sa.Integer)
    known = [(value == sqlparts.text(s), sqlparts.whole_literal(i)) for i, s in enumerate(stored)]
    return sa.case(*known)


RANK: Final = Operation(name="order of options", py=_rank, sql=_sql_rank, copies=8)


def _entry(name: str, form: str, help: str, example: tuple[str, str], group: str = "conditions") -> Function:
    return Function(name=name, group=group, form=form, help=help, example=example, special=name.lower())


FUNCTIONS: Final = (
    _entry("IF", "IF(condition, value, otherwise)", "One value or the other; `otherwise` is empty when left out.",
           ("IF(2 > 1, 'yes', 'no')", "'yes'")),
    _entry("IFS", "IFS(condition, value, condition, value, …)", "The value after the first condition that is true.",
           ("IFS(1 > 2, 'a', true, 'b')", "'b'")),
    _entry("CASE", "CASE(x, match, value, match, value, …, otherwise)", "The value after the first match that equals x.",
           ("CASE(3, 1, 'one', 3, 'three', 'many')", "'three'")),
    _entry("AND", "AND(a, b, …)", "Whether all are true.", ("AND(1 < 2, 2 < 3)", "true")),
    _entry("OR", "OR(a, b, …)", "Whether one is true.", ("OR(1 > 2, 2 < 3)", "true")),
    _entry("NOT", "NOT(a)", "Whether it is not true.", ("NOT(1 > 2)", "true")),
    _entry("ISBLANK", "ISBLANK(x)", "Whether it is empty.", ("ISBLANK('')", "true")),
    _entry("COALESCE", "COALESCE(a, b, …)", "The first value that is not empty.", ("COALESCE('', none, 'c')", "'c'")),
    _entry("SUM", "SUM(a, b, …) or SUM(set, value, condition)", "The sum of values, empty ones skipped, or over a set.",
           ("SUM(1, none, 2)", "3"), "figures"),
    _entry("AVERAGE", "AVERAGE(a, b, …) or AVERAGE(set, value, condition)",
           "The average, empty values skipped, to 10 decimals.", ("AVERAGE(1, none, 2)", "1.5"), "figures"),
    _entry("MIN", "MIN(a, b, …) or MIN(set, value, condition)", "The least, empty values skipped.",
           ("MIN(3, none, 2)", "2"), "figures"),
    _entry("MAX", "MAX(a, b, …) or MAX(set, value, condition)", "The greatest, empty values skipped.",
           ("MAX(3, none, 2)", "3"), "figures"),
    _entry("COUNT", "COUNT(list), COUNT(a, b, …) or COUNT(set, condition)",
           "How many: entries of a list, values that are there (conditions that are true), or records of a set.",
           ("COUNT('a', none, 1 > 2)", "1"), "figures"),
)  # fmt: skip
