"""Units: what kind of value a formula gives, by those of the names in it: money, a share, hours or a plain number.

In: the text of a formula, the units of names and calls in it. Out: the unit. Money through money is a ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.expr.normal import normal
from patron_engine.expr.syntax import Syntax, parse


def unit_of_formula(source: str, units: Mapping[str, Any]) -> Any:
    """The unit of a formula; what `units` does not name is a plain number."""
    return _unit(parse(source), units)


def _unit(node: Syntax, units: Mapping[str, Any]) -> Any:
    items = [_unit(i, units) for i in node.items]
    if node.kind == "path":
        return units.get(".".join(str(p) for p in node.parts), "number")
    if node.kind == "call" and (known := units.get(normal(node, {}))) is not None:
        return known  # of the records: SUM(amount)
    if node.kind == "call" and node.name in ("COUNT", "GOAL", "SUM", "AVERAGE"):
        return "number"
    if node.kind == "quotient":
        left, right = items
        return left if right == "number" else "ratio" if left == right else "number"
    if node.kind in ("product",):
        odd = [u for u in items if u not in ("number", "ratio")]
        return odd[0] if len(odd) == 1 else "number"
    odd = [u for u in items if u != "number"]
    return odd[0] if odd and node.kind in ("sum", "negative", "call", "if") else "number"
