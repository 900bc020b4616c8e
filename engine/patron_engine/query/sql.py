"""SQL: a resolved question -> statements. The shape decides the text; every value of the request is a parameter.

In: a Resolved and the frame of the call. Out: `Listing` (rows with their JSON or their cells, and the sort values),
`Counting`. The page is cut in a subquery first; titles and paths are joined to its few rows only. Executes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import When, field_rule, row_rule
from patron_engine.query import arms, order
from patron_engine.query.binding import SqlBinding, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.names import Named
from patron_engine.query.resolve import Resolved
from patron_engine.query.rows import Conditions, Form, Shape, conditions_of, cut
from patron_engine.query.source import Building, Source, path_steps, rules_of
from patron_engine.query.statement import Statement, compiled
from patron_engine.query.values import Cell, cell_of, end_of, laid_out, masked_cell
from patron_engine.query.wire import wire_column
from patron_engine.store.tables import TYPES

MAX_GROUPS = 500  # rows of one answer of figures, those with most records first
FIGURES: Mapping[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = {
    "sum": sa.func.sum, "avg": sa.func.avg, "min": sa.func.min, "max": sa.func.max, "count": sa.func.count,
}  # fmt: skip
Decode = Callable[[tuple[Any, ...]], Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """`keys` sort values begin each row; in form json its JSON follows; then the cells of `named`, where `decoders`
    (of the JSON too) say."""

    statement: Statement
    keys: int
    named: tuple[Named, ...]
    decoders: tuple[tuple[int, int, Decode | None], ...]


def listing(call: Call, question: Resolved, shape: Shape) -> Listing:
    """The statement of a page, or of one record, whose only "sort value" is its version."""
    building = _building(call)
    building.by_row = shape.way == "walk"
    binding = SqlBinding(row=building.root(question.object.name), ruled=True)
    keys = order.sort_keys(binding, question.sort)
    page = cut(binding, question, shape, keys)
    if shape.one:
        outer = binding
        outside = [binding.row.table.c["version"]]
    else:
        inner = page.subquery(building.alias())
        outer = SqlBinding(row=replace(binding.row, table=inner, source=Source(from_=inner)), ruled=True)
        outside = [inner.c[f"k{i}"] for i in range(len(keys))]
    # People see amounts as they were entered; what is compared and sorted above is the workspace's currency.
    cells, named = _shown(replace(outer, money="own"), question, shape.form)
    columns, decoders = laid_out(cells, start=len(outside))
    chosen = sa.select(*(c.label(f"s{i}") for i, c in enumerate(outside)), *columns)
    chosen = chosen.select_from(outer.row.source.from_)
    if shape.one:
        chosen = chosen.where(*conditions_of(outer, question, shape))
    else:
        chosen = chosen.order_by(*(key.order(c) for key, c in zip(keys, outside, strict=True)))
    skewed = isinstance(row_rule(call.model, call.actor, "read", question.object.name), When)
    statement = compiled(chosen, call.model.release, each_time=not shape.one and skewed)
    return Listing(statement, len(outside), named, decoders)


def counting(call: Call, question: Resolved, shape: Shape) -> Statement:
    """How many records the whole question has; also what an estimate explains."""
    building = _building(call)
    binding = SqlBinding(row=building.root(question.object.name), ruled=True)
    whole = replace(shape, after=None)
    rule = binding.row.ruled()
    reasons = arms.arms_of(rule)
    if len(reasons) < 2:
        return compiled(_counted(binding, question, whole, rule), call.model.release)
    each = [_counted(binding, question, whole, arms.alone(reasons, n)) for n in range(len(reasons))]
    return compiled(arms.added_up(each), call.model.release, each_time=True)


def _counted(binding: SqlBinding, question: Resolved, shape: Shape, rule: Conditions) -> sa.Select[Any]:
    conditions = conditions_of(binding, question, shape, rule)
    return sa.select(sa.func.count().label("count")).select_from(binding.row.source.from_).where(*conditions)


def figuring(
    call: Call,
    question: Resolved,
    shape: Shape,
    measures: Sequence[tuple[str, str]],
    by: str | None,
    newest: int | None = None,
) -> Statement:
    """Figures over the whole question, each (function, path), after the number of records; `by` gathers: its value stands
    first. Values are cut out before: one that is computed with parameters stands in the text once. `newest`: only over so
    many records, the last ones made."""
    building = _building(call)
    binding = SqlBinding(row=building.root(question.object.name), ruled=True)
    conditions = conditions_of(binding, question, replace(shape, after=None))
    group = binding.value(binding.row, path_steps(by)) if by is not None else sa.null()
    each = [
        binding.value(binding.row, path_steps(path)).label(f"f{n}") for n, (_, path) in enumerate(measures)
    ]
    inner = sa.select(group.label("value"), *each).select_from(binding.row.source.from_).where(*conditions)
    if newest is not None:
        made = binding.row.column(question.object.fields["created_at"])
        inner = inner.order_by(made.desc(), binding.row.id.desc()).limit(sa.literal(newest))
    rows = inner.subquery(building.alias())
    value = rows.c.value if by is not None else sa.null().label("value")
    count = sa.func.count().label("count")
    figures = [FIGURES[function](rows.c[f"f{n}"]) for n, (function, _) in enumerate(measures)]
    chosen = sa.select(value, count, *figures).select_from(rows)
    if by is not None:
        chosen = chosen.group_by(value).order_by(count.desc()).limit(sa.literal(MAX_GROUPS))
    return compiled(chosen, call.model.release)


def _building(call: Call) -> Building:
    """A statement of a person: under his row rules and his rights on fields."""
    rules = rules_of(row_rule, call.model, call.actor)
    fields = partial(field_rule, call.model, call.actor)
    return Building(
        tables=call.tables,
        rules=rules,
        fields=fields,
        condition=rule_condition,
        languages=call.actor.languages,
    )


def _shown(binding: SqlBinding, question: Resolved, form: Form) -> tuple[list[Cell], tuple[Named, ...]]:
    """What each row answers, and the names its cells have: in form json one JSON text, then a cell for each name that
    only Python can write (encrypted values); in form typed a cell for every name, for a file with masks."""
    shown = question.shown
    if form == "typed":
        cell = masked_cell if question.ask.acts == "export" else cell_of
        return [cell(binding, named.key) for named in shown], tuple(shown)
    columns: dict[str, sa.ColumnElement[Any]] = {}
    sealed = []
    for named in shown:
        column = _wire(binding, named)
        if column is None:
            sealed.append(named)
        else:
            columns[named.key] = column
    cells = [Cell((_record(binding, columns),), None), *(cell_of(binding, named.key) for named in sealed)]
    return cells, tuple(sealed)


def _wire(binding: SqlBinding, named: Named) -> sa.ColumnElement[Any] | None:
    steps = path_steps(named.key)
    if named.end == "virtual":
        return binding.value(binding.row, steps)
    if len(steps) == 2 and steps[1] == "id" and named.field is not None and named.field.type == "id":
        link = binding.row.object.fields[steps[0]]
        if link.columns and not link.link.several:
            return binding.guarded(binding.row, link, binding.row.column(link))
    found = end_of(binding, binding.row, steps)
    if found is None:
        return _part(binding, steps)
    inner, row, field = found
    return wire_column(inner, row, field)


def _part(binding: SqlBinding, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
    value = binding.value(binding.row, steps)
    if isinstance(value.type, sa.Numeric):
        return sa.cast(sa.func.trim_scale(value), TYPES["text"])
    return value


def _record(binding: SqlBinding, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """One JSON object of the row as text."""
    if not columns:
        return sa.literal("{}", TYPES["text"])
    source = binding.row.source
    inner = sa.select(*(c.label(name) for name, c in columns.items()))
    alias = binding.building.alias()
    made = inner.correlate(binding.row.table, *source.tables).subquery(alias)
    return sa.cast(sa.select(sa.func.row_to_json(made.table_valued())).scalar_subquery(), TYPES["text"])
