"""Plan: a report as a value: what it groups by, what it counts, in which order its formulas need one another, what is shown of it.

In: the body of a definition and what its reader asked (`plan`). Out: a frozen Plan, whose names all exist and are his to read;
printable (explain.py), and read by statement.py (SQL), cells.py (figures), drill.py (records). Executes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.shape import shape_of
from patron_engine.report.answer import Axis, Figure, Request
from patron_engine.report.between import compared, moments_of
from patron_engine.report.groups import Group, group_of
from patron_engine.report.measures import ADDITIVE, Base, Formula, figures_of, measures_of
from patron_engine.report.parameters import Parameters, read_parameters
from patron_engine.report.reader import Reader
from patron_engine.report.remembered import forgotten
from patron_engine.report.units import measure_type


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
    since: datetime | None = None  # the first moment of two: each figure is told of it as well
    then: datetime | None = None  # what its conditions take for now; None: now. Rights are of now
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
    def levels(self) -> frozenset[tuple[int, int]]:
        """The totals that are looked at, as numbers of row and column members: where nothing is sorted, limited or worked out by
        them, those it is asked to show."""
        rows, columns = len(self.rows), len(self.columns)
        every = {(i, j) for i in range(rows + 1) for j in range(columns + 1)}
        by_members = {n for g in self.groups for n in (g.name, g.place.path)}
        sorts = {n for n, _ in self.sort} | {g.sort.removeprefix("-") for g in self.groups if g.sort}
        limited = self.limit is not None or any(g.limit is not None for g in self.groups)
        if self.formulas or limited or not sorts <= by_members:
            return frozenset(every)
        return frozenset({at for at in every if total_of(self, *at) <= self.totals} | {(0, 0)})

    @property
    def units(self) -> frozenset[str]:
        """The units of PREVIOUS."""
        return frozenset(u for f in self.formulas for kind, _, u in f.given.values() if kind == "PREVIOUS")

    def formula(self, name: str) -> Formula | None:
        return next((f for f in self.formulas if f.name == name), None)

    def base(self, name: str) -> Base | None:
        return next((b for b in self.bases if b.name == name), None)


def total_of(plan: Plan, row: int, column: int) -> set[str]:
    """Which totals a cell of so many members is of: `rows` at the end of a row and of its groups, `columns` of a column and of its."""
    found = set()
    if row < len(plan.rows):
        found.add("rows" if row else "columns")
    if column < len(plan.columns):
        found.add("columns" if column else "rows")
    return found


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
    since, as_of = moments_of(call, body.get("as_of"))
    if since is not None:
        types = {m["name"]: measure_type(reader, object, m) for m in body.get("measures") or ()}
        figures, formulas = compared(call, figures, bases, formulas, types)
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
        as_of=as_of,
        since=since,
    )
    wrong = forgotten(call.model, made) if as_of is not None or since is not None else ()
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
        plan.then is not None,
        plan.moved,
    )
