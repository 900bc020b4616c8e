"""Measures: the figures of a report: those the database works out, and the formulas over them in the order they need one another.

In: entries of `measures` and a Reader. Out: Base and Formula values, and what an answer says of each (Figure).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from patron_engine.expr.compile import Expression
from patron_engine.expr.nodes import AggregateNode
from patron_engine.expr.units import unit_of_formula
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems
from patron_engine.query.call import Call
from patron_engine.report.answer import Figure
from patron_engine.report.reader import Place, Reader
from patron_engine.report.units import measure_type, unit_of_field, unit_of_value

ADDITIVE: Final = frozenset({"count", "sum", "avg", "min", "max"})
FUNCTIONS: Final[Mapping[str, str]] = {"average": "avg"}  # of the language -> of reports
GIVEN: Final = re.compile(r"(TOTAL|RUNNING|PREVIOUS|GOAL)\((.*?)(?:, '([a-z_]+)')?\)\Z")
Given = Literal["TOTAL", "RUNNING", "PREVIOUS", "GOAL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A figure the database works out: of a measure, or of an aggregate within a formula. `sets`: whose records it runs over."""

    name: str
    function: str
    place: Place | None = None
    value: Expression | None = None
    where: Expression | None = None
    where_text: str | None = None
    at: Decimal | None = None
    object: str = ""  # of `value`: whose records it is worked out of

    @property
    def sets(self) -> tuple[str, ...]:
        return self.place.sets if self.place is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A figure made of others, in Python, in every cell by itself: a ratio of totals is right. `given` are the values of report
    functions it reads: (function, measure or goal, unit) by their text."""

    name: str
    expression: Expression
    needs: frozenset[str]
    given: Mapping[str, tuple[Given, str, str]]


def measures_of(
    reader: Reader,
    object: Object,
    measures: Sequence[Mapping[str, Any]],
    others: Mapping[str, Any] | None = None,
) -> tuple[tuple[Base, ...], tuple[Formula, ...]]:
    """The figures of the database and the formulas, these in the order they need one another. `others` are measures of other
    blocks, by name."""
    bases: dict[str, Base] = {}
    formulas: list[Formula] = []
    types = {m["name"]: measure_type(reader, object, m) for m in measures}
    known = {**(others or {}), **types}
    for index, measure in enumerate(measures):
        name, path = measure["name"], f"measures[{index}]"
        if "expression" in measure:
            names = {n: t for n, t in known.items() if n != name}
            made = reader.formula(measure["expression"], object.name, f"{path}.expression", names)
            if made is not None:
                formulas.append(formula_of(name, made, known))
                bases.update({a.key: aggregate_base(a) for a in made.aggregates})
        else:
            base = measure_base(reader, object, measure, path)
            if base is not None:
                bases[name] = base
    bases.setdefault("", Base(name="", function="count"))  # every cell knows how many records it has
    return tuple(bases.values()), ordered(formulas, reader.problems)


def measure_base(reader: Reader, object: Object, measure: Mapping[str, Any], path: str) -> Base | None:
    """A measure with a function."""
    function, place, where, told = str(measure.get("function", "count")), None, None, None
    if "field" in measure:
        place = reader.place(object.name, measure["field"], f"{path}.field")
        if place is None:
            return None
    if place is None and function not in ("count",):
        reader.problems.add(
            "required", Phrase("{function} needs a field", function=function), path=f"{path}.field"
        )
        return None
    if measure.get("where"):
        told = reader.told(measure["where"], object.name, f"{path}.where")
        where = reader.condition(measure["where"], object.name, f"{path}.where")
    at = Decimal(str(measure.get("at", 50))) if function in ("median", "percentile") else None
    return Base(
        name=measure["name"],
        function="percentile" if function == "median" else function,
        place=place,
        where=where,
        where_text=told,
        at=Decimal(50) if function == "median" else at,
    )


def aggregate_base(node: AggregateNode) -> Base:
    """COUNT(stage == 'won') of a formula."""
    return Base(
        name=node.key,
        function=FUNCTIONS.get(node.function, node.function),
        value=node.value,
        object=node.object,
        where=node.condition,
        where_text=node.condition.source if node.condition is not None else None,
    )


def formula_of(name: str, made: Expression, known: Mapping[str, Any]) -> Formula:
    given: dict[str, tuple[Given, str, str]] = {}
    needs = set()
    for path in made.paths:
        match = GIVEN.match(path)
        if match is None:
            needs.add(path)
            continue
        kind, what, unit = match[1], match[2], match[3] or ""
        given[path] = (kind, what.strip("'"), unit)  # type: ignore[assignment]
        if kind != "GOAL":
            needs.add(what)
    return Formula(name=name, expression=made, needs=frozenset(needs), given=given)


def ordered(formulas: Iterable[Formula], problems: Problems) -> tuple[Formula, ...]:
    """Each after those it needs; a problem where some need each other."""
    left = {f.name: f for f in formulas}
    found: list[Formula] = []
    while left:
        ready = [f for f in left.values() if not f.needs & set(left)]
        if not ready:
            names = sorted(left)
            problems.add(
                "measure_cycle",
                Phrase("these need each other: {value}", value=", ".join(names)),
                path="measures",
                hint="take one of them out of the circle",
            )
            return tuple(found)
        for formula in ready:
            found.append(left.pop(formula.name))
    return tuple(found)


def figures_of(
    call: Call,
    measures: Sequence[Mapping[str, Any]],
    bases: Sequence[Base],
    formulas: Sequence[Formula],
    others: Sequence[Figure] = (),
) -> tuple[Figure, ...]:
    """What an answer says of each measure, in the order of definition. `others` are figures of blocks that formulas may be made of."""
    units: dict[str, Any] = {f.name: f.unit for f in others}
    units |= {
        b.name: unit_of_field(b.function, b.place)
        if b.value is None
        else unit_of_value(call.model, b.object, b.value)
        for b in bases
    }
    for formula in formulas:
        units[formula.name] = unit_of_formula(formula.expression.source, units)
    found = []
    for measure in measures:
        label = measure.get("label") or {}
        found.append(
            Figure(
                name=measure["name"],
                label=label if isinstance(label, Mapping) else {"en": str(label)},
                format=measure.get("format") or {},
                unit=units.get(measure["name"], "number"),
            )
        )
    return tuple(found)


def as_written(figures: Sequence[Figure], body: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Figures a report has by itself, with the headings and formats its definition gives them (`figures`)."""
    said = {entry["name"]: entry for entry in body.get("figures") or ()}
    found = []
    for figure in figures:
        entry = said.get(figure.name, {})
        label = entry.get("label") or figure.label
        label = label if isinstance(label, Mapping) else {"en": str(label)}
        found.append(replace(figure, label=label, format={**figure.format, **(entry.get("format") or {})}))
    return tuple(found)
