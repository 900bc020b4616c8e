"""Buttons over HTTP: `GET /records/{object}/{id}/buttons` lists those that fit, `POST …/buttons/{name}` presses one.

In: `{"fields": {…}, "confirm": […]}`, the fields the button asks for. Out: `{"run", "state", "error"}`: how the run stands after it went
as far as it goes at once. What its first step refuses is refused whole. A button that asks for an approval submits: 202 with the
instance, as `submit` with `button` does.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.approval import store
from patron_engine.approval.value import OPEN
from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.flow.buttons import Button, buttons_of, offered
from patron_engine.flow.run import Run, said
from patron_engine.jsonio import dumps
from patron_engine.model.model import say
from patron_engine.page.pressable import reads_his
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.ways import approve
from patron_engine.ways.approval_standing import asking_buttons, ways_by_button
from patron_engine.ways.press import press
from patron_engine.ways.read import read_one
from patron_platform.api.approvals_written import instance_json
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.api.written import choosing
from patron_platform.jobs.flow import carry_on, hands
from patron_platform.phrases import written

router = APIRouter(prefix="/records/{object}/{id}/buttons")
Connection = psycopg.Connection[Any]


@router.get("")
def list_buttons(request: Request, object: str, id: str) -> Response:
    caller = enter(request)

    def act(conn: Connection, call: Call) -> list[dict[str, Any]]:
        found = known_object(call, object)
        known = str(read_one(conn, call, found.name, id, fields=("id",)).record()["id"])
        told = [_told(call, b) for b in offered(conn, call, found.name, known)]
        if store.of_record(conn, call.schema, found.name, known, open=True) is not None:
            return told
        asking = ways_by_button(conn, call, found.name, known)
        return [*told, *({"name": w.button, "label": w.label, "confirm": True, "ask": []} for w in asking)]

    return json_answer(dumps({"buttons": caller.workspace.reading(caller.actor, act)}))


def _run_told(run: Run, languages: tuple[str, ...]) -> dict[str, Any]:
    error = said(run.error)
    return {"run": run.id, "state": run.state, "error": written(error, languages) if error else None}


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
    only(body, ("fields", "confirm", "chosen"))
    change = Change(action="update", object=object, id=id, set=_fields(body), confirm=_confirm(body))
    who, _ = hands(caller.workspace)
    begun: list[str] = []

    def act(conn: Connection, call: Call) -> Answer:
        if _submits(call, object, name):
            chosen = choosing(call, body.get("chosen")).cause.chosen
            made = approve.submit(conn, call, object, id, button=name, chosen=chosen)
            return Answer(dumps(instance_json(conn, call, made.id)), 202 if made.state in OPEN else 200)
        run = press(conn, call, who, name, change)
        begun[:] = [run.id]
        return Answer(dumps(_run_told(run, call.actor.languages)))

    answer = write(request, caller, data, act)
    if not begun:
        return answer  # it was sent before
    run = carry_on(caller.workspace, begun[0])
    return json_answer(dumps(_run_told(run, caller.actor.languages)))


def _submits(call: Call, object: str, name: str) -> bool:
    """The button is that of an approval; an automation's of the same name comes first."""
    found = known_object(call, object)
    return name in asking_buttons(call, found.name) and all(
        b.name != name for b in buttons_of(call.model, found.name)
    )


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
