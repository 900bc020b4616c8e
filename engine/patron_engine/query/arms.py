"""Arms: a row rule that holds for one of several reasons, asked reason by reason.

In: the conditions of a row rule. Out: its arms, one for each reason, and the ids of a page gathered over them.

"Mine, or given to me, or of my queue" has no index as one condition: the database walks the whole table and asks each row. Each
arm by itself has one, and its own best plan: what few records are given to somebody is looked up, what most of the table fits is
walked in order. So a page takes the first rows of every arm and the first of those; a count adds up the arms, each without what
those before it have counted. Such a statement is planned for the person who asks: one manager has 4 people, another 400.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.operators import or_

from patron_engine.store.tables import Id

MAX_ARMS: Final = 12  # past it the rule is asked as one condition: planning would cost more than it saves

Condition = sa.ColumnElement[bool]


def arms_of(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The reasons for which a rule holds; one that is no choice is its only arm, a rule of no condition has none."""
    if not conditions:
        return ()
    if len(conditions) > 1:
        return (sa.and_(*conditions),)
    found = tuple(_flat(conditions[0])) or (sa.false(),)
    return found if len(found) <= MAX_ARMS else (conditions[0],)


def _flat(condition: Condition) -> list[Condition]:
    inner = condition.element if isinstance(condition, sa.sql.elements.Grouping) else condition
    if isinstance(inner, BooleanClauseList) and inner.operator is or_:
        return [arm for clause in inner.clauses for arm in _flat(clause)]
    return [] if isinstance(inner, sa.sql.elements.False_) else [condition]


def gathered(id: sa.ColumnElement[Any], branches: Sequence[sa.Select[Any]]) -> Condition:
    """The row is among the first of one of the branches, each a select of ids that is sorted and cut like the page. They name
    their tables as the page does, and are complete in themselves."""
    all_of_them = sa.union_all(*(branch.correlate(None) for branch in branches)).scalar_subquery()
    return id == sa.any_(sa.func.array(all_of_them, type_=pg.ARRAY(Id())))


def fenced(
    id: sa.ColumnElement[Any], rows: sa.Select[Any], keys: Sequence[sa.ColumnElement[Any]], name: str
) -> tuple[sa.Select[Any], list[sa.ColumnElement[Any]]]:
    """The ids of rows and their sort values from behind a fence: all of them are found in the best way for all of them,
    since nobody knows how far a walk in their order would go before it has met a few."""
    labelled = [key.label(f"k{n}") for n, key in enumerate(keys)]
    inside = (
        rows.with_only_columns(id.label("id"), *labelled).offset(sa.literal(0, sa.Integer())).subquery(name)
    )
    return sa.select(inside.c.id), [inside.c[f"k{n}"] for n in range(len(keys))]


def follows(arm: Condition) -> bool:
    """Whether an arm asks other tables."""
    return any(isinstance(part, sa.sql.expression.SelectBase) for part in sa.sql.visitors.iterate(arm))


def added_up(counts: Sequence[sa.Select[Any]]) -> sa.Select[Any]:
    """The sum of the arms' counts."""
    total: sa.ColumnElement[Any] = counts[0].correlate(None).scalar_subquery()
    for count in counts[1:]:
        total = total + count.correlate(None).scalar_subquery()
    return sa.select(total.label("count"))


def alone(arms: Sequence[Condition], number: int) -> list[Condition]:
    """The condition of one arm without the rows of those before it."""
    before = [arm.is_not(sa.true()) for arm in arms[:number]]
    return [arms[number], *before]
