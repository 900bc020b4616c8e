"""Approvals over HTTP, for administrators and for those who are away.

    GET|POST /approvals/substitutes, DELETE /approvals/substitutes/{id}      {"person", "substitute", "from", "until", "approvals", "objects"}
    POST     /approvals/hand-over                                            {"from", "to"}: all tasks of a person
    GET      /approvals/statistics?by=node|person|both&approval=&since=&until=
    POST     /approvals/definitions/{name}/take-over                         {"nodes": {old: new}, "dry_run": true}: onto today's version

In: requests. Out: JSON; the way approve decides everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import approval_admin, substitutes
from patron_engine.ways.approval_drawn import names_of
from patron_engine.ways.approval_figures import figures
from patron_engine.ways.approval_versions import Move, take_over
from patron_engine.ways.substitutes import Substitute
from patron_platform.api.approvals_written import person, plain
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters
from patron_platform.phrases import written

router = APIRouter(prefix="/approvals")
Conn = psycopg.Connection[Any]


@router.get("/substitutes")
def list_substitutes(request: Request) -> Response:
    caller = enter(request)

    def found(conn: Conn, call: Call) -> dict[str, Any]:
        return {"substitutes": [_substitute(conn, call, s) for s in substitutes.listed(conn, call)]}

    return json_answer(dumps(caller.workspace.reading(caller.actor, found)))


@router.post("/substitutes")
def name_substitute(request: Request, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("person", "substitute", "from", "until", "approvals", "objects"))

    def act(conn: Conn, call: Call) -> Answer:
        whose = _user(body, "person") if body.get("person") is not None else str(call.actor.user)
        made = substitutes.name(
            conn, call, whose, _user(body, "substitute"), _moment(call, body, "from") or call.now, _moment(call, body, "until"),
            _names(body, "approvals"), _names(body, "objects"),
        )  # fmt: skip
        return Answer(dumps(_substitute(conn, call, made)), 201)

    return write(request, caller, data, act)


@router.delete("/substitutes/{id}")
def remove_substitute(request: Request, id: str) -> Response:
    caller = enter(request)

    def act(conn: Conn, call: Call) -> Answer:
        substitutes.remove(conn, call, _id(id, "id"))
        return Answer(status=204)

    return write(request, caller, b"", act)


@router.post("/hand-over")
def hand_over(request: Request, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("from", "to"))
    whose, to = _user(body, "from"), _user(body, "to")
    return write(
        request,
        caller,
        data,
        lambda conn, call: Answer(dumps({"tasks": approval_admin.hand_over(conn, call, whose, to)})),
    )


@router.get("/statistics")
def statistics(request: Request) -> Response:
    caller = enter(request)
    given = parameters(request)
    only(given, ("by", "approval", "since", "until"), "parameter")

    def found(conn: Conn, call: Call) -> dict[str, Any]:
        rows = figures(
            conn, call, given.get("by", "node"), approval=given.get("approval", ""), since=_moment(call, given, "since"),
            until=_moment(call, given, "until"),
        )  # fmt: skip
        return {"rows": [plain(row) for row in rows]}

    return json_answer(dumps(caller.workspace.reading(caller.actor, found)))


@router.post("/definitions/{name}/take-over")
def take_over_versions(request: Request, name: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("nodes", "dry_run"))
    nodes, dry = body.get("nodes", {}), body.get("dry_run", False)
    if not isinstance(nodes, dict) or not all(isinstance(v, str) for v in nodes.values()):
        raise _wrong("not_object", Phrase("{name} is an object", name="nodes"), "nodes")
    if not isinstance(dry, bool):
        raise _wrong("not_boolean", Phrase("dry_run is true or false"), "dry_run")

    def act(conn: Conn, call: Call) -> Answer:
        with conn.transaction(force_rollback=dry):
            moves = take_over(conn, call, name, nodes)
        return Answer(dumps({"dry_run": dry, "instances": [_move(call, m) for m in moves]}))

    return write(request, caller, data, act)


def _move(call: Call, move: Move) -> dict[str, Any]:
    why = None if move.why is None else written(move.why, call.actor.languages)
    return {
        "instance": move.instance,
        "object": move.object,
        "record": move.record,
        "goes": move.why is None,
        "why": why,
    }


def _substitute(conn: Conn, call: Call, it: Substitute) -> dict[str, Any]:
    names = names_of(conn, call, (it.person, it.substitute))
    return {
        "id": it.id, "person": person(names, it.person), "substitute": person(names, it.substitute), "from": it.begins, "until": it.until,
        "approvals": list(it.approvals), "objects": list(it.objects),
    }  # fmt: skip


def _user(body: Mapping[str, Any], name: str) -> str:
    return _id(body.get(name), name)


def _id(value: Any, path: str) -> str:
    try:
        return read_id(value)
    except ValueFault as fault:
        raise _wrong("not_users", Phrase("name users by their ids"), path) from fault


def _moment(call: Call, body: Mapping[str, Any], name: str) -> datetime | None:
    """A moment with its zone, or a day: in the workspace's zone."""
    value = body.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as fault:
        raise _wrong("bad_form", Phrase("{name} is a day or a moment", name=name), name) from fault
    if found.tzinfo is None and len(str(value)) > 10:
        raise _wrong("naive_moment", Phrase("{name} needs its zone, such as +08:00", name=name), name)
    if found.tzinfo is not None:
        return found
    day = found + timedelta(days=1) if name == "until" else found  # a day is meant with its evening
    return day.replace(tzinfo=call.model.workspace.zone)


def _names(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _wrong("not_list", Phrase("{name} is a list of names", name=name), name)
    return value


def _wrong(code: str, message: Phrase, path: str) -> Refused:
    return Refused([Problem(code=code, message=message, path=path)])
