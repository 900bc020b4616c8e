"""Every function: the example of its help, and its place in the reference."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from patron_engine.expr.calendar import WorkCalendar
from patron_engine.expr.compile import compile_expression
from patron_engine.expr.evaluate import Context, closure, evaluate
from patron_engine.expr.functions.chinese import festival, lunar, rmb_upper
from patron_engine.expr.functions.pattern import BadPattern, common_pattern
from patron_engine.expr.functions.reference import reference
from patron_engine.expr.functions.table import FUNCTIONS
from patron_engine.expr.nodes import Expression
from patron_engine.expr.types import NUMBER
from patron_testing.deals import scope

ME, ACME = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-00000000ac3e"
SPANS = ((time(9), time(12)), (time(13), time(18)))
CALENDAR = WorkCalendar(
    week={d: SPANS for d in range(1, 6)},
    holidays=frozenset({date(2026, 10, 1), date(2026, 10, 2)}),
    workdays={date(2026, 10, 10): ()},
)
CONTEXT = Context(
    now=datetime(2026, 3, 9, 10, 30, tzinfo=UTC),
    me=ME,
    calendar=CALENDAR,
    settings=lambda name: {"order_limit": Decimal(100_000)}[name],
    labels=lambda path, option: {("stage", "won"): "Won"}.get((path, option)),
    lookups={
        "REPORTS_TO": lambda user, boss: (user, boss) == (ME, "boss"),
        "SAME_GROUP": lambda user, other: (user, other) == (ME, "boss"),
        "IN_DEPARTMENT": lambda who, code: (who, code) == (ME, "sales"),
        "IN_ROLE": lambda user, role: (user, role) == (ME, "sales_rep"),
        "ON_DUTY": lambda user: user == ME,
        "REF": lambda object, external: ACME if (object, external) == ("account", "acme") else None,
        "REPEATED": lambda object, path, value: False,
        "IN_SEGMENT": lambda name, record: (name, record) == ("vips", ACME),
    },
)
VALUES: dict[str, Any] = {
    "owner": ME, "manager": "boss", "account": ACME, "stage": "won", "place.lat": Decimal("31.2"), "place.lng": Decimal("121.5"),
    "GOAL('won_amount')": Decimal(500), "TOTAL(won)": Decimal(200), "PREVIOUS(won, 'year')": Decimal(80), "RUNNING(won)": Decimal(150),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_example_of_its_help(name: str) -> None:
    function = FUNCTIONS[name]
    source, shown = function.example
    report = function.group == "reports"
    here = scope(measures=report, rows=name == "REPEATED", names={"won": NUMBER} if report else {})
    made, wanted = compile_expression(source, here), compile_expression(shown, here)
    assert isinstance(made, Expression) and isinstance(wanted, Expression), (made, wanted)
    answer = evaluate(made, VALUES, CONTEXT)
    assert closure(made)(VALUES, CONTEXT) == answer
    expected = evaluate(wanted, {}, CONTEXT)
    assert (answer.isoformat() if isinstance(answer, date) else answer) == expected
    assert name in made.functions and function.help.endswith((".", "]"))


def test_the_contract_names_them_all() -> None:
    named = [
        "IF",
        "IFS",
        "CASE",
        "AND",
        "OR",
        "NOT",
        "ISBLANK",
        "COALESCE",
        "SUM",
        "AVERAGE",
        "MIN",
        "MAX",
        "COUNT",
        "ROUND",
        "ROUNDUP",
        "ROUNDDOWN",
        "INT",
        "MOD",
        "ABS",
        "SQRT",
        "POWER",
        "CEILING",
        "FLOOR",
        "LEFT",
        "RIGHT",
        "MID",
        "LEN",
        "UPPER",
        "LOWER",
        "TRIM",
        "REPLACE",
        "FIND",
        "CONTAINS",
        "STARTS_WITH",
        "ENDS_WITH",
        "CONCAT",
        "TEXT",
        "VALUE",
        "MATCHES",
        "TODAY",
        "NOW",
        "YEAR",
        "MONTH",
        "DAY",
        "HOUR",
        "MINUTE",
        "WEEKDAY",
        "QUARTER",
        "DATE",
        "DAY_OF",
        "DATEADD",
        "DAYS",
        "MONTHS",
        "YEARS",
        "START_OF",
        "END_OF",
        "WORKDAYS",
        "WORKDAY_ADD",
        "WORK_HOURS",
        "WORK_ADD",
        "THIS",
        "LAST",
        "NEXT",
        "LAST_DAYS",
        "RMB_UPPER",
        "PINYIN",
        "LUNAR",
        "FESTIVAL",
        "LABEL",
        "DISTANCE",
        "UNDER",
        "REF",
        "IN_SEGMENT",
        "SETTING",
        "ME",
        "REPORTS_TO",
        "IN_DEPARTMENT",
        "IN_ROLE",
        "ON_DUTY",
        "GOAL",
        "TOTAL",
        "PREVIOUS",
    ]
    assert set(named) <= set(FUNCTIONS)


def test_the_reference_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "functions.md"
    assert page.read_text(encoding="utf-8") == reference(), (
        "run: python -m patron_engine.expr.functions.reference > docs/reference/functions.md"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "人民币零元整"), ("1", "人民币壹元整"), ("10", "人民币壹拾元整"), ("100.05", "人民币壹佰元零伍分"),
        ("0.5", "人民币伍角整"), ("0.05", "人民币伍分"), ("10005.3", "人民币壹万零伍元叁角整"), ("-12.34", "人民币负壹拾贰元叁角肆分"),
        ("107000.53", "人民币壹拾万零柒仟元伍角叁分".replace("万零", "万")), ("100000000", "人民币壹亿元整"),
        ("100000001", "人民币壹亿零壹元整"), ("1000000000000", "人民币壹万亿元整"), ("1234567890123.45", "人民币壹万贰仟叁佰肆拾伍亿陆仟柒佰捌拾玖万零壹佰贰拾叁元肆角伍分"),
        ("0.004", "人民币零元整"), ("2000200020.02", "人民币贰拾亿零贰拾万零贰拾元零贰分"),
    ],
)  # fmt: skip
def test_amounts_in_capitals(amount: str, text: str) -> None:
    assert rmb_upper(Decimal(amount)) == text


def test_amounts_beyond_capitals_are_empty() -> None:
    assert rmb_upper(Decimal(10) ** 16) is None and rmb_upper(Decimal(10) ** 16 - 1) is not None


def test_the_lunar_calendar_and_festivals() -> None:
    assert lunar(date(2026, 2, 17)) == "正月初一" and lunar(date(2025, 7, 25)) == "闰六月初一"
    assert lunar(date(1899, 1, 1)) is None
    assert festival(date(2026, 2, 16)) == "new_years_eve" and festival(date(2026, 4, 5)) == "qingming"
    assert festival(date(2026, 10, 1)) == "national" and festival(date(2026, 3, 10)) is None


def test_working_time() -> None:
    assert (
        CALENDAR.workdays_between(date(2026, 9, 28), date(2026, 10, 10)) == 9
    )  # two holidays, one make-up Saturday
    assert CALENDAR.add_workdays(date(2026, 9, 30), 1) == date(2026, 10, 5)
    assert CALENDAR.add_workdays(date(2026, 10, 5), -1) == date(2026, 9, 30)
    friday = datetime(2026, 3, 6, 17)
    assert CALENDAR.add_seconds(friday, 2 * 3600) == datetime(2026, 3, 9, 10)
    assert CALENDAR.seconds_between(friday, datetime(2026, 3, 9, 10)) == 2 * 3600
    assert CALENDAR.seconds_between(datetime(2026, 3, 9, 10), friday) == -2 * 3600
    assert CALENDAR.add_seconds(datetime(2026, 3, 6, 11), 2 * 3600) == datetime(2026, 3, 6, 14)
    idle = WorkCalendar(week={})
    assert idle.add_workdays(date(2026, 1, 1), 1) is None and idle.add_seconds(friday, 1) is None


@pytest.mark.parametrize(
    "pattern",
    ["a**", "a{3,2}", "(", ")", "[a", "a]", "(?i)a", "(?=a)", r"\1", r"\b", "*a", "a+?", "[[:alpha:]]", "{2}", "a{1000}", "(a{20}){20}", ""],
)  # fmt: skip
def test_patterns_outside_the_common_subset(pattern: str) -> None:
    with pytest.raises(BadPattern):
        common_pattern(pattern)


def test_patterns_mean_the_same_everywhere() -> None:
    assert common_pattern(r"^\d{3}-\w+\.[^\s]$") == r"^[0-9]{3}-[0-9A-Za-z_]+\.[^ \t\n\f\r]$"
    assert common_pattern("(a|b).") == r"(?:a|b)[^\n]"
