"""Targets: what company, departments and people of the demo are to reach each month, of 2017 and of this year and the next.

In: the public files, a day. Out: one sheet. Of 2017 they lie around what was won; of today around what was won within a year.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from patron_platform.sample.deals import closed
from patron_platform.sample.sheet import Public, Sheet

STEP = 500  # targets are round


def targets(public: Public, today: date) -> Sheet:
    rows: list[dict[str, Any]] = []
    people = sorted(public.people)
    won: Counter[str] = Counter()
    for deal in public.deals:
        if deal.stage == "Won":
            won[deal.agent] += deal.value
    for person in people:
        each = _round(won[person] / 10 * 1.05)
        for month in _months(2017, 1, 12):
            rows.append(_row("won_amount", "user", person, "", month, each))
            rows.append(_row("received_amount", "user", person, "", month, each // 4))
    late: Counter[str] = Counter()
    for one in closed(public, today):
        if one.won and one.on >= date(today.year - 1, today.month, 1):
            late[one.owner] += one.amount
    for person in people:
        each = _round(max(late[person], 60_000) / 12)
        for month in (*_months(today.year, 1, 12), *_months(today.year + 1, 1, 2)):
            for goal, share in (
                ("contracted_amount", 0.9),
                ("received_amount", 0.85),
                ("won_amount", 1.05),
                ("new_pipeline", 2.0),
            ):
                rows.append(_row(goal, "user", person, "", month, _round(each * share)))
            rows.append(_row("new_accounts", "user", person, "", month, 1))
    summed: Counter[tuple[str, str, date]] = Counter()
    for row in rows:
        office = public.people[row["user"]][0]
        summed[row["goal"], office, row["period"]] += row["target_value"]
        summed[row["goal"], "", row["period"]] += row["target_value"]
    for (goal, office, period), value in sorted(summed.items()):
        rows.append(_row(goal, "department" if office else "company", "", office, period, value))
    return Sheet(
        name="sample_targets", object="goal_value", rows=rows, links={"user": "name", "department": "name"}
    )


def _row(goal: str, level: str, user: str, office: str, period: date, value: int) -> dict[str, Any]:
    return {
        "key": f"g-{goal}-{user or office or 'company'}-{period:%Y%m}", "goal": goal, "level": level, "user": user, "department": office,
        "period_kind": "month", "period": period, "target_value": value,
    }  # fmt: skip


def _months(year: int, first: int, last: int) -> list[date]:
    return [date(year, month, 1) for month in range(first, last + 1)]


def _round(value: float) -> int:
    return max(STEP, round(value / STEP) * STEP)


__all__ = ["targets"]
