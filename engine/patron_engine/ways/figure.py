"""The way of figures: request → plan → one statement under the reader's rights → answer.

In: a connection, the frame of the call, a Request. Out: an Answer; for one of its cells the question whose list adds up to it; or
the plan as text. Pages, exports, tiles, schedules, alerts, goals and the API come through here.

    plan      every name exists and is his to read, or the report is refused         report/plan.py
    SQL       one text for one shape, kept; constants and parameters are bound       report/statement.py
    figures   subtotals, formulas, order, limits                                     report/cells.py … answering.py
    records   a cell as a condition                                                  report/drill.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pick import fits
from patron_engine.errors import NotFound
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.report import answering, cohort, funnel, funneled, joined
from patron_engine.report import drill as drilling
from patron_engine.report import explain as explaining
from patron_engine.report.answer import REST, Answer, Request, Spot
from patron_engine.report.goal_cells import Goals
from patron_engine.report.plan import plan
from patron_engine.report.trees import level_of

Connection = psycopg.Connection[Any]


def run(conn: Connection, call: Call, request: Request) -> Answer:
    """The answer of a report. NotFound for an object, Refused (names, parameters, filters), LimitExceeded."""
    if request.body["type"] == "funnel":
        return funneled.answer(conn, call, funnel.funnel(call, request))
    if request.body["type"] == "cohort":
        return cohort.answer(conn, call, request)
    if request.body["type"] == "joined":
        return joined.answer(conn, call, request)
    made = plan(call, request)
    return answering.answer(conn, call, made, Goals(conn, call, made))


def drill(conn: Connection, call: Call, request: Request, spot: Spot) -> Ask:
    """The question whose list adds up to one cell; of a `list` report, the list itself."""
    if request.body["type"] == "list":
        return drilling.listed(call, request)
    if request.body["type"] == "funnel":
        return funnel.ask(call, request, spot)

    def depth(object: str, id: str) -> int:
        return level_of(conn, call, object, id)

    if request.body["type"] == "cohort":
        return cohort.ask(conn, call, request, spot, depth)
    if request.body["type"] == "joined":
        return joined.ask(call, request, spot, depth)
    made = plan(call, request)

    def kept(at: int) -> list[Any]:
        found = answering.answer(conn, call, made)
        across = len(made.rows)
        keys = [k[at] for k in found.row_keys] if at < across else [k[at - across] for k in found.column_keys]
        return [m for m in dict.fromkeys(keys) if m is not REST]

    return drilling.drilled(call, made, spot, depth, kept)


def explain(conn: Connection, call: Call, request: Request) -> str:
    """The plan in words, its SQL, what the database expects of it."""
    return explaining.text(conn, call, plan(call, request))


def request_of(call: Call, name: str, **more: Any) -> Request:
    """The request of a report of the release. NotFound for one there is not, or that is not for him."""
    if not allowed(call, name):
        raise NotFound(
            Phrase("there is no report {name!r}", name=name[:60]),
            code="unknown_report",
            hint=nearest(name[:60], reports_of(call)),
        )
    return Request(body=call.model.documents["report", name], **more)


def allowed(call: Call, name: str) -> bool:
    """Whether somebody may open a report: it is for him, and he reads what it is over."""
    body = call.model.documents.get(("report", name))
    return body is not None and fits(body, call.actor) and all(_readable(call, o) for o in _objects(body))


def reports_of(call: Call) -> tuple[str, ...]:
    """The names of the reports somebody may open, in the order of definition."""
    return tuple(name for kind, name in call.model.documents if kind == "report" and allowed(call, name))


def _objects(body: Mapping[str, Any]) -> list[str]:
    if body.get("type") == "joined":
        return [str(block["object"]) for block in body.get("blocks") or ()]
    return [str(body["object"])]


def _readable(call: Call, object: str) -> bool:
    found = call.model.object(object)
    return found is not None and not isinstance(row_rule(call.model, call.actor, "read", found.name), Deny)
