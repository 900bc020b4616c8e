"""Foretold: which members of the first group stand for themselves, where the database itself can say: those with the largest figure. Then
what is no sum of its parts (a median, a number of different ones) is worked out of the rest in the same statement.

In: a Plan; the rows of a statement by that group alone. Out: `First`, and the SQL of who is among them. Of equal figures any may be: whoever
reads the answer knows by titles who had to be (answering.py), and asks again where others are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.query.binding import parameter
from patron_engine.report.arranging import limit_of
from patron_engine.report.measures import Base
from patron_engine.report.plan import Plan
from patron_engine.store.tables import TYPES


@dataclass(frozen=True, slots=True)
class First:
    """The first `most` members by one figure (by index)."""

    most: int
    figure: int
    falling: bool


def foretold(plan: Plan) -> First | None:
    """The members of the first row group that stand for themselves, where the database can say who they are: then what is no sum of
    its parts is worked out of the rest in the same statement."""
    decides = _decided_by(plan) if not plan.additive else None
    most = limit_of(plan, 0) if decides is not None else None
    if decides is None or most is None:
        return None
    figure = next(n for n, base in enumerate(plan.bases) if base.name == decides[0])
    return First(most, figure, decides[1])


def deciding(plan: Plan) -> Plan:
    """The figures that say who comes first, by the first group alone: less to ask than all of them, and mostly sums."""
    said = {plan.rows[0].sort or "", *(name for name, _ in plan.sort)}
    names = {name.removeprefix("-") for name in said}
    return replace(
        single_of(plan, 0), bases=tuple(b for b in plan.bases if b.name in names or not b.name), formulas=()
    )


def _decided_by(plan: Plan) -> tuple[str, bool] | None:
    """The figure of the database that alone decides which members of the first row group stand for themselves, and whether the largest
    come first; None where a formula, a title or a group further in has a say, or another time is asked for."""
    limited = [place for place in range(len(plan.groups)) if limit_of(plan, place) is not None]
    if limited != [0] or not plan.rows or plan.units or plan.rows[0].fill:
        return None
    group, bases = plan.rows[0], {b.name for b in plan.bases}
    own = ((group.sort.removeprefix("-"), group.sort.startswith("-")),) if group.sort else plan.sort
    known = bases | {group.name, group.place.path}
    names = {f.name for f in plan.figures} | known
    said = [(name, falling) for name, falling in own if name in names]
    return said[0] if said and said[0][0] in bases and all(name in known for name, _ in said) else None


def single_of(plan: Plan, place: int) -> Plan:
    """A plan by one of its groups."""
    return replace(plan, rows=(plan.groups[place],), columns=(), limit=None)


def whole_row_of(plan: Plan) -> bool:
    """Whether what is beyond the limit is one row, whatever groups stand below the first."""
    return plan.limit is not None and len(plan.rows) > 1


# -- SQL --------------------------------------------------------------------------------------------------------------


def firsts(first: First, base: Base, found: Any) -> Any:
    """The first members, of rows of (arm, bits, rest bits, member, columns of the figure)."""
    member, figure = found.c.c3, found.c.c4
    if base.function == "sum":
        figure = sa.func.coalesce(figure, sa.literal(0, sa.Integer()))
    elif base.function == "avg":
        figure = figure / sa.func.nullif(found.c.c5, sa.literal(0, sa.Integer()))
    order = (figure.desc() if first.falling else figure.asc()).nulls_last()
    chosen = sa.select(member.label("member")).order_by(order, member)
    return chosen.limit(sa.literal(first.most, sa.Integer())).cte("firsts")


def members_kept(place: int, type: Any, first: Any) -> tuple[Any, Any]:
    """The members of a group that stand for themselves, and whether the empty one does: given, or found by the statement."""
    several: Any = pg.ARRAY(type)
    if first is None:
        return parameter(f"kept.{place}", several), parameter(f"kept.{place}.none", TYPES["boolean"])
    member = first.c.member
    found = sa.select(sa.func.array_agg(member, type_=several)).where(member.is_not(None))
    nobody = sa.cast(pg.array([]), several)  # beside it an array is meant, and not the rows of a query
    named = sa.func.coalesce(found.scalar_subquery(), nobody, type_=several)
    return named, sa.exists(sa.select(member).where(member.is_(None)))
