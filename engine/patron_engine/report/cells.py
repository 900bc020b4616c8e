"""Cells: what the database answered, as figures by key, with every subtotal.

In: a Plan and its cells (asking.py). Out: `Cells`: for (row key, column key), shorter keys for subtotals, the values of the plan's
figures of the database. Where totals are the sums of their cells they are added up here. A limit that cut something is told in `cut`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import reduce
from operator import add
from typing import Any, Final

from patron_engine.report.answer import Key
from patron_engine.report.measures import Base
from patron_engine.report.plan import Plan

MOST: Final = 10_000  # cells of one answer, subtotals not counted
DECIMALS: Final = Decimal("1e-10")  # of averages and percentiles
EXACT: Final = Context(prec=100)

Place = tuple[Key, Key]
Raw = tuple[Any, ...]  # the columns of each figure, one after the other
Chosen = Mapping[
    int, tuple[Any, ...]
]  # by place of the group, the members that stand for themselves, as the database knows them


@dataclass(frozen=True, slots=True)
class Cells:
    """`raw` by (row key, column key). `stored`: (place of the group, member) -> what the database calls it."""

    raw: Mapping[Place, tuple[Raw, ...]]
    stored: Mapping[tuple[int, Any], Any]
    cut: bool = False

    def whole(self, plan: Plan) -> list[Place]:
        """The cells that are no totals."""
        rows, columns = len(plan.rows), len(plan.columns)
        return [p for p in self.raw if len(p[0]) == rows and len(p[1]) == columns]


def totalled(plan: Plan, whole: Mapping[Place, tuple[Raw, ...]]) -> dict[Place, tuple[Raw, ...]]:
    """The cells with every subtotal that is looked at: the first so many row members with the first so many column members. Each is
    added up from the fewest subtotals that divide it, not from the cells."""
    rows, columns = len(plan.rows), len(plan.columns)
    functions = [b.function for b in plan.bases]
    found = {(rows, columns): {p: c for p, c in whole.items() if len(p[0]) == rows and len(p[1]) == columns}}
    for i, j in sorted(plan.levels - {(rows, columns)}, reverse=True):
        finer = min((cells for at, cells in found.items() if at[0] >= i and at[1] >= j), key=len)
        parts: dict[Place, list[tuple[Raw, ...]]] = {}
        for (row, column), cell in finer.items():
            parts.setdefault((row[:i], column[:j]), []).append(cell)
        found[i, j] = {place: _together(functions, some) for place, some in parts.items()}
    found[0, 0].setdefault(((), ()), tuple(nothing(b) for b in plan.bases))
    return {place: cell for some in found.values() for place, cell in some.items()}


def gathered(plan: Plan, cells: Cells, rename: Callable[[Place], Place]) -> Cells:
    """The same with members renamed, those of one name added up (additive plans)."""
    parts: dict[Place, list[tuple[Raw, ...]]] = {}
    for place in cells.whole(plan):
        parts.setdefault(rename(place), []).append(cells.raw[place])
    functions = [b.function for b in plan.bases]
    together = {place: _together(functions, some) for place, some in parts.items()}
    return replace(cells, raw=totalled(plan, together))


def _together(functions: Sequence[str], cells: Sequence[tuple[Raw, ...]]) -> tuple[Raw, ...]:
    """Several cells as one, column by column: a call for each figure, not for each figure of each cell."""
    if len(cells) == 1:
        return cells[0]
    return tuple(
        tuple([_all(function, column) for column in zip(*parts, strict=True)])
        for function, parts in zip(functions, zip(*cells, strict=True), strict=True)
    )


# -- one figure -------------------------------------------------------------------------------------------------------


def nothing(base: Base) -> Raw:
    """A figure over no record."""
    return {"count": (0,), "count_distinct": (0,), "avg": (None, 0)}.get(base.function, (None,))


def merged(base: Base, a: Raw, b: Raw) -> Raw:
    """Two parts of one figure. Those that are no sums of parts come whole: the other part is nothing."""
    return tuple([_all(base.function, both) for both in zip(a, b, strict=True)])


def _all(function: str, column: Iterable[Any]) -> Any:
    """One column of a figure, of all its parts."""
    known = [v for v in column if v is not None]
    if not known:
        return None
    if function in ("min", "max"):
        return min(known) if function == "min" else max(known)
    return reduce(add, known)


def value_of(base: Base) -> Callable[[Raw], Any]:
    """How a figure is made of its columns: sum and count of nothing are 0, the others empty. Chosen once for all cells."""
    if base.function in ("count", "count_distinct"):
        return lambda raw: Decimal(raw[0])
    if base.function == "sum":
        return lambda raw: Decimal(raw[0] or 0)
    return lambda raw: _other(base, raw)


def _other(base: Base, raw: Raw) -> Any:
    first = raw[0]
    if first is None:
        return None
    if base.function == "avg":
        return rounded(EXACT.divide(Decimal(first), Decimal(raw[1]))) if raw[1] else None
    if base.function == "percentile":
        return rounded(Decimal(repr(first)))
    return Decimal(first) if isinstance(first, int) and not isinstance(first, bool) else first


def rounded(number: Decimal) -> Decimal:
    return number.quantize(DECIMALS, rounding=ROUND_HALF_UP, context=EXACT).normalize(EXACT) + 0
