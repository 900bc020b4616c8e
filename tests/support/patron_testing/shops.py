"""Shops with orders and payments, their owners in departments, goals of what they sell: a world for reports that are told by hand.

Made once a run (`shops` in tests/db/conftest.py): a test that writes takes back what it wrote.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.ways import figure
from patron_engine.ways.read import rows
from patron_testing.build import Records, build_workspace
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


class Shops:
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


def run(world: Shops, body: Any, call: Call | None = None, **more: Any) -> Answer:
    return figure.run(world.conn, call or world.call, Request(body=body, **more))


def month(day: date) -> str:
    return day.replace(day=1).isoformat()


def later(began: date, on: date) -> int:
    return (on.year - began.year) * 12 + on.month - began.month
