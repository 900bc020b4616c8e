"""Earlier: the figures of the same question one month, quarter or year before, for PREVIOUS.

In: a plan and a unit. Out: the plan to ask with it, whose cells stand under the keys of today. Where the report groups by a period, the date it groups by is moved that much
later, so that what was a year before stands in this year's cell (moving.py). Where it does not, the question is moved: today, now and
the days its reader chose are that much earlier. A cell without a period, of a question that is the same at any time, has none before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from patron_engine.expr.functions.adding import add_months
from patron_engine.query.call import Call
from patron_engine.report.between import THEN
from patron_engine.report.cells import Cells
from patron_engine.report.groups import Group
from patron_engine.report.parameters import moved_wire
from patron_engine.report.plan import Plan, plan

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def earlier_plan(call: Call, made: Plan, unit: str) -> Plan | None:
    """The question a unit before; None where there is no time to move."""
    if unit == THEN:
        return replace(made, as_of=made.since)
    months = MONTHS[unit]
    group = moved_group(made)
    if group is not None:
        return replace(made, moved=(group.place.inner, months))
    if not depends_on_time(made):
        return None
    then = moved_call(call, -months)
    return replace(plan(then, replace(made.request, **moved_request(made, -months))), then=then.now)


def before(made: Plan, asked: Plan, found: Cells) -> Cells:
    """Of what was asked a unit before, what has a cell now."""
    group = moved_group(made)
    if (
        asked.moved is None
        or group is None
        or (made.where is not None and group.place.inner in made.where.paths)
    ):
        return found
    # The question is over all time: only the cells of a period have one before.
    at = made.groups.index(group)
    across = len(made.rows)
    raw = {
        place: cell
        for place, cell in found.raw.items()
        if (len(place[0]) > at if at < across else len(place[1]) > at - across)
    }
    return replace(found, raw=raw)


def moved_group(made: Plan) -> Group | None:
    """The group whose date is moved."""
    return next((g for g in made.groups if g.period and not g.place.sets), None)


def depends_on_time(made: Plan) -> bool:
    """Whether the question is another one at another time."""
    conditions = [
        e
        for e in (made.where, *(b.where for b in made.bases), *(b.value for b in made.bases))
        if e is not None
    ]
    return made.parameters.dated or bool(made.request.reaches) or any(c.uses_now for c in conditions)


def moved_call(call: Call, months: int) -> Call:
    """The same call some months later."""
    local = call.now.astimezone(call.model.workspace.zone)
    day = add_months(local.date(), months)
    if day is None:
        return call
    moved = datetime.combine(day, local.time(), tzinfo=local.tzinfo)
    return replace(call, now=moved.astimezone(call.now.tzinfo))


def moved_request(made: Plan, months: int) -> dict[str, Any]:
    """What its reader chose, some months later."""
    reaches = {
        path: tuple(add_months(d, months) if d is not None else None for d in ends)
        for path, ends in made.request.reaches.items()
    }
    return {"parameters": moved_wire(made.parameters, months), "reaches": reaches}
