"""Cohorts, joined reports and goals over shops with orders and payments: against the same figures worked out in Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import LimitExceeded, NotFound, Refused
from patron_engine.query.call import Call
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.report.goals import Whose
from patron_engine.store.session import open_session
from patron_engine.ways import figure, goal
from patron_engine.ways.read import rows
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server
from patron_testing.staff import STAFF

DOCUMENTS = (
    """
kind: workspace
name: workspace
languages: [en, zh-CN]
currency: CNY
zone: Asia/Shanghai
---"""
    + STAFF
    + """
kind: object
name: shop
label: Shop
title: name
fields: [{name: name, type: text}, {name: began_on, type: date}]
---
kind: object
name: order
label: Order
title: name
fields:
  - {name: name, type: text}
  - {name: shop, type: lookup, to: shop, reverse: {name: orders, label: Orders}}
  - {name: ordered_on, type: date}
  - {name: amount, type: money}
---
kind: object
name: payment
label: Payment
title: name
fields:
  - {name: name, type: text}
  - {name: paid_on, type: date}
  - {name: got, type: money}
---
kind: object
name: goal_value
label: Goal
title: goal
owner: none
fields:
  - {name: goal, type: text}
  - {name: level, type: select, options: [company, department, user]}
  - {name: department, type: lookup, to: department}
  - {name: user, type: user}
  - {name: period_kind, type: select, options: [month, quarter, half_year, year]}
  - {name: period, type: date}
  - {name: baseline, type: decimal}
  - {name: target_value, type: decimal}
  - {name: stretch, type: decimal}
---
kind: role
name: clerk
label: Clerk
objects: {shop: {read: own}, order: {read: own}, payment: {read: own}, goal_value: {read: all}, user: {read: all}, department: {read: all}}
---
kind: report
name: ordered
type: summary
object: order
rows: [{field: ordered_on, by: month, fill: true}]
measures:
  - {name: ordered, function: sum, field: amount}
  - {name: of_goal, expression: "ordered / GOAL('sales')"}
  - {name: aim, expression: "GOAL('sales')"}
totals: [grand]
---
kind: report
name: by_person
type: summary
object: order
where: "ordered_on in THIS('quarter')"
rows: [owner.department, owner]
measures: [{name: ordered, function: sum, field: amount}, {name: aim, expression: "GOAL('sales')"}]
totals: [rows, grand]
chart: {type: bar, x: owner, value: ordered, reference: [{value: "=GOAL('sales')"}]}
---
kind: goal
name: sales
measure: ordered.ordered
period: month
forecast: by_person.ordered
"""
)
COHORT: dict[str, Any] = {
    "kind": "report", "name": "c", "type": "cohort", "object": "shop", "cohort": {"field": "began_on", "by": "month"},
    "over": {"set": "orders", "field": "ordered_on", "by": "month"}, "measures": [{"name": "buyers", "function": "count"}],
}  # fmt: skip
JOINED: dict[str, Any] = {
    "kind": "report", "name": "j", "type": "joined", "group": [{"name": "month", "by": "month", "fill": True}],
    "blocks": [
        {"name": "sold", "object": "order", "on": {"month": "ordered_on"}, "measures": [{"name": "ordered", "function": "sum", "field": "amount"}]},
        {"name": "real", "object": "payment", "on": {"month": "paid_on"}, "where": "got > 10",
         "measures": [{"name": "paid", "function": "sum", "field": "got"}, {"name": "payments", "function": "count"}]},
    ],
    "measures": [
        {"name": "open", "expression": "ordered - paid"}, {"name": "rate", "expression": "paid / ordered"},
        {"name": "growth", "expression": "ordered - PREVIOUS(ordered, 'month')"}, {"name": "sum", "expression": "RUNNING(open)"},
    ],
}  # fmt: skip


class World:
    """Three departments (east and west below the company's root), four people, shops, orders, payments."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn, self.call = conn, build_workspace(conn, DOCUMENTS)
        r = self.r = Records(conn, self.call)
        self.root = r.create("department", name="root")
        self.east, self.west = (r.create("department", name=n, parent=self.root) for n in ("east", "west"))
        where = {"ann": self.east, "bo": self.east, "cy": self.west, "di": self.root}
        self.people = {
            n: r.create("user", name=n, email=f"{n}@x.example", department=d) for n, d in where.items()
        }
        dice = Random(7)
        self.shops: list[tuple[str, date, str]] = []
        self.orders: list[tuple[str, date, int, str]] = []
        self.payments: list[tuple[date, int, str]] = []
        for n in range(30):
            owner, began = (
                dice.choice(list(self.people.values())),
                date(2026, dice.randint(1, 4), dice.randint(1, 28)),
            )
            shop = r.create("shop", name=f"s{n}", began_on=began.isoformat(), owner=owner)
            self.shops.append((shop, began, owner))
            for _ in range(dice.randint(0, 4)):
                on, amount = began + timedelta(days=dice.randint(-20, 60)), dice.randint(5, 50)
                r.create("order", name="o", shop=shop, ordered_on=on.isoformat(), amount=amount, owner=owner)
                self.orders.append((shop, on, amount, owner))
        for _ in range(25):
            on, got, owner = (
                date(2026, dice.choice((2, 5)), dice.randint(1, 28)),
                dice.randint(5, 40),
                dice.choice([*self.people.values()]),
            )
            r.create("payment", name="p", paid_on=on.isoformat(), got=got, owner=owner)
            self.payments.append((on, got, owner))

    def as_(self, name: str) -> Call:
        return replace(self.call, actor=Actor(user=self.people[name], name=name, roles=frozenset({"clerk"})))

    def aims(self, level: str, kind: str, period: date, target: int, **of: str) -> None:
        self.r.create(
            "goal_value",
            goal="sales",
            level=level,
            period_kind=kind,
            period=period.isoformat(),
            target_value=target,
            **of,
        )

    def listed(self, call: Call, request: Request, spot: Spot, field: str) -> list[Any]:
        ask = figure.drill(self.conn, call, request, spot)
        return [dict(r)[field] for r in rows(self.conn, call, replace(ask, fields=(field,), limit=200))]


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with psycopg.connect(server.make()) as conn:
        open_session(conn, "job")
        conn.commit()
        yield World(conn)


def run(world: World, body: Any, call: Call | None = None, **more: Any) -> Answer:
    return figure.run(world.conn, call or world.call, Request(body=body, **more))


def month(day: date) -> str:
    return day.replace(day=1).isoformat()


def later(began: date, on: date) -> int:
    return (on.year - began.year) * 12 + on.month - began.month


# -- cohorts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [None, "ann"])
def test_a_cohort_counts_each_record_once_a_period(world: World, reader: str | None) -> None:
    call = world.as_(reader) if reader else world.call
    mine = world.people.get(reader or "")
    sizes: dict[str, int] = defaultdict(int)
    buyers: dict[tuple[str, int], set[str]] = defaultdict(set)
    for _, began, _owner in (s for s in world.shops if mine in (None, s[2])):
        sizes[month(began)] += 1
    starts = {shop: began for shop, began, _ in world.shops}
    for shop, on, _, _ in (o for o in world.orders if mine in (None, o[3])):
        buyers[month(starts[shop]), later(starts[shop], on)].add(shop)
    found = run(world, COHORT, call)
    assert [k[0] for k in found.row_keys] == sorted(sizes)
    assert {k[0]: found.value("buyers", k) for k in found.row_keys} == sizes
    for (first,) in found.row_keys:
        for (offset,) in found.column_keys:
            past = date.fromisoformat(first).month + offset <= 5 or bool(buyers[first, offset])
            expected = Decimal(len(buyers[first, offset])) if past else None
            assert found.value("buyers", (first,), (offset,)) == expected
            if past:
                share = found.value("share", (first,), (offset,))
                assert share == pytest.approx(expected / sizes[first] if expected is not None else None)
    assert len(found.notes) == int(any(n < 0 for _, n in buyers if buyers[_, n]))


def test_the_records_of_a_cohorts_cell_are_listed(world: World) -> None:
    request = Request(body=COHORT)
    found = run(world, COHORT)
    for (row, column), cell in found.cells.items():
        if row or column:
            assert len(world.listed(world.call, request, Spot(rows=row, columns=column), "id")) == cell[0], (
                row,
                column,
            )


def test_a_cohort_adds_up_amounts(world: World) -> None:
    body = {**COHORT, "measures": [{"name": "turnover", "function": "sum", "field": "orders.amount"}]}
    found = run(world, body)
    starts = {shop: began for shop, began, _ in world.shops}
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for shop, on, amount, _ in world.orders:
        sums[month(starts[shop]), later(starts[shop], on)] += amount
    shown = {(r[0], c[0]): cell[0] for (r, c), cell in found.cells.items() if r and c}
    assert {k: v for k, v in shown.items() if v} == {k: v for k, v in sums.items() if k[1] >= 0}
    assert found.base == "CNY" and [f.name for f in found.figures] == ["turnover"]


def test_what_a_cohort_cannot_do_is_refused(world: World) -> None:
    for wrong, code in (
        ({"measures": [{"name": "x", "function": "avg", "field": "orders.amount"}]}, "cohort_measure"),
        ({"cohort": {"field": "began_on", "by": "weekday"}}, "cohort_by"),
    ):
        with pytest.raises(Refused) as told:
            run(world, {**COHORT, **wrong})
        assert [p.code for p in told.value.problems] == [code]
    far = world.r.create("order", name="far", shop=world.shops[0][0], ordered_on="2036-12-01", amount=1)
    with pytest.raises(LimitExceeded, match="periods"):
        run(world, COHORT)
    world.r.do("delete", "order", far)


# -- joined -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", [None, "bo"])
def test_blocks_stand_side_by_side_and_figures_are_made_of_them(world: World, reader: str | None) -> None:
    call = world.as_(reader) if reader else world.call
    mine = world.people.get(reader or "")
    ordered: dict[str, int] = defaultdict(int)
    paid: dict[str, list[int]] = defaultdict(list)
    for _, on, amount, owner in world.orders:
        ordered[month(on)] += amount if mine in (None, owner) else 0
    for on, got, owner in world.payments:
        if got > 10 and mine in (None, owner):
            paid[month(on)].append(got)
    ordered = {m: v for m, v in ordered.items() if v}
    found = run(world, JOINED, call)
    months = [k[0] for k in found.row_keys]
    assert months == sorted(months) and set(months) >= {*ordered, *paid}
    running, before = 0, None
    for m in months:
        a, b = ordered.get(m, 0), sum(paid[m])
        running += a - b
        get = {f.name: found.value(f.name, (m,)) for f in found.figures}
        assert (get["ordered"], get["paid"], get["payments"], get["open"]) == (a, b, len(paid[m]), a - b)
        assert get["sum"] == running
        assert get["growth"] == (None if before is None else a - before)
        assert get["rate"] == (pytest.approx(Decimal(b) / a) if a else None)
        before = a
    whole = sum(sum(p) for p in paid.values())
    assert (found.value("ordered"), found.value("paid")) == (sum(ordered.values()), whole)
    assert [f.block for f in found.figures] == ["sold", "real", "real", None, None, None, None]


def test_each_figure_of_a_joined_report_lists_its_own_records(world: World) -> None:
    request = Request(body=JOINED)
    found = run(world, JOINED)
    for key in (*found.row_keys, ()):
        for name, field in (("ordered", "amount"), ("paid", "got")):
            listed = world.listed(world.call, request, Spot(rows=key, figure=name), field)
            assert sum(map(Decimal, listed)) == found.value(name, key)
    assert figure.drill(world.conn, world.call, request, Spot(figure="rate")).object == "order"


def test_what_is_wrong_in_a_block_says_where(world: World) -> None:
    first, second = JOINED["blocks"]
    wrong = {**JOINED, "blocks": [first, {**second, "where": "nope > 1"}]}
    with pytest.raises(Refused) as told:
        run(world, wrong)
    assert [p.path for p in told.value.problems] == ["blocks[1].where"]
    with pytest.raises(Refused) as told:
        run(world, {**JOINED, "blocks": [first, {**second, "on": {}}]})
    assert [p.path for p in told.value.problems] == ["blocks[1].on.month"]
    with pytest.raises(Refused) as told:
        run(world, JOINED, filters=("got > 1",))
    assert [p.path for p in told.value.problems] == ["blocks[0].filters[0]"]


def test_a_readers_condition_is_asked_of_every_block(world: World) -> None:
    ann = world.people["ann"]
    found = run(world, JOINED, filters=(f"owner == '{ann}'",))
    assert found.value("ordered") == sum(a for _, _, a, o in world.orders if o == ann)
    assert found.value("paid") == sum(g for _, g, o in world.payments if o == ann and g > 10)


# -- goals ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aimed(world: World) -> World:
    """May: ann 100, bo 50, cy 30; west itself 80. April of east 70. The second quarter of di 90."""
    may, april = date(2026, 5, 1), date(2026, 4, 1)
    for name, target in (("ann", 100), ("bo", 50), ("cy", 30)):
        world.aims("user", "month", may, target, user=world.people[name])
    world.aims("department", "month", may, 80, department=world.west)
    world.aims("department", "month", april, 70, department=world.east)
    world.aims("user", "quarter", april, 90, user=world.people["di"])
    return world


def test_targets_add_up_over_people_departments_and_months(aimed: World) -> None:
    body = aimed.call.model.documents["report", "by_person"]
    found = run(aimed, body)
    people, east, west, root = aimed.people, aimed.east, aimed.west, aimed.root
    assert found.value("aim", (east, people["ann"])) == 100
    assert found.value("aim", (east,)) == 70 + 150
    assert found.value("aim", (west,)) == 80
    assert found.value("aim", (root, people["di"])) == 90
    assert found.references == (({}, Decimal(90 + 70 + 150 + 80)),) or found.references[0][1] == 90


def test_a_month_has_its_goal_and_what_is_reached_of_it(aimed: World) -> None:
    found = run(aimed, aimed.call.model.documents["report", "ordered"])
    assert found.value("aim", ("2026-05-01",)) == 150 + 80
    assert found.value("aim", ("2026-04-01",)) == 70
    assert found.value("aim", ("2026-03-01",)) is None and found.value("of_goal", ("2026-03-01",)) is None
    may = sum(a for _, on, a, _ in aimed.orders if on.month == 5)
    assert found.value("of_goal", ("2026-05-01",)) == pytest.approx(Decimal(may) / 230)


def test_progress_says_what_is_reached_and_where_it_leads(aimed: World) -> None:
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


def test_who_is_nobody_and_what_is_no_goal_is_told(aimed: World) -> None:
    with pytest.raises(Refused):
        goal.progress(aimed.conn, aimed.call, "sales", "me")
    with pytest.raises(NotFound):
        goal.progress(aimed.conn, aimed.call, "nope", "company")
