"""Select: which records a step means: those of a set, of an object, that fit a condition; the first of them, or all.

In: a condition whose bare names are the candidates', values of the run for its other names. Out: ids, for each run, in one
round trip. Definitions see all rows; what is in the recycle bin or voided is no candidate. An empty value names nobody: where a
candidate's field is to equal a value of the run, an empty one fits none, not those without (`sought`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.errors import LimitExceeded
from patron_engine.expr.compile import Expression
from patron_engine.expr.nodes import Compare, Literal, Logic, Node, Path, children
from patron_engine.expr.sql import condition_sql
from patron_engine.expr.types import BOOLEAN, EMPTY, ExprType
from patron_engine.flow.values import ROOTS, Reading, Subject
from patron_engine.model.model import LinkSet
from patron_engine.phrases import Phrase
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.sets import tie
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.store.tables import Id

OWNER = "set.owner"
THESE = "these"
GIVEN: Final = ROOTS - {"me"}
NOTHING: Final = Literal(None, EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`key` names it among those of the release; `sort` are paths, `-` before one for descending. `whole`: all are meant, so
    more than `limit` are refused instead of being left out without a word. `these`: only records that are given are candidates."""

    key: str
    object: str
    where: Expression | None
    sort: tuple[str, ...] = ()
    among: LinkSet | None = None
    limit: int = 1
    whole: bool = False
    these: bool = False


def chosen(
    reading: Reading, choice: Choice, subjects: Sequence[Subject], these: Sequence[str] = ()
) -> list[list[str]]:
    """The ids for each subject, at most `limit` of each. LimitExceeded where all of more are meant."""
    call = reading.call
    statement = kept(call.tables).get(("flow.select", choice.key), lambda: _statement(reading, choice))
    given = call_values(call)
    asked = outside_of(reading, choice.where, subjects)
    cursors = []
    with reading.conn.pipeline():
        for subject, values in zip(subjects, asked, strict=True):
            more = {OWNER: subject.run.record, THESE: list(these)}
            cursors.append(
                reading.conn.execute(statement.text, statement.values({**given, **values, **more}))
            )
    found = [[str(row[0]) for row in cursor.fetchall()] for cursor in cursors]
    if choice.whole and any(len(ids) > choice.limit for ids in found):
        raise LimitExceeded(
            Phrase("this step means more than {most} records, as many as one may", most=choice.limit),
            code="limit_step_records",
            hint="narrow where, or let a schedule with object begin a run for each record",
        )
    return found


def outside_of(
    reading: Reading, where: Expression | None, subjects: Sequence[Subject]
) -> Sequence[Mapping[str, Any]]:
    """What a condition reads besides its candidates, for each subject."""
    outside = _outside(where) if where is not None else None
    return (
        reading.values([outside], subjects, "base")
        if outside is not None and outside.paths
        else [{} for _ in subjects]
    )


@dataclass(frozen=True, slots=True)
class _Outside:
    """What a condition reads besides its candidate, as Reading asks an expression for it."""

    paths: frozenset[str]
    aggregates: tuple[Any, ...] = ()


def _outside(where: Expression) -> Any:
    return _Outside(frozenset(p for p in where.paths if _is_given(p)))


def _statement(reading: Reading, choice: Choice) -> Statement:
    building = Building(tables=reading.call.tables)
    row = building.root(choice.object)
    conditions = [*row.live(voided=False)]
    if choice.among is not None:
        conditions.append(tie(row, choice.among, parameter(OWNER, Id())))
    if choice.these:
        conditions.append(row.id == sa.any_(parameter(THESE, pg.ARRAY(Id()))))
    binding = SqlBinding(row=row, roots=roots_of(choice.where))
    if choice.where is not None:
        conditions.append(condition_sql(sought(choice.where), binding))
    order = []
    for path in choice.sort:
        value = binding.value(row, tuple(path.removeprefix("-").split(".")))
        order.append((value.desc() if path.startswith("-") else value.asc()).nulls_last())
    query = sa.select(row.id).select_from(row.source.from_).where(*conditions)
    query = query.order_by(*order, row.id).limit(sa.literal(choice.limit + choice.whole))
    return compiled(query, reading.call.model.release)


def sought(where: Expression) -> Expression:
    """The condition under which a record is the one that is meant: `code == this.code` asks that there be a code."""
    return replace(where, tree=_named(where.tree))


def _named(node: Node) -> Node:
    if isinstance(node, Logic):
        return replace(node, args=tuple(_named(arg) for arg in node.args))
    if not isinstance(node, Compare) or node.sign != "==":
        return node
    sides = (node.left, node.right)
    given = [side for side in sides if (paths := list(_paths(side))) and all(map(_is_given, paths))]
    if len(given) != 1 or not any(True for side in sides if side is not given[0] for _ in _paths(side)):
        return node
    there = Compare("!=", given[0], NOTHING, BOOLEAN)
    return Logic("and", (there, node), BOOLEAN)


def _paths(node: Node) -> Iterator[str]:
    if isinstance(node, Path):
        yield node.path
    for child in children(node):
        yield from _paths(child)


def _is_given(path: str) -> bool:
    return path.partition(".")[0] in GIVEN


def roots_of(where: Expression | None) -> Mapping[str, Mapping[str, ExprType]]:
    """The names given at execution, with the types the condition has for them."""
    found: dict[str, dict[str, ExprType]] = defaultdict(dict)
    stack = [where.tree] if where is not None else []
    while stack:
        node = stack.pop()
        stack.extend(children(node))
        if isinstance(node, Path):
            first, _, rest = node.path.partition(".")
            if first in GIVEN:
                found[first][rest] = node.type
    return found
