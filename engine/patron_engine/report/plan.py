"""Plan: a report as a value: what it groups by, what it counts, in which order its formulas need one another, what is shown of it.

In: the body of a definition and what its reader asked (`plan`). Out: a frozen Plan, whose names all exist and are his to read;
printable (explain.py), and read by statement.py (SQL), cells.py (figures), drill.py (records). Executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.expr.nodes import AggregateNode
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.shape import shape_of
from patron_engine.report.answer import Axis, Figure, Request
from patron_engine.report.groups import Group, group_of
from patron_engine.report.parameters import Parameters, read_parameters
from patron_engine.report.past import moment_of
from patron_engine.report.reader import Place, Reader
from patron_engine.report.remembered import forgotten
from patron_engine.report.units import measure_type, unit_of_field, unit_of_formula

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`where` is one condition of the definition, the reader's filters and the reaches together; `where_text` the same as text.
    `formulas` stand in the order they need one another. `sort`: (measure or group, descending)."""

    body: Mapping[str, Any]
    object: Object
    where: Expression | None
    where_text: str | None
    rows: tuple[Group, ...]
    columns: tuple[Group, ...]
    bases: tuple[Base, ...]
    formulas: tuple[Formula, ...]
    figures: tuple[Figure, ...]
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    totals: frozenset[str] = frozenset()
    parameters: Parameters
    request: Request
    zone: str
    as_of: datetime | None = None  # the moment whose rows are asked; None: now
    moved: tuple[str, int] | None = None  # the path of a date, and by how many months it is moved

    @property
    def groups(self) -> tuple[Group, ...]:
        return (*self.rows, *self.columns)

    @property
    def additive(self) -> bool:
        """Whether totals are the sums of the cells: no figure needs its records again, no record stands in several groups."""
        return all(b.function in ADDITIVE for b in self.bases) and not self.multiplies

    @property
    def multiplies(self) -> bool:
        """Whether a record may stand in several groups."""
        return any(
            g.spreads or g.place.sets != b.sets[: len(g.place.sets)] for g in self.groups for b in self.bases
        )

    @property
    def units(self) -> frozenset[str]:
        """The units of PREVIOUS."""
        return frozenset(u for f in self.formulas for kind, _, u in f.given.values() if kind == "PREVIOUS")

    def formula(self, name: str) -> Formula | None:
        return next((f for f in self.formulas if f.name == name), None)

    def base(self, name: str) -> Base | None:
        return next((b for b in self.bases if b.name == name), None)


def plan(call: Call, request: Request) -> Plan:
    """The plan of a summary or matrix. Refused with all problems, NotFound for an object that is not his to read."""
    body = request.body
    object = known_object(call, str(body["object"]))
    problems = Problems()
    parameters = read_parameters(call, body, request.parameters, problems)
    reader = Reader(call, parameters)
    reader.problems.extend(problems)
    texts = conditions(reader, object.name, body.get("where"), request)
    joined = " and ".join(f"({t})" for t in texts) or None
    where = reader.condition(joined, object.name, "where") if joined and not reader.problems else None
    zone = call.model.workspace.zone.key
    rows = groups_of(reader, object, body.get("rows"), "rows", zone)
    columns = groups_of(reader, object, body.get("columns"), "columns", zone)
    bases, formulas = measures_of(reader, object, body.get("measures") or ())
    figures = figures_of(call, body.get("measures") or (), bases, formulas)
    if reader.problems:
        raise Refused(tuple(reader.problems))
    made = Plan(
        body=body,
        object=object,
        where=where,
        where_text=joined,
        rows=rows,
        columns=columns,
        bases=bases,
        formulas=formulas,
        figures=figures,
        sort=tuple((s.removeprefix("-"), s.startswith("-")) for s in body.get("sort") or ()),
        limit=body.get("limit"),
        totals=frozenset(body.get("totals") or ()),
        parameters=parameters,
        request=request,
        zone=zone,
        as_of=moment_of(call, body.get("as_of")),
    )
    wrong = forgotten(call.model, made) if made.as_of is not None else ()
    if wrong:
        raise Refused(wrong)
    return made


def conditions(reader: Reader, object: str, where: Any, request: Request) -> list[str]:
    """Every condition of a request as a text, each judged by itself so that its problems say where it stands."""
    texts: list[str] = []
    wanted = [("where", where)] if where else []
    wanted += [(f"filters[{i}]", text) for i, text in enumerate(request.filters)]
    for path, text in wanted:
        told = reader.told(text, object, path)
        if told is not None and reader.condition(text, object, path) is not None:
            texts.append(told)
    for path, (first, last) in request.reaches.items():
        place = reader.place(object, path, "reaches")
        if place is None:
            continue
        if place.sets or place.type.kind not in ("date", "datetime"):
            reader.problems.add("not_a_date", Phrase("{path} is no date", path=path), path="reaches")
            continue
        day = f"DAY_OF({place.path})" if place.type.kind == "datetime" else place.path
        texts += [f"{day} >= '{first.isoformat()}'"] if first is not None else []
        texts += [f"{day} <= '{last.isoformat()}'"] if last is not None else []
    return texts


def groups_of(reader: Reader, object: Object, items: Any, at: str, zone: str) -> tuple[Group, ...]:
    found = []
    for index, item in enumerate(items or ()):
        entry = {"field": item} if isinstance(item, str) else item
        path = f"{at}[{index}]"
        place = reader.place(object.name, entry["field"], path)
        made = group_of(reader, entry, place, path, zone) if place is not None else None
        if made is not None:
            found.append(made)
    return tuple(found)


# -- measures ---------------------------------------------------------------------------------------------------------


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
    block: str | None = None,
) -> tuple[Figure, ...]:
    """What an answer says of each measure, in the order of definition."""
    units: dict[str, Any] = {b.name: unit_of_field(b.function, b.place) for b in bases}
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
                block=block,
            )
        )
    return tuple(found)


def axes(groups: Iterable[Group]) -> tuple[Axis, ...]:
    return tuple(g.axis for g in groups)


def key_of(plan: Plan) -> Hashable:
    """What the text of the plan's statements depends on, without the values of its constants."""

    def shaped(made: Expression | None) -> Hashable:
        return None if made is None else shape_of(made).key

    bases = tuple(
        (b.name, b.function, b.place and b.place.path, shaped(b.value), shaped(b.where), b.at)
        for b in plan.bases
    )
    return (
        plan.object.name,
        shaped(plan.where),
        tuple(g.key for g in plan.groups),
        bases,
        plan.zone,
        plan.as_of is not None,
        plan.moved,
    )
