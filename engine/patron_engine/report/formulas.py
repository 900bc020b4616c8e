"""Formulas: the figures a report makes of others, in every cell and every subtotal by itself.

In: a Plan and the figures of the database by key. Out: all figures by key. TOTAL, RUNNING, PREVIOUS and GOAL are worked out with the
report and given to a formula under their text; what they say where there is nothing of the kind is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import closure
from patron_engine.report.answer import Key
from patron_engine.report.cells import Cells, Place, value_of
from patron_engine.report.measures import Formula
from patron_engine.report.plan import Plan

Values = dict[Place, dict[str, Any]]
Earlier = Mapping[str, Values]  # unit of PREVIOUS -> the figures of the moved question


class Goal(Protocol):
    """GOAL('name') of one cell, and of the line a chart is compared with."""

    def __call__(self, name: str, place: Place) -> Decimal | None: ...

    def line(self, name: str) -> Decimal | None: ...


def measured(plan: Plan, cells: Cells) -> Values:
    """The figures of the database, by name."""
    named = [(b.name, value_of(b)) for b in plan.bases]
    if len(named) == 1:
        ((name, of),) = named
        return {place: {name: of(raw)} for place, (raw,) in cells.raw.items()}
    return {
        place: {name: of(raw) for (name, of), raw in zip(named, cell, strict=True)}
        for place, cell in cells.raw.items()
    }


def early(plan: Plan) -> tuple[Formula, ...]:
    """The formulas that do not need the order of the groups."""
    late = {f.name for f in plan.formulas if any(kind == "RUNNING" for kind, _, _ in f.given.values())}
    for formula in plan.formulas:
        if formula.needs & late:
            late.add(formula.name)
    return tuple(f for f in plan.formulas if f.name not in late)


def work_out(
    formulas: Sequence[Formula],
    values: Values,
    context: Context,
    *,
    earlier: Earlier | None = None,
    goal: Goal | None = None,
    running: Mapping[Key, Sequence[Key]] | None = None,
) -> None:
    """Adds the formulas' values to `values`, formula by formula. `running`: for the first member of a row key, those up to it."""
    for formula in formulas:
        run = closure(formula.expression)
        whole = values.get(((), ()), {})
        sums: dict[Place, dict[str, Any]] = _running(formula, values, running) if running else {}
        for place, known in values.items():
            given = dict(known)
            for text, (kind, what, unit) in formula.given.items():
                if kind == "TOTAL":
                    given[text] = whole.get(what)
                elif kind == "RUNNING":
                    given[text] = sums.get(place, {}).get(what)
                elif kind == "PREVIOUS":
                    given[text] = (earlier or {}).get(unit, {}).get(place, {}).get(what)
                else:
                    given[text] = goal(what, place) if goal is not None else None
            known[formula.name] = run(given, context)


def _running(formula: Formula, values: Values, running: Mapping[Key, Sequence[Key]]) -> Values:
    """What RUNNING says in every cell: the figure added up over the first row group's members, up to its own."""
    found: Values = {}
    for kind, what, _ in formula.given.values():
        if kind != "RUNNING":
            continue
        sums: dict[Place, Decimal] = {}
        order = list(running)
        position = {first: i for i, first in enumerate(order)}
        for place in sorted(values, key=lambda p: position.get(p[0][:1], len(order))):
            own = values[place].get(what)
            rest = (place[0][1:], place[1])
            if not place[0]:
                found.setdefault(place, {})[what] = own
                continue
            added = sums.get(rest, Decimal(0)) + (own if isinstance(own, Decimal) else 0)
            sums[rest] = added
            found.setdefault(place, {})[what] = added
    return found
