"""Cells: what the database answered, as figures by key, with every subtotal.

In: a connection, the frame of the call, a Plan. Out: `Cells`: for (row key, column key), shorter keys for subtotals, the values of
the plan's figures of the database. Where totals are the sums of their cells they are added up here, else they come from the same
statement. Reads; a limit that cut something is told in `cut`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
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


def _read(plan: Plan, made: Figured, rows: Iterable[tuple[Any, ...]], only_totals: bool) -> Cells:
    count, across = len(plan.groups), len(plan.rows)
    raw: dict[Place, list[Raw]] = {}
    stored: dict[tuple[int, Any], Any] = {}
    empty = [nothing(b) for b in plan.bases]
    decoded: dict[tuple[int, Any], Any] = {}
    for row in rows:
        bits, rest = row[1], row[2]
        if only_totals and not bits and count:
            continue
        members: list[Any] = []
        for place, group in enumerate(plan.groups):
            if bits >> (count - 1 - place) & 1:
                continue
            if rest >> place & 1:
                members.append(REST)
                continue
            value = row[3 + place]
            at = (place, value)
            member = decoded.get(at, decoded)
            if member is decoded:
                member = decoded[at] = group.decode(value)
                stored[place, member] = value
            members.append(member)
        shown = sum(1 for i in range(across) if not bits >> (count - 1 - i) & 1)
        key = (tuple(members[:shown]), tuple(members[shown:]))
        cell = raw.setdefault(key, list(empty))
        for index, at_column in made.arms[row[0]]:
            width = statement.WIDTH.get(plan.bases[index].function, 1)
            cell[index] = merged(plan.bases[index], cell[index], row[at_column : at_column + width])
    raw.setdefault(((), ()), list(empty))
    return Cells({key: tuple(cell) for key, cell in raw.items()}, stored)


def totalled(plan: Plan, whole: Mapping[Place, Sequence[Raw]]) -> dict[Place, tuple[Raw, ...]]:
    """The cells with every subtotal: the first so many row members with the first so many column members."""
    rows, columns = len(plan.rows), len(plan.columns)
    found: dict[Place, list[Raw]] = {((), ()): [nothing(b) for b in plan.bases]}
    for (row, column), cell in whole.items():
        if len(row) < rows or len(column) < columns:
            continue
        for i in range(rows + 1):
            for j in range(columns + 1):
                add(plan, found, (row[:i], column[:j]), cell)
    return {key: tuple(cell) for key, cell in found.items()}


def gathered(plan: Plan, cells: Cells, rename: Callable[[Place], Place]) -> Cells:
    """The same with members renamed, those of one name added up (additive plans)."""
    found: dict[Place, list[Raw]] = {}
    for place in cells.whole(plan):
        add(plan, found, rename(place), cells.raw[place])
    return replace(cells, raw=totalled(plan, found))


def add(plan: Plan, into: dict[Place, list[Raw]], place: Place, cell: Sequence[Raw]) -> None:
    known = into.get(place)
    if known is None:
        into[place] = list(cell)
    else:
        into[place] = [merged(b, a, c) for b, a, c in zip(plan.bases, known, cell, strict=True)]


# -- one figure -------------------------------------------------------------------------------------------------------


def nothing(base: Base) -> Raw:
    """A figure over no record."""
    return {"count": (0,), "count_distinct": (0,), "avg": (None, 0)}.get(base.function, (None,))


def merged(base: Base, a: Raw, b: Raw) -> Raw:
    """Two parts of one figure. Those that are no sums of parts come whole: the other part is nothing."""
    return tuple(_one(base.function, x, y) for x, y in zip(a, b, strict=True))


def _one(function: str, x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    if function == "min":
        return min(x, y)
    if function == "max":
        return max(x, y)
    return x + y


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
