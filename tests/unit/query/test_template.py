"""A condition that differs from a known one in constants alone means what reading it whole would say."""

from __future__ import annotations

from typing import Any

import pytest

from patron_engine.errors import Refused
from patron_engine.query.call import Call
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_testing.build import call_of, model_of
from patron_testing.sales import DOCUMENTS

MODEL = model_of(DOCUMENTS)


@pytest.fixture
def call() -> Call:
    return call_of(MODEL)


def values(call: Call, where: str) -> Any:
    found = resolve(call, Ask(object="opportunity", where=where))
    return (found.shape.key, dict(found.shape.values)) if found.shape else None


PAIRS = [
    ("amount > 20", "amount > 4.5"),
    ("amount > 20 and name == 'x'", "amount > 1 and name == \"it's 5 o'clock\""),
    ("stage == 'won'", "stage == 'lost'"),
    ("stage in ('won', 'open')", "stage in ('open', 'lost')"),
    ("stage > 'open'", "stage > 'won'"),
    ("close_date >= '2026-01-01'", "close_date >= '2024-02-29'"),
    ("account.city == 'A' and amount in (1, 2)", "account.city == '中' and amount in (3, 40)"),
    ("COUNT(lines, quantity > 2) > 1", "COUNT(lines, quantity > 5) > 0"),
    ("name == 'a1' and amount > 1", "name == '' and amount > 1"),
    ("amount > 5", "amount > -5"),
    ("amount > -5", "amount > 5"),
    ("name == 'a'", "name == 'a\\'b'"),
    ("CONTAINS(name, 'x')", "CONTAINS(name, 'y')"),
    ("ROUND(amount, 2) > 1", "ROUND(amount, 0) > 1"),
    ("close_date in THIS('month')", "close_date in THIS('year')"),
    ("amount * 1.10 > 5", "amount * 1.2 > 5"),
    ("MATCHES(name, 'a+')", "MATCHES(name, 'b+')"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_second_text_means_the_same_whether_the_first_is_known_or_not(first: str, second: str) -> None:
    fresh = values(call_of(MODEL), second)
    known = call_of(MODEL)
    values(known, first)
    assert values(known, second) == fresh
    assert values(known, first) == values(call_of(MODEL), first)


@pytest.mark.parametrize(
    ("good", "wrong"),
    [
        ("stage == 'won'", "stage == 'wxn'"), ("stage in ('won', 'open')", "stage in ('won', 'opn')"),
        ("stage > 'won'", "stage > 'wxn'"), ("close_date > '2026-01-01'", "close_date > '2026-02-30'"),
        ("close_date > '2026-01-01'", "close_date > 'soon'"), ("amount > 1", "amount > 99999999999999999999999999"),
        ("close_date in THIS('month')", "close_date in THIS('moon')"), ("amount**10 > 1", "amount**11 > 1"),
        ("name == 'a'", "name == '\u202e'"),
    ],
)  # fmt: skip
def test_a_wrong_constant_is_refused_as_if_it_came_first(call: Call, good: str, wrong: str) -> None:
    values(call, good)
    with pytest.raises(Refused):
        values(call, wrong)


def test_constants_of_one_form_share_one_reading(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    values(call, "amount > 1 and stage == 'won'")

    def never(*_: Any) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr("patron_engine.query.names.compile_expression", never)
    _, found = values(call, "amount > 2.5 and stage == 'open'")
    assert sorted(map(str, found.values())) == ["2.5", "open"]
