"""Rows: which rows a statement is about, and of a page the first of them in order.

In: a row of a statement under construction, a resolved question, its shape. Out: conditions; the rows of one page with their
sort values, each found as `Shape.way` says (walking.py). A row rule of several reasons is asked reason by reason (arms.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr.nodes import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.query import arms, order
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.choices import apart, choice_of
from patron_engine.query.parts import Part, narrowed
from patron_engine.query.resolve import Resolved
from patron_engine.query.sets import tie
from patron_engine.query.source import Row, Source
from patron_engine.query.walking import LOOKED, WALKED, Way
from patron_engine.store.tables import TYPES, Id

WITHIN, IDS, ID = "within", "ids", "id"
SEARCHED = "searched"
Form = Literal["json", "typed"]
Conditions = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a statement depends on besides the names: never a value.

    limit   rows at most; None for all. Written out: a plan for "some number of rows" is never as good
    words   for every run of the search the number of its alternatives
    after   which sort values of the cursor are empty; None for the first page
    part    only some of the records, by their first sort key (parts.py)
    way     how the rows under a row rule are found (walking.py); None: as the database sees fit
    apart   a choice the condition asks for is asked option by option (choices.py)
    """

    form: Form
    limit: int | None = None
    words: tuple[int, ...] = ()
    after: tuple[bool, ...] | None = None
    ids: bool = False
    one: bool = False
    part: Part | None = None
    way: Way | None = None
    apart: bool = False


def cut(
    binding: SqlBinding, question: Resolved, shape: Shape, keys: Sequence[order.SortKey]
) -> sa.Select[Any]:
    """The rows of one page with all their columns and sort values."""
    if shape.way == "walk":
        binding = _window(binding, question, shape, keys)
        question, shape = replace(question, where=None), replace(shape, after=None)
        keys = order.sort_keys(binding, question.sort)
    row = binding.row
    columns = [*row.table.c, *(key.column.label(f"k{i}") for i, key in enumerate(keys))]
    rule = row.ruled()
    reasons = arms.arms_of(rule) or _options(binding, question, shape)
    whole = len(reasons) < (1 if shape.way else 2)
    if shape.way == "walk" or shape.limit is None or (whole and not _scanned(question, shape)):
        return _sorted(binding, question, shape, keys, rule).with_only_columns(*columns)
    each: Sequence[Conditions] = [rule] if whole else [[arm] for arm in reasons]
    branches = [_sorted(binding, question, shape, keys, conditions) for conditions in each]
    first = sa.select(*columns).select_from(row.source.from_).where(arms.gathered(row.id, branches))
    return first.order_by(*(key.order(key.column) for key in keys)).limit(sa.literal(shape.limit))


def _scanned(question: Resolved, shape: Shape) -> bool:
    """Whether no index has the order of the page: then it is sorted by few columns, and all others are read of its rows only, for
    every column of a row that is sorted has to be taken apart."""
    if shape.part is not None:
        return shape.part.kind in ("beyond", "lately")
    return bool(question.sort) and question.sort[0].path.key not in ("id", "created_at")


def _options(binding: SqlBinding, question: Resolved, shape: Shape) -> Conditions:
    choice = choice_of(question) if shape.apart else None
    if choice is None or question.where is None:
        return ()
    return apart(binding.row, choice, _asked(binding, question, question.where))


def _window(
    binding: SqlBinding, question: Resolved, shape: Shape, keys: Sequence[order.SortKey]
) -> SqlBinding:
    """The first records in order, whosever they are, of those that were asked for; as the rows that are ruled."""
    few, sorted_by = _placed(shape, keys)
    most = WALKED if question.where is None else LOOKED
    looked_at = _first_of(binding, [*binding.row.live(), *few], sorted_by, most)
    if question.where is None:
        return looked_at
    asked = _asked(looked_at, question, question.where)
    _, sorted_by = _placed(replace(shape, after=None), order.sort_keys(looked_at, question.sort))
    return _first_of(looked_at, [asked], sorted_by, WALKED)


def _first_of(
    binding: SqlBinding, conditions: Conditions, sorted_by: Sequence[order.SortKey], most: int
) -> SqlBinding:
    row = binding.row
    rows = sa.select(*row.table.c).select_from(row.source.from_).where(*conditions)
    ordered = rows.order_by(*(key.order(key.column) for key in sorted_by)).limit(sa.literal(most))
    window = ordered.subquery(row.building.alias())
    return replace(binding, row=replace(row, table=window, source=Source(from_=window)))


def _placed(
    shape: Shape, keys: Sequence[order.SortKey]
) -> tuple[list[sa.ColumnElement[bool]], Sequence[order.SortKey]]:
    """The conditions that say where in the order a page begins and in which part of it, and what sorts that part."""
    few: list[sa.ColumnElement[bool]] = []
    sorted_by = keys
    if shape.part is not None:
        few, sorted_by = narrowed(shape.part, keys)
    if shape.after is not None:
        # keys that are the same all over the part say nothing of the place in it
        place = len(keys) - len(sorted_by)
        few.append(order.after(sorted_by, shape.after[place:], place))
    return few, sorted_by


def _sorted(
    binding: SqlBinding, question: Resolved, shape: Shape, keys: Sequence[order.SortKey], rule: Conditions
) -> sa.Select[Any]:
    """The rows of one page under a row rule, in order, cut at the limit; which columns is for the caller to say."""
    few, sorted_by = _placed(shape, keys)
    conditions = [*conditions_of(binding, question, shape, rule), *few]
    found = sa.select(binding.row.id).select_from(binding.row.source.from_).where(*conditions)
    columns = [key.column for key in sorted_by]
    if shape.way == "gather" and any(arms.follows(reason) for reason in rule):
        found, columns = arms.fenced(binding.row.id, found, columns, binding.building.alias())
    ordered = found.order_by(*(key.order(c) for key, c in zip(sorted_by, columns, strict=True)))
    return ordered.limit(None if shape.limit is None else sa.literal(shape.limit))


def conditions_of(
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
        found.append(_asked(binding, question, question.where))
    found.extend(_searched(row, question, run, ways) for run, ways in enumerate(shape.words))
    return found


def _asked(binding: SqlBinding, question: Resolved, where: Expression) -> sa.ColumnElement[bool]:
    """The condition of the request, its constants as parameters."""
    constants = question.shape.given if question.shape is not None else None
    return condition_sql(where, replace(binding, constants=constants))


def _searched(row: Row, question: Resolved, run: int, ways: int) -> sa.ColumnElement[bool]:
    """One run of the search words is found in a searched field, one way or another. A field that is his on some records only is
    searched on these."""
    ruled: list[sa.ColumnElement[bool]] = []
    for name in question.object.search:
        field = row.object.fields.get(row.object.aliases.get(name, name))
        reads = row.reads(field) if field is not None and name not in question.search else None
        if reads is not None and not isinstance(reads, sa.sql.elements.False_):
            ruled.append(sa.and_(reads, _holds(row, question, run, ways, sa.literal(name, TYPES["text"]))))
    always = _holds(row, question, run, ways, sa.any_(parameter(SEARCHED, pg.ARRAY(TYPES["text"]))))
    return sa.or_(always, *ruled)


def _holds(
    row: Row, question: Resolved, run: int, ways: int, field: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    table = row.building.tables.system(
        "sys__search", object="text", record="uuid", field="text", tokens="text[]"
    ).alias(row.building.alias())
    tokens = [
        table.c.tokens.contains(parameter(f"{SEARCHED}.{run}.{way}", pg.ARRAY(TYPES["text"])))
        for way in range(ways)
    ]
    found = sa.select(table.c.record).where(
        table.c.object == sa.literal(question.object.name, TYPES["text"]),
        table.c.field == field,
        sa.or_(*tokens),
    )
    return row.id.in_(found.correlate_except(table))
