"""What becomes of a value when its field changes its type."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.expr.types import ExprType
from patron_engine.fields.field import (
    ChoiceSpec,
    Column,
    Field,
    LinkSpec,
    NumberSpec,
    Option,
    Spec,
    TextSpec,
)
from patron_engine.store.carry import Row, due
from patron_engine.store.conversion import Conversion
from patron_engine.store.convert import convert_value

SHANGHAI = ZoneInfo("Asia/Shanghai")
COLORS = ChoiceSpec(
    options=(Option(name="red", value="red", label={"zh-CN": "红"}), Option(name="blue", value="blue"))
)
ACCOUNT = "0191f2b0-0000-7000-8000-000000000001"
OTHER = "0191f2b0-0000-7000-8000-000000000002"


def field(type: str, spec: Spec = None, sql: Any = "text") -> Field:
    return Field(
        object="deal",
        name="x",
        type=type,
        expr=ExprType("text"),
        spec=spec,
        columns=(Column(name="x", sql=sql),),
    )


TEXT = field("text", TextSpec(max_length=5))
LONG = field("long_text", TextSpec(max_length=1000))
INTEGER = field("integer", NumberSpec(max=Decimal(1000)), "bigint")
DECIMAL = field("decimal", NumberSpec(scale=2), "numeric")
MONEY = field("money", NumberSpec(scale=2), "numeric")
SELECT = field("select", COLORS)
MANY = field("multi_select", COLORS, "text[]")
BOOLEAN = field("boolean", None, "boolean")
DATE = field("date", None, "date")
MOMENT = field("datetime", None, "timestamptz")
TO_ACCOUNT = field("lookup", LinkSpec(to=("account",)), "uuid")
TO_CONTACT = field("lookup", LinkSpec(to=("contact",)), "uuid")
TO_BOTH = field("lookup", LinkSpec(to=("account", "contact")), "uuid")
TO_MANY = field("lookup", LinkSpec(to=("account",), many=True), "uuid")


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        (LONG, DECIMAL, "1,234.5", Decimal("1234.5")),
        (LONG, INTEGER, " 12 ", 12),
        (DECIMAL, LONG, Decimal("12.50"), "12.5"),
        (INTEGER, DECIMAL, 12, Decimal(12)),
        (DECIMAL, INTEGER, Decimal("12.00"), 12),
        (DECIMAL, MONEY, Decimal("12.34"), Decimal("12.34")),
        (BOOLEAN, INTEGER, True, 1),
        (INTEGER, BOOLEAN, 0, False),
        (LONG, SELECT, "红", "red"),
        (SELECT, LONG, "red", "red"),
        (SELECT, MANY, "red", ("red",)),
        (MANY, SELECT, ("blue",), "blue"),
        (DATE, MOMENT, date(2026, 3, 1), datetime(2026, 2, 28, 16, tzinfo=UTC)),
        (MOMENT, DATE, datetime(2026, 2, 28, 16, tzinfo=UTC), date(2026, 3, 1)),
        (LONG, DATE, "2026-03-01", date(2026, 3, 1)),
        (TO_ACCOUNT, TO_BOTH, ACCOUNT, {"object": "account", "id": ACCOUNT}),
        (TO_BOTH, TO_ACCOUNT, {"object": "account", "id": ACCOUNT}, ACCOUNT),
        (TO_ACCOUNT, TO_MANY, ACCOUNT, (ACCOUNT,)),
        (TO_MANY, TO_ACCOUNT, (ACCOUNT,), ACCOUNT),
        (LONG, DECIMAL, None, None),
    ],
)
def test_converts(old: Field, new: Field, value: Any, expected: Any) -> None:
    found = convert_value(old, new, value, SHANGHAI)
    assert (found.fault, found.loses) == (None, False)
    assert found.value == expected
    assert type(found.value) is type(expected)


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        (DECIMAL, INTEGER, Decimal("12.5"), 13),
        (LONG, DECIMAL, "1.555", Decimal("1.56")),
        (DECIMAL, INTEGER, Decimal("-12.5"), -13),
        (MANY, SELECT, ("blue", "red"), "blue"),
        (MOMENT, DATE, datetime(2026, 2, 28, 17, tzinfo=UTC), date(2026, 3, 1)),
        (TO_MANY, TO_ACCOUNT, (ACCOUNT, OTHER), ACCOUNT),
    ],
)
def test_loses(old: Field, new: Field, value: Any, expected: Any) -> None:
    found = convert_value(old, new, value, SHANGHAI)
    assert (found.fault, found.loses, found.value) == (None, True, expected)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        (LONG, DECIMAL, "twelve"),
        (LONG, INTEGER, "1.5"),
        (INTEGER, INTEGER, 1001),
        (LONG, TEXT, "longer"),
        (LONG, SELECT, "green"),
        (INTEGER, BOOLEAN, 2),
        (LONG, DATE, "soon"),
        (TO_CONTACT, TO_ACCOUNT, ACCOUNT),
        (LONG, TO_ACCOUNT, ACCOUNT),
        (DATE, INTEGER, date(2026, 3, 1)),
    ],
)
def test_fails_and_says_why(old: Field, new: Field, value: Any) -> None:
    found = convert_value(old, new, value, SHANGHAI)
    assert found.fault
    assert found.value is None


def conversion(old: Field, new: Field, *, back: bool) -> Conversion:
    return Conversion(object="deal", table="deal", old=old, new=new, from_release=1, to_release=2, back=back)


def test_the_original_survives_there_and_back() -> None:
    """ "007" became 7; nobody wrote since; rolling back must not make "7" of it."""
    back = conversion(INTEGER, LONG, back=True)
    assert due(back, Row("1", 7, "007"), UTC) is None
    changed = due(back, Row("1", 8, "007"), UTC)
    assert changed is not None
    assert changed.value == "8"


def test_emptied_since_is_emptied_unless_the_conversion_never_reached_the_row() -> None:
    back = conversion(INTEGER, LONG, back=True)
    emptied = due(back, Row("1", None, "7"), UTC, True)
    assert emptied is not None
    assert emptied.value is None
    assert due(back, Row("1", None, "7"), UTC, False) is None


def test_a_batch_that_is_repeated_changes_nothing() -> None:
    assert due(conversion(LONG, INTEGER, back=False), Row("1", "7", 7), UTC) is None
    assert (
        due(conversion(LONG, INTEGER, back=False), Row("1", "7", 9), UTC) is None
    )  # written by somebody meanwhile
