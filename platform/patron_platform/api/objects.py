"""What there is, as the caller may see it: objects, one object with its fields, himself, the OpenAPI description."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable, writable
from patron_engine.errors import NotFound
from patron_engine.jsonio import dumps
from patron_engine.model.describe import describe_brief, describe_object
from patron_engine.phrases import Phrase
from patron_engine.query.names import known_object
from patron_platform.api.door import enter
from patron_platform.api.openapi import describe
from patron_platform.api.requests import json_answer

router = APIRouter()


@router.get("/objects")
def list_objects(request: Request) -> Response:
    caller = enter(request)
    with caller.workspace.connection("read") as conn:
        call = caller.workspace.call(conn, caller.actor)
    found = [
        describe_brief(o) for o in call.model.objects.values() if readable(call.model, call.actor, o.name)
    ]
    return json_answer(dumps({"objects": found, "release": call.model.release}))


@router.get("/objects/{object}")
def read_object(request: Request, object: str) -> Response:
    caller = enter(request)
    with caller.workspace.connection("read") as conn:
        call = caller.workspace.call(conn, caller.actor)
    found = known_object(call, object)
    names = readable(call.model, call.actor, found.name)
    if not names:
        raise NotFound(Phrase("there is no object {object!r}", object=object[:60]))
    made = describe_object(found, names, writable(call.model, call.actor, found.name))
    return json_answer(dumps(made))


@router.get("/me")
def read_me(request: Request) -> Response:
    caller = enter(request)
    return json_answer(
        dumps(
            {
                "user": caller.actor.user,
                "email": caller.actor.name,
                "workspace": caller.workspace.name,
                "administrator": caller.actor.administrator,
                "languages": caller.actor.languages,
            }
        )
    )


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    caller = enter(request)
    with caller.workspace.connection("read") as conn:
        call = caller.workspace.call(conn, caller.actor)
    return json_answer(dumps(describe(call.model, call.actor, caller.workspace.name, str(request.base_url))))
