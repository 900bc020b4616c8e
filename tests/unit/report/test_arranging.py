"""Empty periods and the order of values, apart from any database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from patron_engine.expr.context import Context
from patron_engine.expr.types import DATE, NUMBER
from patron_engine.report.answer import REST, Axis
from patron_engine.report.arranging import filled, periods_between
from patron_engine.report.groups import Group
from patron_engine.report.reader import Place

CONTEXT = Context(now=datetime(2026, 5, 20, tzinfo=UTC), fiscal_year_from=4)


def group(by: str, **more: Any) -> Group:
    axis = Axis(name="day", kind="period", by=by, path="day")
    return Group(axis=axis, place=Place((), "day", "order", None, DATE), fill=True, **more)


@pytest.mark.parametrize(
    ("by", "members", "count", "second"),
    [
        ("day", ["2026-02-27", "2026-03-02"], 4, "2026-02-28"),
        ("week", ["2025-12-29", "2026-01-12"], 3, "2026-01-05"),
        ("month", ["2025-11-01", "2026-02-01"], 4, "2025-12-01"),
        ("quarter", ["2025-10-01", "2026-04-01"], 3, "2026-01-01"),
        ("fiscal_year", ["2024-04-01", "2026-04-01"], 3, "2025-04-01"),
        ("weekday", [2, 5], 7, 2),
        ("hour", [9], 24, 1),
    ],
)
def test_empty_periods_stand_between_the_first_and_the_last(
    by: str, members: list[Any], count: int, second: Any
) -> None:
    found = periods_between([*members, None, REST], group(by), CONTEXT, 100)
    assert found is not None and len(found) == count and found[1] == second


def test_every_group_above_has_all_periods_and_too_many_are_left_out() -> None:
    above = Group(axis=Axis(name="a"), place=Place((), "a", "order", None, NUMBER))
    keys = [("x", "2026-01-01"), ("y", "2026-03-01"), ("y", None)]
    found, cut = filled(keys, (above, group("month")), CONTEXT, 100)
    assert not cut and set(found) == {*keys, *((k, f"2026-0{m}-01") for k in "xy" for m in (1, 2, 3))}
    assert filled(keys, (above, group("month")), CONTEXT, 2) == (keys, True)
