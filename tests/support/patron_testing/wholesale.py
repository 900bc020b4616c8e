"""A wholesaler nobody has seen before: sales with items and refunds, people with superiors, wares in a tree, three currencies.

In: a connection. Out: the same world twice: saved as records, and as plain Python values, of which a test works out its answers
by itself. Made of one seed, with what figures stumble over: sales without items, wares without a group, groups at different depths,
people without a department, clients without a town, a month without sales.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg

from patron_engine.record.change import Change
from patron_engine.ways.save import begin_write, save
from patron_testing.build import NOON, Records, build_workspace

DOCUMENTS = """
kind: workspace
name: workspace
zone: Europe/Berlin
currency: EUR
languages: [en]
fiscal_year_from: 7
---
kind: object
name: department
label: Department
title: name
owner: none
fields: [{name: name, type: text}, {name: parent, type: lookup, to: department, tree: true}]
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: email, type: email}
  - {name: department, type: lookup, to: department}
  - {name: manager, type: lookup, to: user, tree: true}
---
kind: object
name: queue
label: Queue
title: name
owner: none
fields: [{name: name, type: text}, {name: members, type: lookup, to: user, many: true}]
---
kind: object
name: currency
label: Currency
title: code
owner: none
fields: [{name: code, type: text, required: true, unique: true}]
---
kind: object
name: rate
label: Rate
title: currency.code
owner: none
fields: [{name: currency, type: lookup, to: currency}, {name: day, type: date}, {name: rate, type: decimal}]
---
kind: object
name: ware_group
label: Group
title: name
owner: none
fields: [{name: name, type: text}, {name: parent, type: lookup, to: ware_group, tree: true}]
---
kind: object
name: ware
label: Ware
title: name
owner: none
fields: [{name: name, type: text}, {name: group, type: lookup, to: ware_group}]
---
kind: object
name: client
label: Client
title: name
owner: none
fields:
  - {name: name, type: text}
  - {name: town, type: select, options: [ulm, jena, bonn]}
  - {name: credit, type: integer}
---
kind: object
name: sale
label: Sale
title: name
history: true
currency: record
rate_date: sold_on
fields:
  - {name: name, type: text}
  - {name: client, type: lookup, to: client, reverse: {name: sales, label: Sales}}
  - {name: state, type: select, options: [open, paid, failed]}
  - {name: sold_on, type: date}
  - {name: sum, type: money}
---
kind: object
name: item
label: Item
title: name
fields:
  - {name: name, type: text}
  - {name: sale, type: master, to: sale, reverse: {name: items, label: Items}}
  - {name: ware, type: lookup, to: ware}
  - {name: pieces, type: integer}
---
kind: object
name: refund
label: Refund
title: name
currency: record
rate_date: back_on
fields:
  - {name: name, type: text}
  - {name: sale, type: lookup, to: sale, same_currency: true, reverse: {name: refunds, label: Refunds}}
  - {name: back_on, type: date}
  - {name: back, type: money}
---
kind: role
name: trader
label: Trader
objects: {sale: {read: own}, item: {read: {through: sale}}, refund: {read: {through: sale}}, client: {read: all}, user: {read: all}, ware: {read: all}, ware_group: {read: all}, department: {read: all}}
---
kind: role
name: head
label: Head
objects: {sale: {read: own_and_reports}, item: {read: {through: sale}}, refund: {read: {through: sale}}, client: {read: all}, user: {read: all}, ware: {read: all}, ware_group: {read: all}, department: {read: all}}
"""
RATES = {"EUR": (1, 1), "USD": (Decimal("0.9"), Decimal("0.8")), "JPY": (Decimal("0.01"), Decimal("0.02"))}
DEPARTMENTS = {"Sales": None, "North": "Sales", "South": "Sales", "Coast": "North", "Staff": None}
GROUPS = {"Food": None, "Fresh": "Food", "Fruit": "Fresh", "Dry": "Food", "Tools": None}
WARES = {"Apple": "Fruit", "Milk": "Fresh", "Rice": "Dry", "Spice": "Food", "Saw": "Tools", "Oddment": None}
# name -> (department, superior)
PEOPLE = {
    "Ada": ("Sales", None), "Ben": ("North", "Ada"), "Cem": ("Coast", "Ben"), "Dag": ("South", "Ada"), "Eli": (None, "Dag"),
}  # fmt: skip
TOWNS = {"Alpha": "ulm", "Beta": "ulm", "Gamma": "jena", "Delta": None, "Omega": "bonn"}  # Omega never buys
LATER = NOON + timedelta(days=30)


@dataclass(slots=True)
class Sale:
    who: str
    client: str | None
    state: str
    day: date
    currency: str
    sum: int
    items: list[tuple[str, int]] = field(default_factory=list)
    refunds: list[tuple[date, int]] = field(default_factory=list)
    state_then: str = ""  # before LATER

    @property
    def base(self) -> Decimal:
        return Decimal(self.sum) * RATES[self.currency][self.day.year >= 2026]


def sales() -> list[Sale]:
    dice, found = Random(20), []
    for number in range(120):
        day = date(2025, 1, 1) + timedelta(days=dice.randint(0, 480))
        if (day.year, day.month) == (2025, 8):
            day = day.replace(month=9)  # nothing is sold in August
        sale = Sale(
            who=dice.choice(tuple(PEOPLE)),
            client=dice.choice(("Alpha", "Alpha", "Beta", "Gamma", "Delta", None)) if number else "Delta",
            state=dice.choice(("open", "paid", "paid", "failed")),
            day=day,
            currency=dice.choice(("EUR", "EUR", "USD", "JPY")),
            sum=100 * dice.randint(1, 90),
        )
        sale.items = [(dice.choice(tuple(WARES)), dice.randint(1, 9)) for _ in range(dice.randint(0, 4))]
        sale.refunds = [(day, 100 * dice.randint(1, 5)) for _ in range(dice.choice((0, 0, 1, 2)))]
        sale.state_then = sale.state
        found.append(sale)
    for sale in found[::7]:
        sale.state_then = "open" if sale.state != "open" else "failed"
    return found


def above(tree: dict[str, str | None], name: str | None, level: int) -> str | None:
    """The ancestor of a node at a level (1 the topmost); the node itself where it lies higher."""
    way: list[str] = []
    while name is not None:
        way.insert(0, name)
        name = tree[name]
    return way[min(level, len(way)) - 1] if way else None


def built(conn: psycopg.Connection[Any], world: list[Sale]) -> tuple[Records, dict[str, str]]:
    """The records, and the ids of people by name."""
    r = Records(conn, build_workspace(conn, DOCUMENTS))
    for code, rates in RATES.items():
        if code != "EUR":
            id = r.create("currency", code=code)
            for day, rate in zip(("2020-01-01", "2026-01-01"), rates, strict=True):
                r.create("rate", currency=id, day=day, rate=str(rate))
    trees = {}
    for object, tree in (("department", DEPARTMENTS), ("ware_group", GROUPS)):
        for name, parent in tree.items():
            trees[object, name] = r.create(object, name=name, parent=trees.get((object, parent)))
    wares = {n: r.create("ware", name=n, group=trees.get(("ware_group", g))) for n, g in WARES.items()}
    people: dict[str, str] = {}
    for name, (place, superior) in PEOPLE.items():
        people[name] = r.create(
            "user", name=name, email=f"{name}@x.example", department=trees.get(("department", place)), manager=people.get(superior or "")
        )  # fmt: skip
    clients = {n: r.create("client", name=n, town=t, credit=10**i) for i, (n, t) in enumerate(TOWNS.items())}
    ids = []
    for number, sale in enumerate(world):
        made = Change(action="create", object="sale", set={
            "name": f"S{number}", "client": clients.get(sale.client or ""), "state": sale.state_then, "sold_on": sale.day.isoformat(),
            "currency": sale.currency, "sum": str(sale.sum), "owner": people[sale.who],
        })  # fmt: skip
        ids.append(r.act(made)[0].id)
        below = [
            Change(
                action="create",
                object="item",
                set={"name": "I", "sale": ids[-1], "ware": wares[w], "pieces": n},
            )
            for w, n in sale.items
        ]
        below += [
            Change(
                action="create",
                object="refund",
                set={
                    "name": "R",
                    "sale": ids[-1],
                    "currency": sale.currency,
                    "back_on": d.isoformat(),
                    "back": str(b),
                    "owner": people[sale.who],
                },
            )
            for d, b in sale.refunds
        ]
        if below:
            r.act(*below)
    later = replace(r.call, now=LATER)
    with conn.transaction():
        begin_write(conn, later)
        save(conn, later, [
            Change(action="update", object="sale", id=id, set={"state": s.state})
            for id, s in zip(ids, world, strict=True) if s.state != s.state_then
        ])  # fmt: skip
    r.call = replace(r.call, now=LATER + timedelta(days=1))
    return r, people


__all__ = ["DEPARTMENTS", "GROUPS", "LATER", "PEOPLE", "TOWNS", "WARES", "Sale", "above", "built", "sales"]
