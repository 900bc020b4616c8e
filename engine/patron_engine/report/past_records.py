"""Past records: the records that stood behind a figure at a past moment, as a question of today's list.

In: a connection, the frame of the call, a Plan, a Spot. Out: an Ask that names them by id: the list shows them as they are now, under the
rights of now; what was deleted since is in no list. Of a report between two moments NAME_then leads to the records of the first, the
figure itself to those of the second; a change is between two sets of records and leads to neither: Refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.expr.sql import condition_sql
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.binding import SqlBinding
from patron_engine.query.call import Call
from patron_engine.query.fetch import run
from patron_engine.query.spec import Ask, quoted
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.report.answer import Spot
from patron_engine.report.drill import Depth, Kept, drilled
from patron_engine.report.past import at_moment, values_at
from patron_engine.report.plan import Plan
from patron_engine.report.reader import Reader
from patron_engine.report.statement import building_of

MOST: Final = 150  # limit_past_records: they stand in an address by their ids


def listed_then(
    conn: psycopg.Connection[Any], call: Call, made: Plan, spot: Spot, depth: Depth, kept: Kept
) -> Ask:
    """The question behind one cell of a summary or matrix, of now or of a past moment."""
    name = spot.figure or ""
    if made.since is not None and name not in {m["name"] for m in made.body.get("measures") or ()}:
        if name.endswith("_change"):
            said = Phrase("a change is between two moments: open the figure of one of them")
            raise Refused((Problem(code="past_records", message=said, path="measure"),))
        if name.endswith("_then"):
            made = replace(made, as_of=made.since)
            spot = replace(spot, figure=name.removesuffix("_then"))
    asked = drilled(call, made, spot, depth, kept)
    return asked if made.as_of is None else _then(conn, call, made, asked)


def _then(conn: psycopg.Connection[Any], call: Call, made: Plan, asked: Ask) -> Ask:
    """The records that fitted then, by id."""
    reader = Reader(call)
    fitting = reader.condition(asked.where, asked.object, "where") if asked.where else None
    if reader.problems:
        raise Refused(tuple(reader.problems))
    root = at_moment(building_of(call)).root(asked.object)
    binding = SqlBinding(row=root, ruled=True)
    where = [*root.live(voided=False), *root.ruled()]
    if fitting is not None:
        where.append(condition_sql(fitting, binding))
    select = sa.select(root.id).select_from(root.source.from_).where(*where).limit(sa.literal(MOST + 1))
    statement = compiled(select, call.model.release, each_time=True)
    found = [row[0] for row in run(conn, statement, {**call_values(call), **values_at(call, made.as_of)})]
    if len(found) > MOST:
        raise LimitExceeded(
            Phrase("at most {most} records of a past moment are listed", most=MOST),
            code="limit_past_records",
            hint="open a smaller figure",
        )
    named = ", ".join(quoted(id) for id in found)
    return replace(asked, where=f"id in ({named},)" if found else "false")
