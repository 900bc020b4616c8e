"""Reports over HTTP: which there are, their figures, the records behind one of them.

In: requests below /reports. Out: JSON. What a report may show is decided by the rights of whoever asks, as for any list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.model.model import say
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.parse import parse_body
from patron_engine.report import answer as asked
from patron_engine.report.wire import as_json, spot_of
from patron_engine.ways import figure
from patron_engine.ways.read import read
from patron_platform.api.door import enter
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters

router = APIRouter(prefix="/reports")
MAX_FILTERS = 20  # limit_report_filters
LISTED = ("fields", "sort", "limit", "after", "count")  # how the records behind a figure are listed


@router.get("")
def list_reports(request: Request) -> Response:
    """The reports the caller may open."""
    caller = enter(request)
    found = caller.workspace.reading(
        caller.actor, lambda _, call: [_told(call, name) for name in figure.reports_of(call)]
    )
    return json_answer(dumps({"reports": found}))


@router.get("/{name}")
def read_report(request: Request, name: str) -> Response:
    """Its figures; parameters stand in the address."""
    return _run(request, name, parameters(request), ())


@router.post("/{name}")
def run_report(request: Request, name: str, data: Body) -> Response:
    """`{"parameters": {name: value}, "filters": ["condition", …]}`; `"anew": true` looks at nothing that is kept, `"as_of": day` or
    `{"from": day, "to": day}` asks a past moment, or what changed between two."""
    body = json_object(request, data)
    only(body, ("parameters", "filters", "anew", "as_of"))
    return _run(
        request, name, _parameters(body), _filters(body), anew=body.get("anew") is True, as_of=_as_of(body)
    )


@router.post("/{name}/records")
def read_report_records(request: Request, name: str, data: Body) -> Response:
    """`{"rows": […], "columns": […], "measure": …}` and what a run takes: the records behind that figure, a page of them."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("parameters", "filters", "as_of", "rows", "columns", "measure", *LISTED))
    spot, given, filters = spot_of(body), _parameters(body), _filters(body)
    listed = {key: body[key] for key in LISTED if key in body}

    def look(conn: Any, call: Call) -> bytes:
        wanted = figure.request_of(call, name, parameters=given, filters=filters, as_of=_as_of(body))
        ask = figure.drill(conn, call, wanted, spot)
        shown = parse_body(
            ask.object, {"fields": list(ask.fields or ("*",)), "sort": list(ask.sort), **listed}
        )
        page = read(
            conn, call, replace(shown, where=ask.where), secret=request.app.state.service.runtime.secret
        )
        return page.json[:-1] + b"," + dumps({"object": ask.object, "where": ask.where})[1:]

    return json_answer(caller.workspace.reading(caller.actor, look))


def _run(
    request: Request, name: str, given: Mapping[str, Any], filters: tuple[str, ...], *, anew: bool = False,
    as_of: Any = None,
) -> Response:  # fmt: skip
    caller = enter(request)

    def look(conn: Any, call: Call) -> asked.Answer:
        return figure.run(
            conn,
            call,
            figure.request_of(call, name, parameters=given, filters=filters, anew=anew, as_of=as_of),
        )

    found = caller.workspace.reading(caller.actor, look)
    return json_answer(dumps(as_json(found, caller.actor.languages)))


def _told(call: Call, name: str) -> dict[str, Any]:
    body, languages = call.model.documents["report", name], call.actor.languages
    return {
        "name": name,
        "label": say(body.get("label") or {}, languages) or name,
        "description": say(body.get("description") or {}, languages),
        "type": body["type"],
        "object": body.get("object"),
        "parameters": [
            {
                "name": p["name"],
                "label": say(p.get("label") or {}, languages) or p["name"],
                "type": p["type"],
                "required": bool(p.get("required")),
            }
            for p in body.get("parameters") or ()
        ],
    }


def _parameters(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("parameters", {})
    if not isinstance(found, Mapping):
        message = Phrase("parameters are an object of values by name")
        raise Refused([Problem(code="wrong_type", message=message, path="parameters")])
    return found


def _as_of(body: Mapping[str, Any]) -> Any:
    """A day or moment, or two; expressions are for definitions."""
    found = body.get("as_of")
    moments = [found.get("from"), found.get("to")] if isinstance(found, Mapping) else [found]
    known = not isinstance(found, Mapping) or set(found) <= {"from", "to"}
    if known and all(m is None or (isinstance(m, str) and not m.startswith("=")) for m in moments):
        return found
    message = Phrase("{written!r} is no day", written=str(found)[:60])
    raise Refused([Problem(code="not_a_date", message=message, path="as_of", hint="write it as 2026-01-31")])


def _filters(body: Mapping[str, Any]) -> tuple[str, ...]:
    found = body.get("filters", [])
    message = Phrase("filters are a list of at most {most} conditions", most=MAX_FILTERS)
    if not isinstance(found, list) or not all(isinstance(f, str) for f in found):
        raise Refused([Problem(code="wrong_type", message=message, path="filters")])
    if len(found) > MAX_FILTERS:
        raise Refused([Problem(code="limit_report_filters", message=message, path="filters")])
    return tuple(found)
