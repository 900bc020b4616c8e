"""Cells: what the database answered, as figures by key, with every subtotal.

In: a connection, the frame of the call, a Plan. Out: `Cells`: for (row key, column key), shorter keys for subtotals, the values of
the plan's figures of the database. Where totals are the sums of their cells they are added up here, else they come from the same
statement. Reads; a limit that cut something is told in `cut`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import reduce
from operator import add
from typing import Any, Final

import psycopg

from patron_engine.access.grants import audience
from patron_engine.query.call import Call
from patron_engine.query.statement import kept as kept_texts
from patron_engine.query.values import call_values
from patron_engine.report import statement
from patron_engine.report.answer import REST, Key
from patron_engine.report.constants import Constants
from patron_engine.report.keeping import answered
from patron_engine.report.measures import Base
from patron_engine.report.past import values_at
from patron_engine.report.plan import Plan, key_of
from patron_engine.report.statement import Figured, Form

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


def cells(
    conn: psycopg.Connection[Any],
    call: Call,
    plan: Plan,
    chosen: Chosen | None = None,
    *,
    whole_row: bool = False,
) -> Cells:
    """All figures of a plan. `chosen`: only these members stand for themselves, the others are REST (with `whole_row` in every row
    group where they are in the first)."""
    form = Form(
        "whole" if plan.additive else "sets", most=MOST, kept=tuple(sorted(chosen or ())), whole_row=whole_row
    )
    found = ask(conn, call, plan, form, chosen or {})
    if form.way == "whole" and len(found.whole(plan)) > MOST:
        largest = ask(conn, call, plan, replace(form, cut=True, most=MOST - 1), chosen or {})
        totals = ask(conn, call, plan, replace(form, way="sets"), chosen or {}, only_totals=True)
        return Cells({**largest.raw, **totals.raw}, {**largest.stored, **totals.stored}, cut=True)
    if form.way == "whole":
        return Cells(totalled(plan, found.raw), found.stored)
    whole = found.whole(plan)
    if len(whole) > MOST:
        count = next(i for i, b in enumerate(plan.bases) if b.name == "")
        by_size = sorted(whole, key=lambda p: -found.raw[p][count][0])
        gone = set(by_size[MOST:])
        return Cells({p: r for p, r in found.raw.items() if p not in gone}, found.stored, cut=True)
    return found


def ask(
    conn: psycopg.Connection[Any],
    call: Call,
    plan: Plan,
    form: Form,
    chosen: Chosen,
    *,
    only_totals: bool = False,
) -> Cells:
    """Runs one statement and reads its rows."""
    constants = Constants(plan)
    key = ("report", audience(call.actor), call.actor.languages, key_of(plan), form)
    made: Figured = kept_texts(call.tables).get(key, lambda: statement.figured(call, plan, form))
    given = {**call_values(call), **values_at(call, plan.as_of or plan.then), **constants.values}
    for place, members in chosen.items():
        given[f"kept.{place}"] = [m for m in members if m is not None]
        given[f"kept.{place}.none"] = None in members
    rows = answered(conn, call, made.statement, given, plan.request.keeping, str(plan.body.get("name") or ""))
    return _read(plan, made, rows, only_totals)


class _Members(dict[Any, Any]):
    """What the database calls a member of one group -> the member; each is decoded once."""

    def __init__(self, place: int, decode: Callable[[Any], Any], stored: dict[tuple[int, Any], Any]) -> None:
        super().__init__()
        self._place, self._decode, self._stored = place, decode, stored

    def __missing__(self, value: Any) -> Any:
        member = self[value] = self._decode(value)
        self._stored[self._place, member] = value
        return member


def _read(plan: Plan, made: Figured, rows: Iterable[tuple[Any, ...]], only_totals: bool) -> Cells:
    count, across = len(plan.groups), len(plan.rows)
    raw: dict[Place, tuple[Raw, ...]] = {}
    stored: dict[tuple[int, Any], Any] = {}
    empty = tuple(nothing(b) for b in plan.bases)
    members = [_Members(place, g.decode, stored) for place, g in enumerate(plan.groups)]
    arms = [
        [(index, at, at + statement.WIDTH.get(plan.bases[index].function, 1)) for index, at in arm]
        for arm in made.arms
    ]
    alone = len(arms) == 1  # its figures are all there are, in their order
    for row in rows:
        bits, rest = row[1], row[2]
        if bits or rest:
            if only_totals and not bits and count:
                continue
            found = [
                REST if rest >> place & 1 else members[place][row[3 + place]]
                for place in range(count)
                if not bits >> (count - 1 - place) & 1
            ]
            shown = sum(1 for i in range(across) if not bits >> (count - 1 - i) & 1)
        elif only_totals and count:
            continue
        else:
            found = [known[value] for known, value in zip(members, row[3:], strict=False)]
            shown = across
        key = (tuple(found[:shown]), tuple(found[shown:]))
        before = raw.get(key)
        if before is None and alone:
            raw[key] = tuple([row[first:last] for _, first, last in arms[0]])
            continue
        cell = list(before or empty)
        for index, first, last in arms[row[0]]:
            cell[index] = merged(plan.bases[index], cell[index], row[first:last])
        raw[key] = tuple(cell)
    raw.setdefault(((), ()), empty)
    return Cells(raw, stored)


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


def value(base: Base, raw: Raw) -> Any:
    """The figure: sum and count of nothing are 0, the others empty."""
    first = raw[0]
    if base.function in ("count", "count_distinct"):
        return Decimal(first)
    if base.function == "sum":
        return Decimal(0) if first is None else Decimal(first)
    if first is None:
        return None
    if base.function == "avg":
        return rounded(EXACT.divide(Decimal(first), Decimal(raw[1]))) if raw[1] else None
    if base.function == "percentile":
        return rounded(Decimal(repr(first)))
    return Decimal(first) if isinstance(first, int) and not isinstance(first, bool) else first


def rounded(number: Decimal) -> Decimal:
    return number.quantize(DECIMALS, rounding=ROUND_HALF_UP, context=EXACT).normalize(EXACT) + 0
