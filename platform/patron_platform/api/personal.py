"""Personal documents over HTTP: `GET, PUT, DELETE /me/documents/{kind}/{name}`: a person's own views.

In: the body of a view (`object`, `where`, `columns` …; `shared: true` for others). Out: the same. Checked by the kind's schema.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.jsonio import dumps
from patron_platform import personal
from patron_platform.api.door import enter
from patron_platform.api.requests import Body, json_answer, json_object

router = APIRouter(prefix="/me/documents/{kind}/{name}")


@router.get("")
def read_document(request: Request, kind: str, name: str) -> Response:
    caller = enter(request)
    found = caller.workspace.reading(caller.actor, lambda conn, call: personal.find(conn, call, kind, name))
    return json_answer(dumps(found))


@router.put("")
def put_document(request: Request, kind: str, name: str, data: Body) -> Response:
    caller = enter(request)
    body = dict(json_object(request, data))
    shared = body.pop("shared", False) is True
    caller.workspace.writing(
        caller.actor,
        lambda conn, call: personal.put(conn, call, kind, name, body, shared=shared),
        caller.cause,
    )
    return json_answer(dumps({**body, **({"shared": True} if shared else {})}))


@router.delete("")
def delete_document(request: Request, kind: str, name: str) -> Response:
    caller = enter(request)
    if not caller.workspace.writing(
        caller.actor, lambda conn, call: personal.remove(conn, call, kind, name), caller.cause
    ):
        raise NotFound("you have no such document")
    return Response(status_code=204)
