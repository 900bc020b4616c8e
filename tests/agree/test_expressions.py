"""The same expression in Python, as a closure and in PostgreSQL gives the same value: random typed expressions over
random records, empties and nasty values included, at least 20,000 pairs a run.

PATRON_AGREE_SEED=N chooses another run; PATRON_AGREE_FACTOR=N a longer one. The seed is in the message of a failure.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from patron_engine.expr.compile import compile_expression
from patron_engine.expr.evaluate import Context, closure, evaluate
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.expr.sql import condition_sql, to_sql
from patron_engine.expr.types import ExprType
from patron_testing.expressions import OBJECT, Samples, Writer, catalog

SEED = int(os.environ.get("PATRON_AGREE_SEED", "20260309"))
FACTOR = int(os.environ.get("PATRON_AGREE_FACTOR", "1"))
PER_PLACE, ROWS, BATCH = 215 * FACTOR, 25, 15
PLACES = (
    ("Asia/Shanghai", "monday", 1, datetime(2026, 3, 31, 16, 30, tzinfo=UTC)),
    ("America/New_York", "sunday", 4, datetime(2024, 3, 10, 6, 59, tzinfo=UTC)),
    ("Europe/Berlin", "monday", 10, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", "saturday", 7, datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)),
)
DIALECT = postgresql.psycopg.dialect()
MADE: list[int] = []


class Binding:
    """Columns of the one test table; no planner needed."""

    collation = "C"

    def __init__(self, context: Context, table: sa.TableClause) -> None:
        self.zone, self.week_from = context.zone.key, context.week_from
        self.fiscal_year_from = context.fiscal_year_from
        self.table = table
        self.now: sa.ColumnElement[Any] = sa.bindparam("now", context.now, sa.DateTime(timezone=True))
        self.today: sa.ColumnElement[Any] = sa.bindparam("today", context.today, sa.Date)

    def column(self, path: str) -> sa.ColumnElement[Any]:
        return cast(sa.ColumnElement[Any], self.table.c[path.replace(".", "__")])

    def aggregate(self, node: Any) -> sa.ColumnElement[Any]:
        raise AssertionError("no aggregates here")

    function = aggregate


def compiled(text: str, scope: Scope) -> Expression:
    made = compile_expression(text, scope)
    assert isinstance(made, Expression), f"{text}: {[str(p) for p in made]}"
    again = compile_expression(made.source, scope)
    assert isinstance(again, Expression) and again.source == made.source, (text, made.source)
    return made


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Decimal) and isinstance(b, Decimal):
        return a == b and (a.is_signed() == b.is_signed() or bool(a))
    return type(a) is type(b) and bool(a == b)


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_python_and_sql_agree(conn: psycopg.Connection[Any], place: int) -> None:
    zone, week, fiscal, now = PLACES[place]
    rng = random.Random(SEED * 10 + place)
    context = Context(now=now, zone=ZoneInfo(zone), week_from=week, fiscal_year_from=fiscal)  # type: ignore[arg-type]
    samples = Samples(rng, context)
    rows = [samples.row(i) for i in range(ROWS)]
    table = samples.create(conn, rows)
    scope = Scope(catalog=catalog(), object=OBJECT)
    writer = Writer(rng)
    expressions = [compiled(writer.expression(), scope) for _ in range(PER_PLACE)]
    expressions = [e for e in expressions if e.has_sql]
    pairs = 0
    for start in range(0, len(expressions), BATCH):
        pairs += _compare(conn, table, rows, expressions[start : start + BATCH], context)
    MADE.append(pairs)
    assert pairs >= 5000 * FACTOR, f"only {pairs} pairs, seed {SEED}"


def _compare(
    conn: psycopg.Connection[Any],
    table: sa.TableClause,
    rows: list[dict[str, Any]],
    batch: list[Expression],
    context: Context,
) -> int:
    binding = Binding(context, table)
    columns: list[sa.ColumnElement[Any]] = []
    for e in batch:
        columns.append(to_sql(e, binding))
        truth = e.type.kind == "boolean"
        columns.append(sa.func.coalesce(condition_sql(e, binding), sa.false()) if truth else sa.null())
    statement = sa.select(*(c.label(f"c{i}") for i, c in enumerate(columns))).order_by(table.c.row)
    made = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    try:
        answers = conn.execute(str(made), dict(made.params)).fetchall()  # type: ignore[call-overload]
    except psycopg.Error as e:
        sources = "\n".join(e.source for e in batch)
        raise AssertionError(f"{e}\n{made}\n{sources}") from e
    for values, answer in zip(rows, answers, strict=True):
        for i, e in enumerate(batch):
            slow, fast, sql = evaluate(e, values, context), closure(e)(values, context), answer[2 * i]
            where = (
                f"seed {SEED}, {context.zone.key}\n{e.source}\nover { {p: values.get(p) for p in e.paths} }"
            )
            assert same(slow, fast), f"{where}\nsimpleeval {slow!r}, closure {fast!r}"
            assert same(slow, sql), f"{where}\nPython {slow!r}, SQL {sql!r}\n{to_sql(e, binding)}"
            if e.type.kind == "boolean":
                chosen = answer[2 * i + 1]
                assert bool(slow) == chosen, f"{where}\nPython {slow!r}, WHERE {chosen!r}"
    return len(rows) * len(batch)


def test_the_run_was_long_enough() -> None:
    if len(MADE) < len(PLACES):
        pytest.skip("the places were not all run")
    assert sum(MADE) >= 20_000 * FACTOR


def test_a_planted_fault_is_found(conn: psycopg.Connection[Any]) -> None:
    """The comparison itself: a value that differs is reported."""
    context = Context(now=PLACES[0][3], zone=ZoneInfo("UTC"))
    samples = Samples(random.Random(1), context)
    rows = [samples.row(i) for i in range(3)]
    rows[1]["number"] = Decimal(5)
    table = samples.create(conn, rows)
    rows[1]["number"] = Decimal(6)  # Python is told something else than the database
    wrong = compiled("number + 1", Scope(catalog=catalog(), object=OBJECT))
    with pytest.raises(AssertionError, match="Python Decimal"):
        _compare(conn, table, rows, [wrong], context)


def test_values_stay_values() -> None:
    """What the comparison calls the same."""
    assert same(Decimal("1.50"), Decimal("1.5")) and not same(Decimal(1), True) and not same(None, False)
    assert not same(date(2026, 1, 1), datetime(2026, 1, 1)) and same(time(1), time(1))
    assert same(timedelta(1), timedelta(1)) and ExprType("text") == ExprType("text")
