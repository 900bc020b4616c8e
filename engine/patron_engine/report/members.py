"""Members: which member of a group a row belongs to, as SQL; and the rows that sets lead down to.

In: a row of a statement and a Group. Out: columns. A set is joined once, under its row rule: INNER where the figures run over its
records, LEFT where only a group does (a record without any is under the empty member). Days are those of `zone`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr.functions.periods import PERIOD_START
from patron_engine.expr.sqlparts import decimal
from patron_engine.fields.field import Field
from patron_engine.query.binding import SqlBinding
from patron_engine.query.sets import DEEPEST_TREE, tie, tree_field
from patron_engine.query.source import Row, rule_inside_join
from patron_engine.report.groups import Group
from patron_engine.report.reader import Place
from patron_engine.store.tables import TYPES, Id

Column = sa.ColumnElement[Any]
WALL = sa.DateTime(timezone=False)


class Joins:
    """The rows that sets lead to, from the root of an arm whose figures run over `over`."""

    def __init__(self, binding: SqlBinding, over: tuple[str, ...]) -> None:
        self.binding = binding
        self._over = over
        self._bindings: dict[tuple[str, ...], Any] = {(): binding}
        for depth in range(1, len(over) + 1):
            self.at(over[:depth])

    def row(self, sets: tuple[str, ...]) -> Row:
        row: Row = self.at(sets).row
        return row

    def at(self, sets: tuple[str, ...]) -> Any:
        """The binding of the records at the end of some sets."""
        found = self._bindings.get(sets)
        if found is None:
            found = self._bindings[sets] = self._below(self.at(sets[:-1]), sets)
        return found

    def _below(self, above: Any, sets: tuple[str, ...]) -> Any:
        outer: Row = above.row
        building = outer.building
        found = outer.object.sets[outer.object.aliases.get(sets[-1], sets[-1])]
        here = building.model.objects[found.object]
        building.joined()
        table = building.table(here)
        row = Row(building=building, object=here, table=table, source=outer.source, steps=outer.steps)
        on = [tie(row, found, outer.id), *row.live(voided=False), *rule_inside_join(row)]
        inner = sets == self._over[: len(sets)]
        row.source.from_ = row.source.from_.join(table, sa.and_(*on), isouter=not inner)
        row.source.tables.append(table)
        return above.at(row, foreign=not found.document)

    def value(self, place: Place) -> Column:
        """The value at the end of a place."""
        binding = self.at(place.sets)
        found: Column = binding.column(place.inner)
        return found

    def joined(self, sets: tuple[str, ...], table: Any, on: Any) -> None:
        """One more thing beside the rows, at most one for each."""
        source = self.row(sets).source
        source.from_ = source.from_.outerjoin(table, on)
        source.tables.append(table)


def member_sql(joins: Joins, group: Group, zone: str) -> Column:
    """The member of a group a row belongs to."""
    value = joins.value(group.place)
    if group.spreads:
        return _each(joins, group, value)
    if group.axis.kind == "period":
        return _period(joins.binding, group, value, zone)
    if group.axis.kind == "bucket":
        borders = sa.cast(pg.array([decimal(b) for b in group.axis.buckets]), pg.ARRAY(TYPES["numeric"]))
        return sa.func.width_bucket(sa.cast(value, TYPES["numeric"]), borders, type_=sa.Integer())
    if group.axis.kind == "level":
        return _level(joins, group, value)
    if group.place.type.kind == "text":  # empty texts do not exist; what a case gives may
        return value
    return value


def _each(joins: Joins, group: Group, value: Column) -> Column:
    """Every one of several values: a row for each, one without any."""
    item = value.type.item_type if isinstance(value.type, sa.ARRAY) else TYPES["text"]
    alias = joins.row(()).building.alias()
    each = sa.func.unnest(value).table_valued(sa.column("one", item)).render_derived(name=alias)
    joins.joined(group.place.sets, each, sa.true())
    found: Column = each.c.one
    return found


def _period(binding: Any, group: Group, value: Column, zone: str) -> Column:
    by = group.axis.by
    local: Column = sa.cast(value, WALL)
    if group.place.type.kind == "datetime":
        local = sa.func.timezone(sa.literal(zone, TYPES["text"]), value, type_=WALL)
    if by == "hour":
        return sa.cast(sa.func.date_part(sa.literal("hour", TYPES["text"]), local), sa.Integer())
    if by == "weekday":
        return sa.cast(sa.func.date_part(sa.literal("isodow", TYPES["text"]), local), sa.Integer())
    if by == "day":
        return value if group.place.type.kind == "date" else sa.cast(local, TYPES["date"])
    if by in ("month", "quarter", "year"):
        return sa.cast(sa.func.date_trunc(sa.literal(by, TYPES["text"]), local, type_=WALL), TYPES["date"])
    assert PERIOD_START.sql is not None
    start: Column = PERIOD_START.sql(binding, by, 0, sa.cast(local, TYPES["date"]))
    return start


def _level(joins: Joins, group: Group, value: Column) -> Column:
    """The beginning of a cascade's path; what stands on that level above a record of a tree. What stands higher is itself."""
    assert group.level is not None
    if group.tree is None:
        parts = sa.func.string_to_array(value, sa.literal("/", TYPES["text"]), type_=pg.ARRAY(TYPES["text"]))
        first = parts[1 : group.level]
        return sa.func.array_to_string(first, sa.literal("/", TYPES["text"]), type_=TYPES["text"])
    levels = _levels(joins, group.tree, group.level)
    joins.joined(group.place.sets, levels, levels.c.id == value)
    # Where the tree does not know a record (in the bin), it stands for itself.
    return sa.func.coalesce(levels.c.member, value, type_=Id())


def _levels(joins: Joins, object: str, level: int) -> Any:
    """id -> its ancestor on a level, for every record of a tree."""
    building = joins.row(()).building
    tree = building.model.objects[object]
    link: Field = tree.fields[tree_field(tree)]
    top = building.tables.of(tree).alias(building.alias())
    above = top.c[link.column.name]
    name = building.alias()
    start = sa.select(
        top.c.id.label("id"), top.c.id.label("member"), sa.literal(1, sa.Integer()).label("depth")
    ).where(above.is_(None))
    down = start.cte(f"levels_{name}", recursive=True)
    child = building.tables.of(tree).alias(building.alias())
    deeper = down.c.depth < sa.literal(level, sa.Integer())
    step = (
        sa.select(
            child.c.id,
            sa.case((deeper, child.c.id), else_=down.c.member),
            down.c.depth + sa.literal(1, sa.Integer()),
        )
        .select_from(child)
        .join(down, child.c[link.column.name] == down.c.id)
        .where(down.c.depth < sa.literal(DEEPEST_TREE, sa.Integer()))
    )
    return down.union_all(step)
