"""A figure is told in what it is made of: money has the sign of its currency in a roll-up, in a formula over records, beside another block."""

from __future__ import annotations

import pytest

from patron_engine.report.answer import Request
from patron_engine.report.joined import joined
from patron_engine.report.plan import plan
from patron_testing.build import call_of, model_of

DOCUMENTS = """
kind: workspace
name: workspace
languages: [en]
currency: CNY
---
kind: object
name: deal
label: Deal
title: name
owner: none
currency: record
fields:
  - {name: name, type: text}
  - {name: amount, type: money}
  - {name: signed_on, type: date}
  - {name: chance, type: percent}
  - {name: total, type: rollup, of: lines, function: sum, field: subtotal}
  - {name: left, type: formula, expression: "amount - total", returns: money}
---
kind: object
name: line
label: Line
title: what
owner: none
fields:
  - {name: what, type: text}
  - {name: deal, type: master, to: deal, reverse: {name: lines}}
  - {name: price, type: money}
  - {name: quantity, type: decimal}
  - {name: subtotal, type: formula, expression: "price * quantity", returns: money}
"""


@pytest.mark.parametrize(
    ("measure", "unit"),
    [
        ({"function": "sum", "field": "total"}, "money"),
        ({"function": "avg", "field": "left"}, "money"),
        ({"function": "max", "field": "lines.subtotal"}, "money"),
        ({"expression": "SUM(total)"}, "money"),
        ({"expression": "SUM(amount - total) / COUNT()"}, "money"),
        ({"expression": "SUM(left) / SUM(total)"}, "ratio"),
        ({"expression": "AVERAGE(chance)"}, "percent"),
        ({"expression": "MIN(signed_on)"}, "date"),
        ({"expression": "COUNT(amount > 5)"}, "number"),
    ],
)
def test_a_figure_over_records_has_the_unit_of_their_fields(measure: dict[str, str], unit: str) -> None:
    body = {"type": "summary", "object": "deal", "measures": [{"name": "figure", **measure}]}
    assert plan(call_of(model_of(DOCUMENTS)), Request(body=body)).figures[0].unit == unit


def test_what_is_left_between_two_blocks_of_money_is_money() -> None:
    blocks = [
        {"name": f"b_{n}", "object": "deal", "on": {"month": "signed_on"}, "measures": [{"name": n, "function": "sum", "field": n}]}
        for n in ("amount", "total")
    ]  # fmt: skip
    own = [{"name": "gap", "expression": "amount - total"}, {"name": "part", "expression": "total / amount"}]
    body = {"type": "joined", "group": [{"name": "month", "by": "month"}], "blocks": blocks, "measures": own}
    found = joined(call_of(model_of(DOCUMENTS)), Request(body=body)).figures
    assert [f.unit for f in found] == ["money", "ratio"]
