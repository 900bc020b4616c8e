"""Goals of people, departments and the company: targets that add up, progress, forecast, who may know what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from patron_engine.errors import NotFound, Refused
from patron_engine.report.answer import Spot
from patron_engine.report.goals import Whose
from patron_engine.ways import goal
from patron_testing.shops import Shops, run


@pytest.fixture(scope="module")
def aimed(shops: Shops) -> Iterator[Shops]:
    """May: ann 100, bo 50, cy 30; west itself 80. April of east 70. The second quarter of di 90."""
    may, april = date(2026, 5, 1), date(2026, 4, 1)
    with shops.conn.transaction(force_rollback=True):
        for name, target in (("ann", 100), ("bo", 50), ("cy", 30)):
            shops.aims("user", "month", may, target, user=shops.people[name])
        shops.aims("department", "month", may, 80, department=shops.west)
        shops.aims("department", "month", april, 70, department=shops.east)
        shops.aims("user", "quarter", april, 90, user=shops.people["di"])
        yield shops


def test_targets_add_up_over_people_departments_and_months(aimed: Shops) -> None:
    body = aimed.call.model.documents["report", "by_person"]
    found = run(aimed, body)
    people, east, west, root = aimed.people, aimed.east, aimed.west, aimed.root
    assert found.value("aim", (east, people["ann"])) == 100
    assert found.value("aim", (east,)) == 70 + 150
    assert found.value("aim", (west,)) == 80
    assert found.value("aim", (root, people["di"])) == 90
    assert found.references == (({}, Decimal(90 + 70 + 150 + 80)),) or found.references[0][1] == 90


def test_a_month_has_its_goal_and_what_is_reached_of_it(aimed: Shops) -> None:
    found = run(aimed, aimed.call.model.documents["report", "ordered"])
    assert found.value("aim", ("2026-05-01",)) == 150 + 80
    assert found.value("aim", ("2026-04-01",)) == 70
    assert found.value("aim", ("2026-03-01",)) is None and found.value("of_goal", ("2026-03-01",)) is None
    may = sum(a for _, on, a, _ in aimed.orders if on.month == 5)
    assert found.value("of_goal", ("2026-05-01",)) == pytest.approx(Decimal(may) / 230)


def test_progress_says_what_is_reached_and_where_it_leads(aimed: Shops) -> None:
    ann = aimed.people["ann"]
    mine = sum(a for _, on, a, owner in aimed.orders if on.month == 5 and owner == ann)
    found = goal.progress(aimed.conn, aimed.as_("ann"), "sales")
    assert (found.target, found.reached, found.first, found.last) == (
        100,
        mine,
        date(2026, 5, 1),
        date(2026, 5, 31),
    )
    assert found.elapsed == pytest.approx(Decimal(20) / 31) and found.days_left == 11 and found.title == "ann"
    assert found.share == pytest.approx(Decimal(mine) / 100)
    assert found.forecast == pytest.approx(Decimal(mine) * 31 / 20)
    assert found.pace == pytest.approx(Decimal(mine) / (100 * Decimal(20) / 31))
    listed = aimed.listed(aimed.as_("ann"), found.request, Spot(), "amount")
    assert sum(map(Decimal, listed)) == mine
    team = goal.progress(aimed.conn, aimed.call, "sales", whose=Whose("department", aimed.root))
    assert (team.target, team.reached, team.notes) == (
        230,
        sum(a for _, on, a, _ in aimed.orders if on.month == 5),
        (),
    )
    department = goal.progress(aimed.conn, aimed.as_("ann"), "sales", "department")
    assert (department.target, department.reached, len(department.notes)) == (
        150,
        mine,
        1,
    )  # what others sold is not hers


def test_who_is_nobody_and_what_is_no_goal_is_told(aimed: Shops) -> None:
    with pytest.raises(Refused):
        goal.progress(aimed.conn, aimed.call, "sales", "me")
    with pytest.raises(NotFound):
        goal.progress(aimed.conn, aimed.call, "nope", "company")
