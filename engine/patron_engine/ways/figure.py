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
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import psycopg

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.grants import audience
from patron_engine.access.pick import fits
from patron_engine.errors import NotFound, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.query.statement import kept
from patron_engine.query.values import fetch_values
from patron_engine.report import drill as drilling
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.report.keeping import keeping_of
from patron_engine.report.kinds import KINDS, PLANS, Kind
from patron_engine.report.trees import level_of
from patron_engine.store.tables import Tables

Connection = psycopg.Connection[Any]


def run(conn: Connection, call: Call, request: Request) -> Answer:
    """The answer of a report. NotFound for an object, Refused (names, parameters, filters), LimitExceeded."""
    request = _dated(request)
    keeping = keeping_of(call, request.body, request.anew)
    answer = _kind(request).answer(conn, own_days(conn, call, request), replace(request, keeping=keeping))
    return answer if keeping is None or keeping.at is None else replace(answer, kept_at=keeping.at)


def drill(conn: Connection, call: Call, request: Request, spot: Spot) -> Ask:
    """The question whose list adds up to one cell; of a `list` report, the list itself."""
    request = _dated(request)
    if request.body["type"] == "list":
        return drilling.listed(call, request)

    def depth(object: str, id: str) -> int:
        return level_of(conn, call, object, id)

    return _kind(request).ask(conn, own_days(conn, call, request), request, spot, depth)


def explain(conn: Connection, call: Call, request: Request) -> str:
    """The plan in words, its SQL, what the database expects of it."""
    request = _dated(request)
    return _kind(request).explain(conn, own_days(conn, call, request), request)


def _dated(request: Request) -> Request:
    """The request with the moments its reader chose."""
    if request.as_of is None:
        return request
    return replace(request, body={**request.body, "as_of": request.as_of}, as_of=None)


def _kind(request: Request) -> Kind:
    found = KINDS.get(request.body["type"])
    if found is None:
        said = Phrase("a report of type {type} has no figures", type=request.body["type"])
        raise Refused([Problem(code="no_figures", message=said, hint="ask for its records", path="type")])
    return found


def own_days(conn: Connection, call: Call, request: Request) -> Call:
    """The call in the days of whoever asks, where the report says `zone: mine` and he has a zone."""
    user = call.model.objects.get("user")
    if (
        request.body.get("zone") != "mine"
        or call.actor.user is None
        or user is None
        or "zone" not in user.fields
    ):
        return call
    zone = fetch_values(conn, call, "user", [call.actor.user], ["zone"]).get(call.actor.user, {}).get("zone")
    if not zone or zone not in available_timezones():
        return call
    return replace(call, **kept(call.tables).get(("days", zone), lambda: _in_zone(call, zone)))


def _in_zone(call: Call, zone: str) -> dict[str, Any]:
    model = replace(call.model, workspace=replace(call.model.workspace, zone=ZoneInfo(zone)))
    return {"model": model, "tables": Tables(model, call.schema, call.tables.collation)}


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
    """The names of the reports somebody is offered, in the order of definition: he may open them, and nothing that they group by or
    count is hidden from him."""
    return tuple(
        name
        for kind, name in call.model.documents
        if kind == "report" and allowed(call, name) and _nothing_hidden(call, name)
    )


def _nothing_hidden(call: Call, name: str) -> bool:
    """Whether its plan stands under his rights; looked at once for all with the same. An administrator is shown what is wrong."""
    if call.actor.administrator or call.actor.system:
        return True

    def stands() -> bool:
        body = call.model.documents["report", name]
        try:
            PLANS[body["type"]](call, Request(body=body))
        except Refused as refused:
            return all((p.path or "").startswith("parameters") for p in refused.problems)
        except NotFound:
            return False
        return True

    return kept(call.tables).get(("offered", audience(call.actor), name), stands)


def _objects(body: Mapping[str, Any]) -> list[str]:
    if body.get("type") == "joined":
        return [str(block["object"]) for block in body.get("blocks") or ()]
    return [str(body["object"])]


def _readable(call: Call, object: str) -> bool:
    found = call.model.object(object)
    return found is not None and not isinstance(row_rule(call.model, call.actor, "read", found.name), Deny)
