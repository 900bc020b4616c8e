"""The shape of the SQL: leaves an index can serve, `not` at the leaves, constants typed, nothing a text could break."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from patron_engine.expr import limits
from patron_engine.expr.sql import condition_sql, to_sql
from patron_testing.deals import compiled


class Binding:
    zone, week_from, fiscal_year_from = "Asia/Shanghai", "monday", 1
    now: sa.ColumnElement[Any] = sa.bindparam("now", None, sa.DateTime(timezone=True))
    today: sa.ColumnElement[Any] = sa.bindparam("today", None, sa.Date)
    kinds = {"amount": sa.Numeric(), "order": sa.BigInteger(), "name": sa.Text(), "flag": sa.Boolean()}  # noqa: RUF012

    def column(self, path: str) -> sa.ColumnElement[Any]:
        return sa.bindparam("me", None) if path == "me.id" else sa.column(path, self.kinds.get(path))

    def aggregate(self, node: Any) -> sa.ColumnElement[Any]:
        return sa.column(node.key)

    def function(
        self, name: str, args: tuple[sa.ColumnElement[Any], ...], node: Any
    ) -> sa.ColumnElement[Any]:
        return sa.func.answer(name, *args, type_=sa.Boolean)


def text_of(column: sa.ColumnElement[Any]) -> str:
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    made = column.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return " ".join(str(made).split())


def where(text: str, **more: Any) -> str:
    return text_of(condition_sql(compiled(text, **more), Binding()))


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("stage == 'won'", "stage = CAST('won' AS TEXT)"),
        ("stage != 'won'", "stage IS DISTINCT FROM CAST('won' AS TEXT)"),
        ("not stage == 'won'", "stage IS DISTINCT FROM CAST('won' AS TEXT)"),
        ("amount > 1000", "amount > 1000"),
        ("order >= 5", '"order" >= 5'),
        ("not amount > 1000", "NOT coalesce(amount > 1000, false)"),
        ("not (stage == 'won' or amount > 5)", "stage IS DISTINCT FROM CAST('won' AS TEXT) AND NOT coalesce(amount > 5, false)"),
        ("stage in ('won', 'lost')", "stage IN (CAST('won' AS TEXT), CAST('lost' AS TEXT))"),
        ("stage not in ('won', 'lost')", "NOT coalesce(stage IN (CAST('won' AS TEXT), CAST('lost' AS TEXT)), false)"),
        ("phone == email", "phone IS NOT DISTINCT FROM email"),
        ("ISBLANK(phone)", "phone IS NULL"),
        ("phone != none", "phone IS NOT NULL"),
        ("flag", "flag"),
        ("not flag", "NOT coalesce(flag, false)"),
        ("close_date == TODAY()", "close_date = %(today)s::DATE"),
        ("close_date > '2026-03-09'", "close_date > CAST('2026-03-09' AS DATE)"),
        ("owner == me()", "owner = %(me)s OR owner IS NULL AND %(me)s IS NULL"),
        ("'vip' in tags", "CAST('vip' AS TEXT) = ANY (tags)"),
        ("amount == -5", "amount = (-5)"),
        ("not REPORTS_TO(owner, manager)", "NOT coalesce(answer(%(answer_1)s::VARCHAR, owner, manager), false)"),
        ("REPORTS_TO(owner, manager)", "answer(%(answer_1)s::VARCHAR, owner, manager)"),
    ],
)  # fmt: skip
def test_plain_leaves_stay_plain(text: str, sql: str) -> None:
    assert where(text) == sql


def test_values_are_true_or_false_never_null() -> None:
    assert text_of(to_sql(compiled("amount > 5"), Binding())) == "coalesce(amount > 5, false)"


def test_a_moment_in_a_range_keeps_an_indexable_pair() -> None:
    sql = where("created_at in THIS('month')")
    assert sql.startswith("created_at >= ") and " AND created_at <= " in sql


def test_texts_cannot_leave_their_quotes() -> None:
    for nasty in ("'); drop table deal; --", "\\", "a\\'b", "%s", "%(me)s", "$1", "{x}", "--", "/*"):
        quoted = nasty.replace("\\", "\\\\").replace("'", "\\'")
        sql = where(f"name == '{quoted}'")
        inner = nasty.replace("'", "''").replace("%", "%%")
        assert sql == f"name = CAST('{inner}' AS TEXT)"


def test_two_minus_signs_never_make_a_comment() -> None:
    for text in ("ROUNDUP(amount, -1) > 0", "-(-1) * amount > -1", "amount - -1 > 0", "- - -amount > -0.5"):
        assert "--" not in where(text)


def test_numbers_reckon_as_numeric() -> None:
    assert 'CAST("order" AS NUMERIC)' in where("order * order > 1")
    assert "CAST(amount" not in where("amount * 2 > 1")


def test_the_deepest_expression_compiles_with_a_busy_stack() -> None:
    depth = limits.MAX_DEPTH - 1
    forms = (
        "ABS(" * depth + "amount" + ")" * depth,
        "(1+" * 30 + "amount" + ")" * 30,
        "IF(flag,1," * depth + "2" + ")" * depth,
    )

    def below(frames: int, text: str) -> str:
        return below(frames - 1, text) if frames else text_of(to_sql(compiled(text), Binding()))

    assert sys.getrecursionlimit() == 1000
    for text in forms:
        assert below(150, text)


def test_what_would_be_too_large_for_a_statement_is_not_for_rows() -> None:
    nested = "amount"
    for _ in range(12):
        nested = f"POWER({nested}, {nested})" if len(nested) < 100 else f"POWER({nested}, 2)"
    made = compiled(f"{nested} > 1")
    assert not made.has_sql and "this large" in (made.no_sql or "")
