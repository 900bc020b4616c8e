"""Explain: a plan as a text for people: what is joined, which records count, how nothing is counted twice, the SQL, how many rows the
database expects.

In: a connection, the frame of the call, a Plan. Out: text in English, as all of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from patron_engine.query.call import Call
from patron_engine.query.statement import Statement
from patron_engine.report.answering import needs
from patron_engine.report.arranging import limit_of
from patron_engine.report.asking import Wanted, question
from patron_engine.report.between import THEN
from patron_engine.report.foretold import foretold
from patron_engine.report.plan import Plan


def text(conn: psycopg.Connection[Any], call: Call, plan: Plan) -> str:
    """The whole explanation."""
    return shown(conn, call, told(call, plan), needs(call, plan))


def told(call: Call, plan: Plan) -> list[str]:
    """The plan in words."""
    return [
        f"report {plan.body.get('name') or ''} ({plan.body['type']}) over {plan.object.name}",
        f"  records   {plan.where_text or 'all'}, as the reader may see them",
        *(f"  rows      {g.place.path}{_cut(g)}" for g in plan.rows),
        *(f"  columns   {g.place.path}{_cut(g)}" for g in plan.columns),
        *(f"  figure    {b.name or '(number of records)'}: {_figure(b)}" for b in plan.bases),
        *(f"  formula   {f.name} = {f.expression.source}" for f in plan.formulas),
        f"  totals    {_totals(plan)}",
        *_moments(plan),
        *_besides(call, plan),
    ]


def shown(conn: psycopg.Connection[Any], call: Call, lines: Sequence[str], wanted: Sequence[Wanted]) -> str:
    """Words, the statement that asks all of it, its values, what the database expects."""
    made, given = question(call, wanted)
    values = "\n".join(f"  {name} = {given[name]!r}" for name in dict.fromkeys(made.names))
    every = [*lines, "", "SQL", made.text, *(["", "values", values] if values else [])]
    return "\n".join([*every, "", "the database expects", expected(conn, made, given)]) + "\n"


def _besides(call: Call, plan: Plan) -> list[str]:
    """What is asked besides the figures, in the same statement, and what may be asked after it."""
    units = sorted(plan.units - {THEN})
    lines = [f"  before    the same a {unit} earlier, in the same statement" for unit in units]
    limited = [g for place, g in enumerate(plan.groups) if limit_of(plan, place) is not None]
    lines += [f"  limit     the first of {g.place.path}" for g in limited]
    if foretold(plan) is not None:
        lines.append(
            "  others    in the same statement, by the figure that decides; asked after it where equal figures left it open"
        )
    elif limited and not plan.additive:
        lines.append(
            "  others    asked after it, once it is known who they are: their figures are no sums of their parts"
        )
    return lines


def _moments(plan: Plan) -> list[str]:
    """Of which moments the rows are, worked out of the history."""
    until = "now" if plan.as_of is None else plan.as_of.isoformat()
    if plan.since is not None:
        return [f"  between   {plan.since.isoformat()} and {until}: asked of the rows of both, side by side"]
    return [] if plan.as_of is None else [f"  as of     {until}: the rows as the history tells them"]


def _cut(group: Any) -> str:
    axis = group.axis
    if axis.by:
        return f" by {axis.by}"
    if axis.buckets:
        return f" in buckets {', '.join(str(b) for b in axis.buckets)}"
    return f" at level {group.level}" if group.level is not None else ""


def _figure(base: Any) -> str:
    what = (
        base.place.path
        if base.place is not None
        else base.value.source
        if base.value is not None
        else "records"
    )
    where = f" where {base.where_text}" if base.where_text else ""
    return f"{base.function} of {what}{where}"


def _totals(plan: Plan) -> str:
    if plan.additive:
        return "added up from the cells: every record is in one cell"
    if not plan.multiplies:
        return "worked out anew for every subtotal (GROUPING SETS): the figures are no sums of their parts"
    return (
        "taken over distinct (members, record) for every subtotal: a record may be in several cells and counts once "
        "in each, once in their total"
    )


def expected(conn: psycopg.Connection[Any], made: Statement, given: Any) -> str:
    with psycopg.ClientCursor(conn) as reading:
        reading.execute(f"EXPLAIN {made.text}", made.values(given))
        return "\n".join(f"  {row[0]}" for row in reading.fetchall())
