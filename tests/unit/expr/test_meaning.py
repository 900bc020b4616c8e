"""Every rule of the language's "What it means", in both Python sides."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.expr.evaluate import Context, ExpressionError, closure, evaluate
from patron_testing.deals import compiled

NOW = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)  # half past midnight on 1 April in Shanghai
CONTEXT = Context(now=NOW, zone=ZoneInfo("Asia/Shanghai"), me="00000000-0000-0000-0000-000000000001")
D = Decimal


def value(text: str, context: Context = CONTEXT, **values: Any) -> Any:
    made = compiled(text)
    slow, fast = evaluate(made, values, context), closure(made)(values, context)
    assert slow == fast and type(slow) is type(fast)
    return slow


@pytest.mark.parametrize(
    ("text", "values", "answer"),
    [
        # empty
        ("name == ''", {"name": None}, True),
        ("name == none", {"name": ""}, True),
        ("ISBLANK(name)", {"name": ""}, True),
        ("name == phone", {}, True),
        ("name == phone", {"name": "a"}, False),
        ("name != phone", {"name": "a"}, True),
        ("name != phone", {}, False),
        ("amount != 1", {}, True),
        ("amount < 1", {}, False),
        ("amount >= 1", {}, False),
        ("not amount < 1", {}, True),
        ("CONTAINS(name, 'a')", {}, False),
        ("not CONTAINS(name, phone)", {"name": "a"}, True),
        ("STARTS_WITH(name, phone)", {"name": "a"}, False),
        ("amount + 1", {}, None),
        ("amount * 0", {}, None),
        ("-amount", {}, None),
        ("name + 'a'", {}, "a"),
        ("name + phone", {}, None),
        ("SUM(amount, 2)", {}, D(2)),
        ("SUM(amount, probability)", {}, D(0)),
        ("AVERAGE(amount, probability)", {}, None),
        ("MAX(amount, 2)", {}, D(2)),
        ("COUNT(amount, name, flag)", {"flag": False, "name": "x"}, D(1)),
        ("stage in ('won', none)", {}, True),
        ("stage in ('won', 'lost')", {}, False),
        ("stage not in ('won', 'lost')", {}, True),
        ("flag == none", {}, True),
        ("flag == false", {}, False),
        ("not flag", {}, True),
        ("flag or false", {}, False),
        ("IF(flag, 1, 2)", {}, D(2)),
        ("LEN(name)", {}, D(0)),
        # numbers
        ("0.1 + 0.2 == 0.3", {}, True),
        ("1 / 3", {}, D("0.3333333333")),
        ("2 / 3", {}, D("0.6666666667")),
        ("1 / 3 * 3", {}, D("0.9999999999")),
        ("7 / 2", {}, D("3.5")),
        ("amount / 0", {"amount": 1}, None),
        ("amount % 0", {"amount": 1}, None),
        ("amount % 3", {"amount": -7}, D(2)),
        ("amount % -3", {"amount": 7}, D(-2)),
        ("-2 ** 2", {}, D(-4)),
        ("2 ** -1", {}, D("0.5")),
        ("amount ** 2", {"amount": D("1.5")}, D("2.25")),
        ("ROUND(2.5)", {}, D(3)),
        ("ROUND(-2.5)", {}, D(-3)),
        ("ROUND(2.675, 2)", {}, D("2.68")),
        ("ROUND(12345, -2)", {}, D(12300)),
        ("amount * 10", {"amount": D(10) ** 24}, None),
        ("amount + 0", {"amount": D(10) ** 25 - 1}, D(10) ** 25 - 1),
        ("amount + 1", {"amount": D(10) ** 25 - 1}, None),
        (
            "-amount",
            {"amount": D("1234567890123456789012345.0123456789")},
            D("-1234567890123456789012345.0123456789"),
        ),
        ("SQRT(amount)", {"amount": -1}, None),
        ("POWER(amount, 0.5)", {"amount": -1}, None),
        ("POWER(0, -1)", {}, None),
        ("POWER(amount, 1000)", {"amount": 2}, None),
        ("INT(-2.5)", {}, D(-3)),
        ("amount * -0", {"amount": 5}, D(0)),
        # text
        ("'a' < 'B'", {}, False),
        ("'Z' < 'a'", {}, True),
        ("CONTAINS(name, 'CRM')", {"name": "patron crm"}, True),
        ("CONTAINS(name, '%')", {"name": "a"}, False),
        ("UPPER('straße')", {}, "STRASSE".replace("SS", "ß")),
        ("LOWER('İ')", {}, "i"),
        ("LOWER('ΣΑΣ')", {}, "σασ"),
        ("LEN('🇩🇪')", {}, D(2)),
        ("TRIM('\u00a0 \u3000a ')", {}, "a"),
        ("LEFT('abc', 2)", {}, "ab"),
        ("LEFT('abc', -1)", {}, None),
        ("MID('abc', 0, 2)", {}, None),
        ("FIND('x', 'abc')", {}, D(0)),
        ("VALUE('1e5')", {}, None),
        ("VALUE('NaN')", {}, None),
        ("VALUE('１２')", {}, None),
        ("TEXT(1.50)", {}, "1.5"),
        ("TEXT(flag)", {"flag": True}, "true"),
        ("CONCAT('No ', 7, close_date)", {"close_date": date(2026, 1, 2)}, "No 72026-01-02"),
        ("TEXT(1234.5, '#,##0.00')", {}, "1,234.50"),
        ("TEXT(0.126, '0.0%')", {}, "12.6%"),
        ("'e\u0301' == 'é'", {}, True),
        # choice
        ("stage > 'prospecting'", {"stage": "lost"}, True),
        ("stage < 'won'", {"stage": "lost"}, False),
        ("stage < 'won'", {}, False),
        ("stage == 'win'", {"stage": "won"}, True),
        # dates
        ("close_date + 30", {"close_date": date(2026, 1, 31)}, date(2026, 3, 2)),
        ("close_date + 1.9", {"close_date": date(2026, 1, 31)}, date(2026, 2, 1)),
        ("close_date + 1", {"close_date": date(9999, 12, 31)}, None),
        ("close_date - DATE(2026, 1, 1)", {"close_date": date(2026, 1, 31)}, D(30)),
        ("DAYS(DATE(2026, 1, 1), close_date)", {"close_date": date(2026, 1, 31)}, D(30)),
        ("DATEADD(DATE(2026, 1, 31), 1, 'month')", {}, date(2026, 2, 28)),
        ("DATEADD(DATE(2024, 2, 29), 1, 'year')", {}, date(2025, 2, 28)),
        ("DATE(2026, 2, 30)", {}, None),
        ("TODAY()", {}, date(2026, 4, 1)),
        ("DAY_OF(created_at)", {"created_at": datetime(2026, 3, 31, 16, 30, tzinfo=UTC)}, date(2026, 4, 1)),
        ("HOUR(created_at)", {"created_at": datetime(2026, 3, 31, 16, 30, tzinfo=UTC)}, D(0)),
        ("NOW() - created_at", {"created_at": datetime(2026, 3, 31, 16, 29, tzinfo=UTC)}, D(60)),
        (
            "NOW() - created_at > waited",
            {"created_at": datetime(2026, 3, 31, 16, 29, tzinfo=UTC), "waited": 59},
            True,
        ),
        ("created_at + 1 == NOW()", {"created_at": datetime(2026, 3, 30, 16, 30, tzinfo=UTC)}, True),
        ("created_at in THIS('month')", {"created_at": datetime(2026, 3, 31, 16, 0, tzinfo=UTC)}, True),
        ("created_at in THIS('month')", {"created_at": datetime(2026, 3, 31, 15, 59, tzinfo=UTC)}, False),
        ("close_date in LAST('quarter')", {"close_date": date(2026, 1, 1)}, True),
        ("close_date in NEXT('year')", {"close_date": date(2027, 12, 31)}, True),
        ("close_date not in THIS('month')", {}, True),
        ("TODAY() in valid", {"valid.from": date(2026, 4, 1)}, True),
        ("TODAY() in valid", {"valid.to": date(2026, 3, 31)}, False),
        ("TODAY() in valid", {}, False),
        ("valid == none", {}, True),
        ("THIS('month')", {}, {"from": date(2026, 4, 1), "to": date(2026, 4, 30)}),
        ("WEEKDAY(DATE(2026, 3, 8))", {}, D(7)),
        ("opens < '09:30'", {"opens": time(9)}, True),
        ("close_date >= '2026-03-09'", {"close_date": date(2026, 3, 9)}, True),
        # people, links, lists
        ("owner == me()", {"owner": "00000000-0000-0000-0000-000000000001"}, True),
        ("about['account'] == account", {"about[account]": "a", "account": "a"}, True),
        ("about == account", {"about": {"object": "account", "id": "a"}, "account": "a"}, True),
        ("'vip' in tags", {"tags": ("vip", "new")}, True),
        ("'vip' not in tags", {}, True),
        ("name in tags", {"tags": ("a",)}, False),
        ("me() in watchers", {"watchers": ("00000000-0000-0000-0000-000000000001",)}, True),
        ("COUNT(tags)", {"tags": ("vip", "new")}, D(2)),
        ("COUNT(tags)", {}, D(0)),
        ("tags == none", {"tags": ()}, True),
        ("body.n > 3", {"body.n": 4}, True),
        ("body.n > 3", {"body.n": "4"}, False),
        ("body == none", {"body": {"a": 1}}, False),
        ("class == 'x' and order == 2", {"class": "x", "order": 2}, True),
    ],
)
def test_rules(text: str, values: dict[str, Any], answer: Any) -> None:
    got = value(text, **values)
    assert got == answer and type(got) is type(answer)


def test_negative_zero_never_comes_out() -> None:
    for text in (
        "amount * -1",
        "-amount",
        "ROUND(amount)",
        "amount % -5",
        "ABS(amount)",
        "SUM(amount, amount)",
    ):
        assert not value(text, amount=D("-0.00")).is_signed()


def test_unequal_is_exactly_not_equal() -> None:
    for a in (None, 1, 2):
        for b in (None, 1, 2):
            assert value("amount != order", amount=a, order=b) is not value(
                "amount == order", amount=a, order=b
            )


def test_texts_that_are_made_are_cut_and_bombs_stay_small() -> None:
    assert len(value("name + name", name="x" * 9_000)) == 10_000
    assert len(value("REPLACE(name, 'a', phone)", name="a" * 10_000, phone="b" * 10_000)) == 10_000
    assert value("name", name="x" * 50_000) == "x" * 50_000


def test_weeks_begin_where_the_workspace_says() -> None:
    sunday = Context(now=datetime(2026, 3, 11, 4, tzinfo=UTC), week_from="sunday", zone=ZoneInfo("UTC"))
    assert value("START_OF(TODAY(), 'week')", sunday) == date(2026, 3, 8)
    assert value("END_OF(TODAY(), 'week')", sunday) == date(2026, 3, 14)
    fiscal = Context(now=datetime(2026, 3, 11, tzinfo=UTC), fiscal_year_from=4)
    assert value("THIS('fiscal_year')", fiscal) == {"from": date(2025, 4, 1), "to": date(2026, 3, 31)}


def test_a_skipped_hour_counts_by_the_offset_before() -> None:
    berlin = Context(now=datetime(2026, 3, 28, 1, 30, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))  # 02:30
    assert value("DATEADD(NOW(), 1, 'day')", berlin) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )  # shown as 03:30
    assert value("DATEADD(NOW(), 24, 'hour')", berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_ranges_are_checked_against_a_brute_force_oracle() -> None:
    quarter = {m: (m - 1) // 3 for m in range(1, 13)}
    for year in range(2000, 2101, 7):
        for month in range(1, 13):
            context = Context(now=datetime(year, month, 28, 12, tzinfo=UTC))
            for other in (date(year, m, 1) for m in range(1, 13)):
                inside = value("close_date in THIS('quarter')", context, close_date=other)
                assert inside is (quarter[other.month] == quarter[month])


def test_objects_never_come_near() -> None:
    class Trap:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("was called")

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(ExpressionError):
        evaluate(compiled("CONCAT(name, 'x')"), {"name": Trap()}, CONTEXT)
    with pytest.raises(ExpressionError, match="cannot be answered here"):
        evaluate(compiled("REPORTS_TO(owner, manager)"), {"owner": "a", "manager": "b"}, CONTEXT)


def test_values_given_are_not_changed() -> None:
    values = {"tags": ("a",), "body": {"n": [1]}, "amount": D(1)}
    before = {"tags": ("a",), "body": {"n": [1]}, "amount": D(1)}
    value("COUNT(tags) + amount", **values)
    assert values == before


def test_branches_that_are_not_taken_are_not_evaluated() -> None:
    assert value("IF(true, 1, IF(REPORTS_TO(owner, manager), 2, 3))", owner="a", manager="b") == D(1)
