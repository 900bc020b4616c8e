"""Questions about the wholesaler: asked as reports, and worked out of plain values by nothing but Python.

In: records of wholesale.py; definitions of reports. Out: figures by member, of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.report.answer import Answer, Request
from patron_engine.ways import figure
from patron_testing.build import Records
from patron_testing.ledger import named, plain
from patron_testing.wholesale import DEPARTMENTS, GROUPS, PEOPLE, TOWNS, WARES, Sale, above, sales

N = {"name": "n", "function": "count"}
SUM = {"name": "sum", "function": "sum", "field": "sum"}
PIECES = {"name": "pieces", "function": "sum", "field": "items.pieces"}
BACK = {"name": "back", "function": "sum", "field": "refunds.back"}
DONE = "state == 'paid'"
WORLD = sales()


class Office:
    def __init__(self, r: Records, people: dict[str, str]) -> None:
        self.r, self.people = r, people

    def of(self, name: str, role: str) -> Call:
        return replace(self.r.call, actor=Actor(user=self.people[name], name=name, roles=frozenset({role})))

    def run(self, call: Call | None = None, **body: Any) -> Answer:
        whole = {
            "kind": "report",
            "name": "q",
            "type": "summary",
            "object": "sale",
            "totals": ["rows", "columns", "grand"],
            **body,
        }
        with self.r.conn.transaction():
            return figure.run(self.r.conn, call or self.r.call, Request(body=whole))

    def rows(self, *measures: str, **body: Any) -> dict[Any, Any]:
        found = self.run(**body)
        told = {
            named(found, k): tuple(plain(found.value(m, k)) for m in measures) for k in (*found.row_keys, ())
        }
        told["all"] = told.pop(())
        return {k: v[0] if len(measures) == 1 else v for k, v in told.items()}


def cut(
    key: Callable[[Sale], Any],
    figure: Callable[[list[Sale]], Any],
    world: list[Sale] | None = None,
    *,
    every: bool = False,
) -> dict[Any, Any]:
    """The figure of each group of sales, and of all; `every`: the key gives all members a sale belongs to."""
    groups: dict[Any, list[Sale]] = defaultdict(list)
    world = WORLD if world is None else world
    for sale in world:
        for member in key(sale) if every else [key(sale)]:
            groups[member].append(sale)
    return {**{k: plain(figure(v)) for k, v in groups.items()}, "all": plain(figure(world))}


def total(some: list[Sale]) -> Decimal:
    return sum((s.base for s in some), Decimal(0))


def back(some: list[Sale]) -> Decimal:
    rate = {id(s): s.base / s.sum for s in some}
    return sum((b * rate[id(s)] for s in some for _, b in s.refunds), Decimal(0))


def group_of(ware: str, level: int) -> str | None:
    return above(GROUPS, WARES[ware], level)


def town(sale: Sale) -> str | None:
    return TOWNS[sale.client] if sale.client else None


def department(level: int) -> Callable[[Sale], str | None]:
    return lambda s: above(DEPARTMENTS, PEOPLE[s.who][0], level)


def month(day: date) -> str:
    return day.replace(day=1).isoformat()


def fiscal(day: date) -> str:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1).isoformat()
