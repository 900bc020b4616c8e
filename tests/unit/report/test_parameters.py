"""Parameters in texts: each stands as its constant, so that the text is a question's condition."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from patron_engine.report.parameters import Parameters, constants_in, moved_wire
from patron_engine.report.units import unit_of_formula

VALUES = {
    "since": date(2026, 1, 31),
    "least": Decimal("10.50"),
    "name_is": "it's",
    "one_of": ("a", "b"),
    "period": {"from": date(2026, 1, 1), "to": date(2026, 3, 31)},
    "open_period": {"from": date(2026, 1, 1), "to": None},
    "any_time": None,
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("close_date >= since", "close_date >= '2026-01-31'"),
        ("close_date >= parameters.since and amount > least", "close_date >= '2026-01-31' and amount > 10.5"),
        ("name == name_is", r"name == 'it\'s'"),
        ("stage in one_of", "stage in ('a', 'b')"),
        ("close_date in period", "close_date >= '2026-01-01' and close_date <= '2026-03-31'"),
        ("close_date not in open_period", "not close_date >= '2026-01-01'"),
        ("close_date in any_time or amount > 1", "true or amount > 1"),
        ("paid_at in period", "DAY_OF(paid_at) >= '2026-01-01' and DAY_OF(paid_at) <= '2026-03-31'"),
        ("close_date == period.from", "close_date == '2026-01-01'"),
        ("account.since > 1", "account.since > 1"),
        (
            "COUNT(deals, closed_on in parameters.open_period) > 1",
            "COUNT(deals, closed_on >= '2026-01-01') > 1",
        ),
    ],
)
def test_a_parameter_stands_as_its_constant(text: str, wanted: str) -> None:
    told = constants_in(text, VALUES, lambda item: item.parts == ("paid_at",))
    assert told == wanted


def test_days_are_moved_and_the_end_of_a_month_stays_one() -> None:
    parameters = Parameters(VALUES, {})
    assert parameters.dated and not Parameters({"least": Decimal(1)}, {}).dated
    moved = moved_wire(parameters, 1)
    assert moved["since"] == "2026-02-28" and moved["period"] == {"from": "2026-02-01", "to": "2026-04-30"}
    assert moved["least"] == "10.50" and moved["one_of"] == ["a", "b"] and moved["any_time"] is None


@pytest.mark.parametrize(
    ("formula", "unit"),
    [
        ("won / deals", "money"),
        ("won / TOTAL(won)", "ratio"),
        ("won - lost", "money"),
        ("won / PREVIOUS(won, 'year') - 1", "ratio"),
        ("COUNT(stage == 'won') / deals", "number"),
        ("won * 2", "money"),
        ("RUNNING(won)", "money"),
        ("deals + 1", "number"),
    ],
)
def test_a_formula_has_the_unit_of_what_it_is_made_of(formula: str, unit: str) -> None:
    assert unit_of_formula(formula, {"won": "money", "lost": "money", "deals": "number"}) == unit
