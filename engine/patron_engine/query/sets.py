"""Sets: roll-ups and aggregates as correlated subqueries: a figure over the records of a set, for each row.

In: the binding of the row that has the set, and a roll-up or an aggregate of an expression. Out: one SQL value: sum and
count of nothing are 0, the others empty; what is in the recycle bin or voided does not count; empties are skipped.

In the condition and the value bare names are the set's records, `this.` is the row that has the set. An aggregate of a
person's request counts only rows he may read; a definition's figure is over all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr.sql import condition_sql, to_sql
from patron_engine.fields.field import Rollup
from patron_engine.model.model import LINKS, LinkSet, Object
from patron_engine.phrases import Phrase
from patron_engine.query.source import Row, Source, path_steps
from patron_engine.store.tables import TYPES, Id

DECIMALS = 10  # of an average
SEPARATOR = ", "  # of concat
LONGEST_CONCAT = 10_000
DEEPEST_TREE = 50


class Binding(Protocol):
    """What this module needs of binding.SqlBinding, which imports it."""

    row: Row
    roots: Any
    ruled: bool
    money: Any

    def value(self, row: Row, steps: tuple[str, ...]) -> sa.ColumnElement[Any]: ...


@dataclass(frozen=True, slots=True)
class Members:
    """The records of a set as rows of a subquery: `binding` reads them, `where` ties them to the outer row."""

    binding: Any
    where: tuple[sa.ColumnElement[bool], ...]

    @property
    def row(self) -> Row:
        row: Row = self.binding.row
        return row

    def select(self, value: sa.ColumnElement[Any], outer: Row) -> sa.Select[Any]:
        """Built last: everything the value and the conditions join stands in the FROM by then."""
        source = self.row.source
        inner = [source.from_, *_leaves(source)]
        return sa.select(value).select_from(source.from_).where(*self.where).correlate_except(*inner)


def rollup_sql(binding: Any, rollup: Rollup) -> sa.ColumnElement[Any]:
    """A computed roll-up of the binding's row."""
    members = members_of(binding, rollup.path, deep=rollup.deep)
    if rollup.where is not None:
        members = replace(members, where=(*members.where, condition_sql(rollup.where, members.binding)))
    steps = tuple((rollup.field or "id").split("."))
    value = members.binding.value(members.row, steps) if rollup.field else members.row.id
    order = [_order(members.binding.value(members.row, tuple(p.split("."))), d) for p, d in rollup.sort]
    return _figure(members, rollup.function, value, order, binding.row)


def aggregate_sql(binding: Any, node: Any) -> sa.ColumnElement[Any]:
    """COUNT(quotes, …), SUM(payments, amount, …) of an expression. `this` is the row it stands in, whoever owns the set."""
    this = binding.roots.get("this", binding.row)
    binding = _base(replace(binding, roots={**binding.roots, "this": this}), node.base)
    members = members_of(binding, tuple(node.sets))
    if node.condition is not None:
        members = replace(members, where=(*members.where, condition_sql(node.condition, members.binding)))
    value = to_sql(node.value, members.binding) if node.value is not None else members.row.id
    function = {"average": "avg"}.get(node.function.lower(), node.function.lower())
    return _figure(members, function, value, [], binding.row)


def _base(binding: Any, path: str) -> Any:
    """The binding of the record that owns the set: the row itself, `this`, or what a path of links leads to."""
    if not path:
        return binding
    steps = path_steps(path)
    if steps[0] in binding.roots:
        root = binding.roots[steps[0]]
        assert isinstance(root, Row), f"{path}: a set is asked of a row of the statement"
        binding, steps = binding.at(root), steps[1:]
    for step in steps:
        binding = binding.across(binding.row, binding.row.object.fields[step], None)
    return binding


def members_of(binding: Any, path: Sequence[str], *, deep: bool = False) -> Members:
    """The records at the end of a path of sets (`orders.lines`), tied to the binding's row."""
    outer: Row = binding.row
    building = outer.building
    row: Row | None = None
    where: list[sa.ColumnElement[bool]] = []
    here = outer.object
    same_document = True
    for name in path:
        found = here.sets[here.aliases.get(name, name)]
        same_document = same_document and found.document
        here = building.model.objects[found.object]
        if row is None:
            row = building.root(found.object)
            where.append(tie(row, found, _deep(outer, found) if deep else outer.id))
        else:
            before = row
            building.joined()
            table = building.table(here)
            row = Row(building=building, object=here, table=table, source=before.source)
            row.source.from_ = row.source.from_.join(table, tie(row, found, before.id))
            row.source.tables.append(table)
        where.extend(row.live(voided=False))
        if binding.ruled:
            where.extend(row.ruled())
    assert row is not None
    money = binding.money if same_document else "base"
    child = replace(binding, row=row, roots={"this": outer, **binding.roots}, money=money)
    return Members(binding=child, where=tuple(where))


def tie(row: Row, found: LinkSet, parents: Any) -> sa.ColumnElement[bool]:
    """`row` belongs to the set: its link points at the parent. `parents` is an id or a subquery of ids."""
    link = row.object.fields[found.field]

    def points(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return column.in_(parents) if isinstance(parents, sa.Select) else column == parents

    if found.many:
        table = row.building.tables.link(link).alias(row.building.alias())
        return sa.exists(
            sa.select(table.c.record)
            .where(table.c.record == row.id, points(table.c.target))
            .correlate_except(table)
        )
    tied = points(row.column(link))
    if link.link.several:
        tied = sa.and_(tied, row.column(link, "object") == sa.literal(found.owner, sa.Text()))
    return tied


def _deep(outer: Row, found: LinkSet) -> sa.Select[Any]:
    """The row and everything below it in its object's tree, as a subquery of ids."""
    tree = tree_field(outer.object, found)
    below = tree_ids(outer, tree, outer.id)
    return sa.select(below.c.id).correlate(outer.table)


def tree_field(object: Object, found: LinkSet | None = None) -> str:
    """The field that makes a tree of an object: the set's own link where it is one, else the link marked `tree`."""
    if found is not None and found.object == object.name and not found.many:
        return found.field
    for field in object.fields.values():
        if field.type in LINKS and field.link.tree:
            return field.name
    raise LookupError(Phrase("{object} has no link with tree: true", object=object.name))


def tree_ids(outer: Row, tree: str, top: sa.ColumnElement[Any]) -> sa.CTE:
    """`top` and the ids below it, at most `DEEPEST_TREE` levels: a cycle that slipped in ends there."""
    building = outer.building
    name = building.alias()
    start = sa.select(sa.cast(top, Id()).label("id"), sa.cast(sa.literal(0), sa.BigInteger()).label("depth"))
    below = start.correlate(outer.table).cte(f"tree_{name}", recursive=True, nesting=True)
    child = building.tables.of(outer.object).alias(building.alias())
    link = outer.object.fields[tree].column.name
    step = (
        sa.select(child.c.id, below.c.depth + 1)
        .select_from(child)
        .join(below, child.c[link] == below.c.id)
        .where(child.c.deleted_at.is_(None), below.c.depth < DEEPEST_TREE)
    )
    return below.union(step)


def _figure(
    members: Members, function: str, value: sa.ColumnElement[Any], order: list[Any], outer: Row
) -> sa.ColumnElement[Any]:
    """The figure over the members."""
    if function in ("first", "last"):
        row = members.row
        keys = order or [_order(row.table.c["created_at"], False)]
        keys = [*keys, row.id.asc()]
        if function == "last":
            keys = [_reverse(k) for k in keys]
        chosen = replace(members, where=(*members.where, value.is_not(None)))
        return chosen.select(value, outer).order_by(*keys).limit(sa.literal(1)).scalar_subquery()
    figure: sa.ColumnElement[Any]
    if function == "count":
        figure = sa.func.count(value, type_=sa.BigInteger())
    elif function == "count_distinct":
        figure = sa.func.count(sa.distinct(value), type_=sa.BigInteger())
    elif function == "sum":
        figure = sa.func.coalesce(sa.func.sum(value), sa.literal(0, sa.Numeric()), type_=sa.Numeric())
    elif function == "avg":
        figure = sa.func.round(sa.func.avg(value), sa.literal(DECIMALS, sa.Integer()), type_=sa.Numeric())
    elif function in ("min", "max"):
        figure = (sa.func.min if function == "min" else sa.func.max)(value, type_=value.type)
    else:
        text = sa.cast(value, TYPES["text"])
        keys = [*order, members.row.id.asc()]
        joined = sa.func.string_agg(text, pg.aggregate_order_by(sa.literal(SEPARATOR, sa.Text()), *keys))
        figure = sa.func.left(joined, sa.literal(LONGEST_CONCAT, sa.Integer()), type_=TYPES["text"])
    return members.select(figure, outer).scalar_subquery()


def _order(value: sa.ColumnElement[Any], descending: bool) -> Any:
    return value.desc().nulls_last() if descending else value.asc().nulls_last()


def _reverse(key: Any) -> Any:
    """The same order from the other end; empties still last."""
    operator = key.modifier.__name__
    if operator == "nulls_last_op":
        return _reverse(key.element).nulls_last()
    return key.element.asc() if operator == "desc_op" else key.element.desc()


def _leaves(source: Source) -> list[sa.FromClause]:
    """Every table in a FROM, its root included."""
    found = list(source.tables)
    here = source.from_
    while isinstance(here, sa.Join):
        here = here.left
    return [here, *found]
