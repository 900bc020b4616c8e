"""Choices: a page of records in some states, in the order of something else, asked state by state.

In: a resolved question, its condition as SQL. Out: arms like those of a row rule (arms.py), one for each option of a choice, for an
index that begins with the choice and goes on with what the page is sorted by.

"Open and overdue, oldest first" has an index on the day, whose oldest hundred thousands are closed, and one on stage and day, which
sorts nothing while several stages are asked at once. Each stage by itself is sorted by it: the page is the first of their first rows.
Which options are asked for is a value of the request, so every option has its arm; those that were not asked for end before they begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.operators import and_
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from patron_engine.fields.field import Field
from patron_engine.query.arms import MAX_ARMS
from patron_engine.query.order import by_place, stored_options
from patron_engine.query.resolve import Resolved
from patron_engine.query.source import Row
from patron_engine.store.tables import TYPES

Condition = sa.ColumnElement[bool]


def choice_of(question: Resolved) -> Field | None:
    """The choice an index begins with that goes on with the first sort key, where the condition asks for a choice at all."""
    if question.where is None or not question.sort or question.ask.deleted:
        return None
    fields, key = question.object.fields, question.sort[0].path.key
    for declared in question.object.indexes:
        names = [name for name, _ in declared.fields]
        first = fields.get(names[0]) if len(names) > 1 and fields.get(key) is fields.get(names[1]) else None
        asked = first is not None and {first.name, *first.aliases} & set(question.where.paths)
        if first is not None and asked and by_place(first) and 0 < len(stored_options(first)) < MAX_ARMS:
            return first
    return None


def apart(row: Row, choice: Field, asked: Condition) -> tuple[Condition, ...]:
    """An arm for each option, and one for what is none; nothing where the condition does not ask for the choice by itself."""
    column = row.column(choice)
    gates = [clause for clause in _flat(asked) if _of(row, clause) == {column.key}]
    if not gates or row.building.tables.collation is not None:
        return ()
    options = stored_options(choice)
    arms = [
        sa.and_(column == stored, *(_put(clause, column, stored) for clause in gates))
        for stored in (sa.literal(option, TYPES["text"]) for option in options)
    ]
    return (*arms, sa.or_(column.is_(None), *_between(column, sorted(options))))


def _flat(condition: Condition) -> Iterator[Condition]:
    inner = condition.element if isinstance(condition, sa.sql.elements.Grouping) else condition
    if isinstance(inner, BooleanClauseList) and inner.operator is and_:
        for clause in inner.clauses:
            yield from _flat(clause)
    else:
        yield condition


def _of(row: Row, clause: Condition) -> set[Any]:
    """The columns of the record a clause speaks of; with what no record has where it asks other tables."""
    found: set[Any] = set()
    for part in iterate(clause):
        if isinstance(part, sa.sql.expression.SelectBase):
            return {None}
        if isinstance(part, sa.sql.expression.ColumnClause):
            found.add(part.key if part.table is row.table else None)
    return found


def _put(clause: Condition, column: sa.ColumnElement[Any], stored: sa.ColumnElement[Any]) -> Condition:
    """A clause with a value in place of the column: the database decides it once, before it reads a row."""

    def replace(part: Any, **_: Any) -> Any:
        return stored if part is column else None

    put: Condition = replacement_traverse(clause, {}, replace)  # type: ignore[call-overload]
    return put


def _between(column: sa.ColumnElement[Any], options: list[str]) -> Iterator[Condition]:
    """What is none of the options, as ranges an index can look up. Texts are compared by code point, here as there."""
    texts = [sa.literal(option, TYPES["text"]) for option in options]
    yield column < texts[0]
    for below, above in pairwise(texts):
        yield sa.and_(column > below, column < above)
    yield column > texts[-1]
