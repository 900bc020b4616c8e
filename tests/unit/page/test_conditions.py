"""A filter as a form and as an expression say the same: what was read is written again, letter for letter."""

from __future__ import annotations

import random

import pytest

from patron_engine.expr.normal import normal
from patron_engine.expr.syntax import parse
from patron_engine.page.conditions import (
    Condition,
    Group,
    Parameter,
    holes,
    read_conditions,
    write_conditions,
)
from patron_engine.page.operators import OPERATORS, PATTERNS

READ = [
    ("stage == 'lost' and close_date in LAST('quarter') and amount > 1000", ["is", "last_quarter", "more"]),
    ("owner == me()", ["me"]),
    ("UNDER(owner.department, me().department)", ["my_departments"]),
    ("REPORTS_TO(owner, me())", ["my_reports"]),
    ("SAME_GROUP(owner, me())", ["my_groups"]),
    ("account.industry in ('retail', 'finance')", ["among"]),
    ("not CONTAINS(name, 'it\\'s')", ["lacks"]),
    ("amount >= -5 and amount <= 5", ["between"]),
    ("signed_on >= DATEADD(TODAY(), -3, 'month') and signed_on <= TODAY()", ["last_months"]),
    ("DAY_OF(called_at) == '2026-03-09'", ["is"]),
    ("REPEATED(name) and WEEKDAY(born_on) == 1 and DAY(born_on) == 15", ["repeated", "weekday", "in_day"]),
    ("MONTH(born_on) == MONTH(TODAY()) and DAY(born_on) == DAY(TODAY())", ["birthday"]),
    ("about['account'].grade == 'a'", ["is"]),
    ("done", ["yes"]),
]


@pytest.mark.parametrize(("text", "operators"), READ)
def test_a_simple_filter_is_read_as_conditions(text: str, operators: list[str]) -> None:
    tree = read_conditions(text)
    assert tree is not None
    assert [c.operator for c in tree.items if isinstance(c, Condition)] == operators
    assert write_conditions(tree) == text


@pytest.mark.parametrize(
    "text",
    [
        "a + 1 > 3",
        "amount > budget",
        "LEN(name) > 3",
        "a == b",
        "IF(a, b, c)",
        "x in LAST(",
        "",
        "a == true",
        "1 < a < 3 + 1",
    ],
)
def test_an_expression_of_another_form_is_none(text: str) -> None:
    assert read_conditions(text) is None


PLAIN = [
    operator for operator in PATTERNS if holes(operator) != ("R",)
]  # what needs no parameter of a report


def test_every_operator_is_offered_and_can_be_read_back() -> None:
    offered = {o for several in OPERATORS.values() for o in several}
    assert offered == set(PLAIN)
    for operator in PLAIN:
        values = tuple({"A": "7", "B": "9", "L": "7"}[hole] for hole in holes(operator))
        made = Condition("f", operator, values, numbers=bool(values))
        assert read_conditions(write_conditions(Group(True, (made,)))) == Group(True, (made,)), operator


def _tree(dice: random.Random, depth: int = 0) -> Group:
    items: list[Group | Condition] = []
    for _ in range(dice.randint(1, 4)):
        if depth < 3 and dice.random() < 0.3:
            items.append(_tree(dice, depth + 1))
            continue
        operator = dice.choice(PLAIN)
        numbers = dice.random() < 0.5 or any(
            h in PATTERNS[operator] for h in ("_DAYS", "TODAY", "YEAR", "MONTH", "DAY(P)", "WEEKDAY")
        )
        pool = (
            ["1", "12.5", "1000000"]
            if numbers
            else ["x", "it's", "a \\ b", "中文", "' or 1 == 1", "\n", "2026-01-02"]
        )
        values: tuple[str, ...] = tuple(dice.choice(pool) for _ in holes(operator))
        if holes(operator) == ("L",):
            values = tuple(dice.choice(pool) for _ in range(dice.randint(1, 4)))
        items.append(
            Condition(dice.choice(["a", "b.c", "owner"]), operator, values, numbers and bool(values))
        )
    return Group(dice.random() < 0.5, tuple(items))


def test_any_tree_is_written_in_the_normal_form_and_read_as_the_same_filter() -> None:
    dice = random.Random(7)
    for _ in range(2_000):
        tree = _tree(dice)
        text = write_conditions(tree)
        if len(text) > 2_000:
            continue
        assert normal(parse(text), {}) == text
        again = read_conditions(text)
        assert again is not None, text
        assert write_conditions(again) == text


def test_a_value_that_is_no_number_is_not_written() -> None:
    for wrong in ("", "ten", "NaN", "Infinity", "1 or 1 == 1"):
        with pytest.raises(ValueError):
            write_conditions(Group(True, (Condition("amount", "more", (wrong,), numbers=True),)))


def test_a_parameter_of_a_report_stands_in_the_place_of_a_value() -> None:
    known = {"parameters.period", "period", "parameters.who", "who"}
    for text in (
        "paid_on in parameters.period", "DAY_OF(at) >= who", "stage == 'won' and (parameters.who == none or owner == parameters.who)",
    ):  # fmt: skip
        tree = read_conditions(text, known)
        assert tree is not None and write_conditions(tree) == text
        assert read_conditions(text) is None, "of a list these are no values"
    plain = read_conditions("name == 'parameters.who'", known)
    assert plain is not None and write_conditions(plain) == "name == 'parameters.who'", (
        "a text is no parameter"
    )
    assert read_conditions("who == none", known) is None
    for path in ("owner.name", "who or 1 == 1", "parameters.x.y", ""):
        with pytest.raises(ValueError):
            Parameter(path)
