"""Automations over HTTP: listed, tried, replayed over existing records, their addresses.

In: requests below /automations, for administrators; replaying is for who may change the automation, too. Out: JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden, Refused
from patron_engine.flow.catalog import known
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import hooks, replaying, trying
from patron_engine.ways.trying import Wanted
from patron_platform.api.door import Caller, enter
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.jobs.flow import hands
from patron_platform.service import Service
from patron_platform.trials import as_dict

router = APIRouter(prefix="/automations")
Connection = psycopg.Connection[Any]
Made = TypeVar("Made")


@router.get("")
def list_automations(request: Request) -> Response:
    caller = _administrator(request)
    found = caller.workspace.reading(
        caller.actor, lambda _, call: [a.as_dict(caller.actor.languages) for a in known(call.model)]
    )
    return json_answer(dumps({"automations": found}))


@router.post("/{name}/try")
def try_automation(request: Request, name: str, data: Body) -> Response:
    """`{"records": [ids], "set": {field: value}, "event": "created"}`: nothing of it stays."""
    caller = _administrator(request)
    body = json_object(request, data)
    only(body, ("records", "set", "event"))
    wanted = Wanted(
        rule=name, records=tuple(_texts(body, "records")), event=_text(body, "event") or "", set=_map(body, "set")
    )  # fmt: skip
    who, _ = hands(caller.workspace)

    def act(conn: Connection, call: Call) -> list[dict[str, Any]]:
        made = trying.try_rule(conn, call, who, wanted)
        return [as_dict(call, one) for one in made]

    return json_answer(dumps({"tried": caller.workspace.writing(caller.actor, act, caller.cause)}))


# -- replays ------------------------------------------------------------------------------------------------------


@router.post("/{name}/replay/preview")
def preview_replay(request: Request, name: str, data: Body) -> Response:
    caller, where = _replayed(request, data)
    found = caller.workspace.reading(
        caller.actor, lambda conn, call: replaying.preview(conn, call, name, where)
    )
    told = {"total": found.total, "looked_at": found.looked_at, "fits": found.fits, "first": list(found.first)}  # fmt: skip
    return json_answer(dumps(told))


@router.post("/{name}/replay")
def begin_replay(request: Request, name: str, data: Body) -> Response:
    caller, where = _replayed(request, data)
    made = caller.workspace.writing(
        caller.actor, lambda conn, call: replaying.begin(conn, call, name, where), caller.cause
    )
    return json_answer(dumps(made.as_dict()), 201)


@router.get("/{name}/replays")
def list_replays(request: Request, name: str) -> Response:
    caller = _administrator(request)
    found = caller.workspace.reading(caller.actor, lambda conn, call: replaying.listed(conn, call, name))
    return json_answer(dumps({"replays": [r.as_dict() for r in found]}))


@router.post("/{name}/replays/{id}/{move}")
def move_replay(request: Request, name: str, id: UUID, move: str) -> Response:
    """`pause`, `resume`, `stop`."""
    caller = enter(request)
    if move not in replaying.MOVES:
        raise Refused([Problem(code="unknown_act", message=Phrase("a replay is paused, resumed or stopped"))])
    made = caller.workspace.writing(
        caller.actor, lambda conn, call: replaying.move(conn, call, str(id), move), caller.cause
    )
    return json_answer(dumps(made.as_dict()))


def _replayed(request: Request, data: bytes) -> tuple[Caller, str | None]:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("where",))
    return caller, _text(body, "where")


# -- addresses ----------------------------------------------------------------------------------------------------


@router.get("/{name}/hook")
def show_hook(request: Request, name: str) -> Response:
    return _hook(request, lambda conn, call, key: hooks.hook_of(conn, call, key, name))


@router.post("/{name}/hook/rotate")
def rotate_hook(request: Request, name: str) -> Response:
    return _hook(request, lambda conn, call, key: hooks.rotate(conn, call, key, name))


@router.put("/{name}/hook")
def change_hook(request: Request, name: str, data: Body) -> Response:
    """`{"signed": true}`: only calls with a right signature are taken."""
    body = json_object(request, data)
    only(body, ("signed",))
    signed = body.get("signed")
    if not isinstance(signed, bool):
        raise Refused([Problem(code="not_boolean", message=Phrase("signed is true or false"), path="signed")])
    return _hook(request, lambda conn, call, key: hooks.demand(conn, call, key, name, signed))


def _hook(request: Request, act: Callable[[Connection, Call, bytes], hooks.Hook]) -> Response:
    caller = _administrator(request)
    service: Service = request.app.state.service
    key = service.runtime.secret
    made = caller.workspace.writing(caller.actor, lambda conn, call: act(conn, call, key), caller.cause)
    told = {
        "address": f"/api/v1/hooks/{made.token}", "secret": made.secret, "signed": made.signed, "at": made.at,
    }  # fmt: skip
    return json_answer(dumps(told))


# -- what is sent -------------------------------------------------------------------------------------------------


def _administrator(request: Request) -> Caller:
    caller = enter(request)
    if not caller.actor.administrator:
        raise Forbidden("you may not see what automations do", hint="an administrator may")
    return caller


def _texts(body: dict[str, Any], name: str) -> list[str]:
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refused(
            [Problem(code="not_list", message=Phrase("{name} is a list of ids", name=name), path=name)]
        )
    return found


def _text(body: dict[str, Any], name: str) -> str | None:
    found = body.get(name)
    if found is not None and not isinstance(found, str):
        raise Refused([Problem(code="not_text", message=Phrase("{name} is a text", name=name), path=name)])
    return found


def _map(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise Refused(
            [Problem(code="not_object", message=Phrase("{name} is an object", name=name), path=name)]
        )
    return found
