"""Statement: the plan of a report -> one SQL statement under the reader's rights.

In: the frame of the call, a Plan, a Form. Out: `Built`: the statement before it is text (together.py), where each figure stands in a row. An arm is
one SELECT: the rows of the object that are his (with what their paths lead to, joined under the row rules there), an inner select
with members and inputs of figures, an outer GROUP BY. Arms are put together with UNION ALL; report/cells.py sorts their rows.

Nothing is counted twice: figures over one set make an arm of their own (its rows are that set's), and where a group lies deeper
than the figure, or a record belongs to several members, figures are taken over distinct (members, record).

    whole     every total is the sum of its cells: one plain GROUP BY, which the database may divide among processes
    sets      GROUPING SETS of every subtotal: a median, a number of different ones is right in totals too
    spread    the same over distinct (members, record)
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import count
from operator import add
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import field_rule, row_rule
from patron_engine.expr.sql import condition_sql, to_sql
from patron_engine.query.binding import SqlBinding, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.source import Building, rules_of
from patron_engine.report.aggregates import WIDTH, aggregates_of
from patron_engine.report.constants import Constants
from patron_engine.report.foretold import First, firsts, members_kept
from patron_engine.report.measures import Base
from patron_engine.report.members import Joins, member_sql
from patron_engine.report.moving import Moved
from patron_engine.report.past import asked_then, at_moment
from patron_engine.report.plan import Plan
from patron_engine.store.tables import TYPES

Column = sa.ColumnElement[Any]
Way = Literal["whole", "sets"]
NAMES: Final = 1000  # of tables in one arm: more than it may join


@dataclass(frozen=True, slots=True)
class Form:
    """`most`: cells at most, the largest first where `cut`. `kept`: groups (by place) of which only some members stand for
    themselves, their values in parameters; the others are one. `first` instead of values: the members of the first group that a figure
    (by index) puts first, as the statement itself finds them."""

    way: Way
    most: int
    cut: bool = False
    kept: tuple[int, ...] = ()
    whole_row: bool = False  # where the first group is the rest, so are the other row groups
    first: First | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A statement before it is text: rows of (arm, bits, rest bits, members …, columns of figures …). `arms`: for each arm its
    figures by (index, first column)."""

    select: Any
    members: int
    arms: tuple[tuple[tuple[int, int], ...], ...]


def built(call: Call, plan: Plan, form: Form) -> Built:
    """The arms of a plan, put together."""
    by_sets: dict[tuple[str, ...], list[int]] = {}
    for index, base in enumerate(plan.bases):
        by_sets.setdefault(base.sets, []).append(index)
    constants = Constants(plan)
    made = [Arm(call, plan, n, sets, chosen, constants) for n, (sets, chosen) in enumerate(by_sets.items())]
    found = first_of(call, plan, form.first, len(made), constants) if form.first is not None else None
    selects: list[Any] = []
    arms: list[tuple[tuple[int, int], ...]] = []
    types = [t for arm in made for t in arm.types]
    fixed = 3 + len(plan.groups)
    start = 0
    for arm in made:
        each = arm.selects(form, start, types, found)
        selects += each
        arms.append(tuple((index, fixed + start + at) for index, at in arm.places()))
        start += len(arm.types)
    chosen: Any = selects[0]
    if len(selects) > 1:
        chosen = sa.union_all(*selects)
    return Built(chosen, len(plan.groups), tuple(arms))


class Arm:
    """One SELECT over the records of `sets`. `number`: which arm it is; `chosen`: which of the plan's figures."""

    def __init__(
        self, call: Call, plan: Plan, number: int, sets: tuple[str, ...], chosen: Sequence[int], constants: Constants
    ) -> None:  # fmt: skip
        self.call, self.plan, self.number = call, plan, number
        self.sets, self.chosen = sets, chosen
        self.constants = constants
        building = building_of(self.call, number)
        if self.plan.as_of is not None:
            building = at_moment(building)
        elif self.plan.then is not None:
            building = asked_then(building)
        root = building.root(self.plan.object.name)
        binding: Any = SqlBinding(row=root, ruled=True, constants=self.constants.given)
        if self.plan.moved is not None:
            binding = Moved(binding, *self.plan.moved, zone=self.plan.zone)
        joins = Joins(binding, self.sets)
        where = [*root.live(voided=False), *root.ruled()]
        if self.plan.where is not None:
            where.append(condition_sql(self.plan.where, binding))
        columns = [
            member_sql(joins, g, self.plan.zone).label(f"k{i}") for i, g in enumerate(self.plan.groups)
        ]
        record = joins.row(self.sets).id.label("record")
        inputs: list[Any] = []
        for place, index in enumerate(self.chosen):
            inputs += self._input(joins, self.plan.bases[index], place)
        one = sa.literal(1, sa.Integer()).label("record")
        everything: list[Any] = [*columns, *inputs, record if self._distinct else one]
        inner: Any = sa.select(*everything)
        inner = inner.select_from(root.source.from_).where(*where)
        self._inner: Any = inner.cte(f"rows{number}") if self._distinct else inner.subquery(building.alias())
        self.types: list[sa.types.TypeEngine[Any]] = [
            t for i in self.chosen for t in self._types(self.plan.bases[i])
        ]

    @property
    def _distinct(self) -> bool:
        groups = self.plan.groups
        return any(g.spreads or g.place.sets != self.sets[: len(g.place.sets)] for g in groups)

    def places(self) -> list[tuple[int, int]]:
        at, found = 0, []
        for index in self.chosen:
            found.append((index, at))
            at += WIDTH.get(self.plan.bases[index].function, 1)
        return found

    def _input(self, joins: Joins, base: Base, place: int) -> list[Any]:
        """The value a figure is taken of, and whether the record counts."""
        found: list[Any] = []
        value = self._value(joins, base)
        if value is not None:
            found.append(value.label(f"v{place}"))
        if base.where is not None:
            found.append(condition_sql(base.where, joins.binding).label(f"w{place}"))
        return found

    def _value(self, joins: Joins, base: Base) -> Column | None:
        if base.value is not None:
            return to_sql(base.value, joins.binding)
        if base.place is None:
            return joins.row(base.sets).id if base.sets else None
        return joins.value(base.place)

    def _types(self, base: Base) -> list[sa.types.TypeEngine[Any]]:
        number, whole = TYPES["numeric"], TYPES["bigint"]
        place = list(self.chosen).index(self.plan.bases.index(base))
        own = self._inner.c[f"v{place}"].type if f"v{place}" in self._inner.c else number
        types: Mapping[str, list[sa.types.TypeEngine[Any]]] = {
            "count": [whole], "count_distinct": [whole], "sum": [number], "avg": [number, whole], "min": [own], "max": [own],
            "percentile": [sa.Double()],
        }  # fmt: skip
        return types[base.function]

    def _aggregates(self, rows: Any) -> list[Column]:
        found: list[Column] = []
        for place, index in enumerate(self.chosen):
            base = self.plan.bases[index]
            value = rows.c.get(f"v{place}")
            where = rows.c[f"w{place}"] if base.where is not None else None
            found += [f if where is None else f.filter(where) for f in aggregates_of(base, value)]
        return [sa.type_coerce(f, t) for f, t in zip(found, self.types, strict=True)]

    # -- the outer select ---------------------------------------------------------------------------------------------

    def selects(
        self, form: Form, start: int, types: Sequence[sa.types.TypeEngine[Any]], first: Any = None
    ) -> list[Any]:
        rows: Any = self._with_rest(form, first) if form.kept else self._inner
        keys = [rows.c[f"k{i}"] for i in range(len(self.plan.groups))]
        marks = {i: rows.c[f"r{i}"] for i in range(len(keys)) if f"r{i}" in rows.c}

        def row(bits: Any, shown: Sequence[Column], counted: Any, mark: Any) -> Any:
            figures: list[Any] = [sa.cast(sa.null(), t) for t in types]
            figures[start : start + len(self.types)] = self._aggregates(counted)
            fixed = [sa.literal(self.number, sa.Integer()), bits, mark, *shown, *figures]
            return sa.select(*(c.label(f"c{i}") for i, c in enumerate(fixed))).select_from(counted)

        zero = sa.literal(0, sa.Integer())
        if self._distinct:
            return [self._over_distinct(row, rows, keys, marks, s) for s in grouping_sets(self.plan)]
        rest = _added([sa.func.coalesce(m, zero) for m in marks.values()])
        if form.way == "sets":
            sets = [
                [keys[i] for i in s] + [marks[i] for i in s if i in marks] for s in grouping_sets(self.plan)
            ]
            bits = sa.func.grouping(*keys, type_=sa.Integer()) if keys else zero
            chosen = row(bits, keys, rows, rest)
            if not keys:
                return [chosen]
            return [chosen.group_by(sa.func.grouping_sets(*(sa.tuple_(*s) for s in sets)))]
        chosen = row(zero, keys, rows, rest)
        if keys:
            chosen = chosen.group_by(*keys)
            if form.cut:
                chosen = chosen.order_by(sa.func.count().desc(), *keys)
            else:
                # A limit beside GROUP BY has the planner prepare for the first groups only: it walks an index row by row, for what
                # a scan of the whole answers in a fraction. What is materialized is planned for all of it.
                every = chosen.cte(f"cells{self.number}", nesting=True).prefix_with("MATERIALIZED")
                chosen = sa.select(*every.c)
            chosen = chosen.limit(sa.literal(form.most + 1))
        return [chosen]

    def _over_distinct(
        self, row: Any, rows: Any, keys: Sequence[Any], marks: Mapping[int, Any], chosen: Sequence[int]
    ) -> Any:
        """One grouping set over distinct (members, record)."""
        shown = [keys[i] for i in chosen]
        rests = [marks[i] for i in chosen if i in marks]
        once = sa.select(rows).ext(pg.distinct_on(*shown, *rests, rows.c.record)).subquery()
        bits = sum(1 << (len(keys) - 1 - i) for i in range(len(keys)) if i not in chosen)
        members = [
            once.c[f"k{i}"] if i in chosen else sa.cast(sa.null(), keys[i].type) for i in range(len(keys))
        ]
        found = [once.c[m.name] for m in rests]
        made = row(sa.literal(bits, sa.Integer()), members, once, _added(found))
        grouped = [*(once.c[f"k{i}"] for i in chosen), *found]
        return made.group_by(*grouped) if grouped else made

    def _with_rest(self, form: Form, first: Any) -> Any:
        """The rows with the members that are not kept made one: empty, and told by a bit of each group, which is looked at only
        where that group is: a total over it has every record once, whichever members these are of."""
        inner = self._inner
        rests: list[Any] = []
        for i in range(len(self.plan.groups)):
            k = inner.c[f"k{i}"]
            if i in form.kept:
                named, empty = members_kept(i, k.type, first)
                names, none = sa.any_(named), sa.and_(k.is_(None), empty)
                rests.append(sa.not_(sa.or_(sa.func.coalesce(k == names, sa.false()), none)))
            else:
                rests.append(sa.false())
        if form.whole_row:
            rests = [sa.or_(r, rests[0]) if 0 < i < len(self.plan.rows) else r for i, r in enumerate(rests)]
        bits: list[Any] = []
        members: list[Any] = []
        for i, rest in enumerate(rests):
            k = inner.c[f"k{i}"]
            members.append(sa.type_coerce(sa.case((rest, sa.null()), else_=k), k.type).label(f"k{i}"))
            if i in form.kept or (form.whole_row and i < len(self.plan.rows)):
                bit, zero = sa.literal(1 << i, sa.Integer()), sa.literal(0, sa.Integer())
                bits.append(sa.case((rest, bit), else_=zero).label(f"r{i}"))
        others = [c for c in inner.c if not c.name.startswith("k")]
        rows: Any = sa.select(*members, *others, *bits)
        return rows.cte(f"kept{self.number}") if self._distinct else rows.subquery()


def first_of(call: Call, plan: Plan, first: First, number: int, constants: Constants) -> Any:
    """The members of the first group that its figure over everything puts first, WITH a name."""
    base = plan.bases[first.figure]
    alone = replace(plan, rows=plan.rows[:1], columns=(), bases=(base,))
    arm = Arm(call, alone, number, base.sets, [0], constants)
    found = arm.selects(Form("whole", most=sys.maxsize - 1), 0, arm.types)[0]
    return firsts(first, base, found.subquery(f"figured{number}"))


def grouping_sets(plan: Plan) -> list[tuple[int, ...]]:
    """Every subtotal: the first so many row groups with the first so many column groups. Everything first."""
    rows, columns = len(plan.rows), len(plan.columns)
    return [(*range(i), *range(rows, rows + j)) for i in range(rows, -1, -1) for j in range(columns, -1, -1)]


def building_of(call: Call, arm: int = 0) -> Building:
    """A statement of a person: under his row rules and his rights on fields. Arms of one statement have names of their own:
    what is said WITH a name stands before all of them."""
    return Building(
        tables=call.tables,
        rules=rules_of(row_rule, call.model, call.actor),
        fields=partial(field_rule, call.model, call.actor),
        condition=rule_condition,
        languages=call.actor.languages,
        _numbers=count(arm * NAMES),
    )


def _added(bits: Sequence[Any]) -> Column:
    """Bits of several groups as one number."""
    return reduce(add, bits, sa.literal(0, sa.Integer()))
