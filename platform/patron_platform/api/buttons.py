"""Buttons over HTTP: `GET /records/{object}/{id}/buttons` lists those that fit, `POST …/buttons/{name}` presses one.

In: `{"fields": {…}, "confirm": […]}`, the fields the button asks for. Out: `{"run", "state", "error"}`: how the run stands after it went
as far as it goes at once. What its first step refuses is refused whole.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.flow.buttons import Button, offered
from patron_engine.jsonio import dumps
from patron_engine.model.model import say
from patron_engine.page.pressable import reads_his
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.ways.press import press
from patron_engine.ways.read import read_one
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.jobs.flow import carry_on, hands

router = APIRouter(prefix="/records/{object}/{id}/buttons")
Connection = psycopg.Connection[Any]


@router.get("")
def list_buttons(request: Request, object: str, id: str) -> Response:
    caller = enter(request)

    def act(conn: Connection, call: Call) -> list[dict[str, Any]]:
        found = known_object(call, object)
        known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
        return [_told(call, b) for b in offered(conn, call, found.name, known)]

    return json_answer(dumps({"buttons": caller.workspace.reading(caller.actor, act)}))


def _told(call: Call, button: Button) -> dict[str, Any]:
    return {
        "name": button.name, "label": say(button.label, call.actor.languages), "confirm": bool(button.confirm),
        "ask": [
            {
                "field": a.field.name, "from": "device" if a.device else "person",
                "required": _said(call, button, a.required), "default": _said(call, button, a.default),
            }
            for a in button.ask
        ],
    }  # fmt: skip


def _said(call: Call, button: Button, value: Any) -> Any:
    """An expression as it is written, unless it names what the caller may not read: then it is not told."""
    if not isinstance(value, Expression):
        return value
    return value.source if reads_his(call, button, value) else None


@router.post("/{name}")
def press_button(request: Request, object: str, id: str, name: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data) if data.strip() else {}
    only(body, ("fields", "confirm"))
    change = Change(action="update", object=object, id=id, set=_fields(body), confirm=_confirm(body))
    service = request.app.state.service
    who, _ = hands(service, caller.workspace)
    begun: list[str] = []

    def act(conn: Connection, call: Call) -> Answer:
        run = press(conn, call, who, name, change)
        begun[:] = [run.id]
        return Answer(dumps({"run": run.id, "state": run.state, "error": run.error}))

    answer = write(request, caller, data, act)
    if not begun:
        return answer  # it was sent before
    run = carry_on(service, caller.workspace, begun[0])
    return json_answer(dumps({"run": run.id, "state": run.state, "error": run.error}))


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("fields", {})
    if not isinstance(found, dict):
        raise Refused([Problem(code="not_object", message=Phrase("fields is an object"), path="fields")])
    return found


def _confirm(body: dict[str, Any]) -> frozenset[str]:
    found = body.get("confirm", [])
    if not isinstance(found, list) or not all(isinstance(n, str) for n in found):
        raise Refused([Problem(code="not_list", message="confirm is a list of rule names", path="confirm")])
    return frozenset(found)
