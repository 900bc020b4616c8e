"""Orders with lines, departments in a tree, people in them: a world whose figures are easily told apart, and reports over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.report.plan import plan
from patron_engine.ways import figure
from patron_engine.ways.read import figures
from patron_testing.build import Records

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en, zh-CN]
fiscal_year_from: 4
---
kind: object
name: department
label: Department
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: parent, type: lookup, to: department, tree: true, label: Parent}
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: department, type: lookup, to: department, label: Department}
  - {name: zone, type: text, label: Zone}
---
kind: object
name: product
label: Product
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: series, type: select, label: Series, options: [{name: b_series}, {name: a_series}]}
---
kind: object
name: order
label: Order
title: name
owner: none
features: [void]
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: seller, type: lookup, to: user, label: Seller}
  - {name: ordered_on, type: date, label: Ordered}
  - {name: paid_at, type: datetime, label: Paid}
  - {name: total, type: money, label: Total}
  - {name: state, type: select, label: State, options: [{name: open, color: blue}, {name: done}]}
  - {name: marks, type: tags, label: Marks, options: [{name: vip}, {name: new}]}
  - {name: place, type: cascade, label: Place, options: [{name: cn, options: [{name: zj, options: [{name: hz}, {name: nb}]}, {name: sh}]}, {name: jp}]}
  - {name: half, type: formula, expression: "total / 2", label: Half}
---
kind: object
name: line
label: Line
title: name
fields:
  - {name: name, type: text, label: Name}
  - {name: order, type: master, to: order, reverse: lines, label: Order}
  - {name: product, type: lookup, to: product, label: Product}
  - {name: quantity, type: decimal, label: Quantity}
"""


class Ledger:
    """Reports over the world of a test."""

    def __init__(self, r: Records) -> None:
        self.r = r
        self.call = r.call

    def request(self, given: Mapping[str, Any] | None = None, **body: Any) -> Request:
        filters = body.pop("filters", ())
        whole = {"kind": "report", "name": "r", "type": "summary", "object": "order", **body}
        if "measures" not in whole:
            whole["measures"] = [
                {"name": "total", "function": "sum", "field": "total"},
                {"name": "orders", "function": "count"},
            ]
        return Request(body=whole, parameters=given or {}, filters=tuple(filters))

    def run(self, given: Mapping[str, Any] | None = None, **body: Any) -> Answer:
        return figure.run(self.r.conn, self.call, self.request(given, **body))

    def rows(self, measure: str = "total", **body: Any) -> list[tuple[Any, Any]]:
        """(member, figure) of each row, members by title where they have one."""
        found = self.run(**body)
        return [(named(found, key), plain(found.value(measure, key))) for key in found.row_keys]

    def adds_up(self, request: Request) -> int:
        """Every cell equals the same figure over its drilled list; says how many were compared."""
        found = figure.run(self.r.conn, self.call, request)
        made, compared = plan(self.call, request), 0
        for rows, columns in found.cells:
            for measure in request.body["measures"]:
                base = made.base(measure["name"])
                if base is None or base.function not in ("sum", "count", "avg", "min", "max"):
                    continue
                function, field = base.function, base.place.inner if base.place is not None else None
                spot = Spot(rows=rows, columns=columns, figure=measure["name"])
                ask = figure.drill(self.r.conn, self.call, request, spot)
                asked: Sequence[tuple[str, str]] = [(function, field)] if field else []
                listed = figures(self.r.conn, self.call, ask, asked)[0]
                wanted = listed[1] if function == "count" else listed[2]
                if function == "sum":
                    wanted = wanted or 0
                if function == "avg" and wanted is not None:
                    wanted = round(wanted, 10)
                assert found.value(measure["name"], rows, columns) == wanted, (
                    rows,
                    columns,
                    measure,
                    ask.where,
                )
                compared += 1
        return compared


def named(found: Answer, key: tuple[Any, ...]) -> Any:
    names = tuple(found.titles.get((axis.name, m), m) for axis, m in zip(found.rows, key, strict=False))
    return names[0] if len(names) == 1 else names


def plain(value: Any) -> Any:
    """A figure as a test writes it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
