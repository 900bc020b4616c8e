"""SQL: a resolved question -> statements. The shape decides the text; every value of the request is a parameter.

In: a Resolved and the frame of the call. Out: `Listing` (rows with their JSON or their cells, and the sort values),
`Counting`. The page is cut in a subquery first; titles and paths are joined to its few rows only. Executes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import When, field_rule, row_rule
from patron_engine.expr.sql import condition_sql
from patron_engine.query import arms, order
from patron_engine.query.binding import SqlBinding, parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.names import Named
from patron_engine.query.parts import Part, narrowed
from patron_engine.query.resolve import Resolved
from patron_engine.query.sets import tie
from patron_engine.query.source import Building, Row, Source, path_steps, rules_of
from patron_engine.query.statement import Statement, compiled
from patron_engine.query.values import Cell, cell_of, end_of, laid_out, masked_cell
from patron_engine.query.wire import wire_column
from patron_engine.store.tables import TYPES, Id

WITHIN, IDS, ID = "within", "ids", "id"
SEARCHED = "searched"
MAX_GROUPS = 500  # rows of one answer of figures, those with most records first
FIGURES: Mapping[str, Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]] = {
    "sum": sa.func.sum, "avg": sa.func.avg, "min": sa.func.min, "max": sa.func.max, "count": sa.func.count,
}  # fmt: skip
Form = Literal["json", "typed"]
Decode = Callable[[tuple[Any, ...]], Any]
Conditions = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a statement depends on besides the names: never a value.

    limit   rows at most; None for all. Written out: a plan for "some number of rows" is never as good
    words   for every run of the search the number of its alternatives
    after   which sort values of the cursor are empty; None for the first page
    part    only some of the records, by their first sort key (parts.py)
    """

    form: Form
    limit: int | None = None
    words: tuple[int, ...] = ()
    after: tuple[bool, ...] | None = None
    ids: bool = False
    one: bool = False
    part: Part | None = None


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
    binding = SqlBinding(row=building.root(question.object.name), ruled=True)
    keys = order.sort_keys(binding, question.sort)
    page = _cut(binding, question, shape, keys)
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
        chosen = chosen.where(*_conditions(outer, question, shape))
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
    conditions = _conditions(binding, question, shape, rule)
    return sa.select(sa.func.count().label("count")).select_from(binding.row.source.from_).where(*conditions)


def figuring(
    call: Call, question: Resolved, shape: Shape, measures: Sequence[tuple[str, str]], by: str | None
) -> Statement:
    """Figures over the whole question, each (function, path), after the number of records; `by` gathers: its value stands
    first. Values are cut out before: one that is computed with parameters stands in the text once."""
    building = _building(call)
    binding = SqlBinding(row=building.root(question.object.name), ruled=True)
    conditions = _conditions(binding, question, replace(shape, after=None))
    group = binding.value(binding.row, path_steps(by)) if by is not None else sa.null()
    each = [
        binding.value(binding.row, path_steps(path)).label(f"f{n}") for n, (_, path) in enumerate(measures)
    ]
    inner = sa.select(group.label("value"), *each).select_from(binding.row.source.from_).where(*conditions)
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


def _cut(
    binding: SqlBinding, question: Resolved, shape: Shape, keys: Sequence[order.SortKey]
) -> sa.Select[Any]:
    """The rows of one page with all their columns and sort values."""
    row = binding.row
    columns = [*row.table.c, *(key.column.label(f"k{i}") for i, key in enumerate(keys))]
    rule = row.ruled()
    reasons = arms.arms_of(rule)
    if len(reasons) < 2 or shape.limit is None:
        return _sorted(binding, question, shape, keys, rule).with_only_columns(*columns)
    branches = [_sorted(binding, question, shape, keys, [arm]) for arm in reasons]
    first = sa.select(*columns).select_from(row.source.from_).where(arms.gathered(row.id, branches))
    return first.order_by(*(key.order(key.column) for key in keys)).limit(sa.literal(shape.limit))


def _sorted(
    binding: SqlBinding, question: Resolved, shape: Shape, keys: Sequence[order.SortKey], rule: Conditions
) -> sa.Select[Any]:
    """The rows of one page under a row rule, in order, cut at the limit; which columns is for the caller to say."""
    conditions = _conditions(binding, question, shape, rule)
    sorted_by = keys
    if shape.part is not None:
        few, sorted_by = narrowed(shape.part, keys)
        conditions += few
    if shape.after is not None:
        # keys that are the same all over the part say nothing of the place in it
        place = len(keys) - len(sorted_by)
        conditions.append(order.after(sorted_by, shape.after[place:], place))
    return (
        sa.select(binding.row.id)
        .select_from(binding.row.source.from_)
        .where(*conditions)
        .order_by(*(key.order(key.column) for key in sorted_by))
        .limit(None if shape.limit is None else sa.literal(shape.limit))
    )


def _conditions(
    binding: SqlBinding, question: Resolved, shape: Shape, rule: Conditions | None = None
) -> list[sa.ColumnElement[bool]]:
    """Which rows: living or deleted, voided or not, his to read (`rule`: an arm of that), and what was asked."""
    row, ask = binding.row, question.ask
    found: list[sa.ColumnElement[bool]] = []
    deleted_at = row.table.c["deleted_at"]
    found.append(deleted_at.is_not(None) if ask.deleted else deleted_at.is_(None))
    if "void" in question.object.features and ask.voided != "yes" and not shape.one:
        voided_at = row.table.c["voided_at"]
        found.append(voided_at.is_not(None) if ask.voided == "only" else voided_at.is_(None))
    found.extend(row.ruled() if rule is None else rule)
    if ask.acts != "read":
        found.extend(row.ruled(ask.acts))
    if shape.one:
        found.append(row.id == parameter(ID, Id()))
    if shape.ids:
        found.append(row.id == sa.any_(parameter(IDS, pg.ARRAY(Id()))))
    if question.within is not None:
        found.append(tie(row, question.within, parameter(WITHIN, Id())))
    if question.where is not None:
        constants = question.shape.given if question.shape is not None else None
        found.append(condition_sql(question.where, replace(binding, constants=constants)))
    found.extend(_searched(row, question, run, ways) for run, ways in enumerate(shape.words))
    return found


def _searched(row: Row, question: Resolved, run: int, ways: int) -> sa.ColumnElement[bool]:
    """One run of the search words is found in a searched field, one way or another."""
    table = row.building.tables.system(
        "sys__search", object="text", record="uuid", field="text", tokens="text[]"
    ).alias(row.building.alias())
    tokens = [
        table.c.tokens.contains(parameter(f"{SEARCHED}.{run}.{way}", pg.ARRAY(TYPES["text"])))
        for way in range(ways)
    ]
    fields = sa.any_(parameter(SEARCHED, pg.ARRAY(TYPES["text"])))
    found = sa.select(table.c.record).where(
        table.c.object == sa.literal(question.object.name, TYPES["text"]),
        table.c.field == fields,
        sa.or_(*tokens),
    )
    return row.id.in_(found.correlate_except(table))


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
