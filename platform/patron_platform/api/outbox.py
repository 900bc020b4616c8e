"""Outbox over HTTP: `GET /outbox?state=&kind=&before=`, `POST /outbox/{id}/replay`, `POST /outbox/{id}/give_up`; and `POST
/answers/{token}`, at which another system answers a run that stands for it.

In: administrators; for an answer whoever has its link. Out: what leaves, the latest first, without what is in it; 204.
"""

from __future__ import annotations

from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import SYSTEM
from patron_engine.errors import Conflict, Forbidden, NotFound, Refused
from patron_engine.flow import answering
from patron_engine.jsonio import dumps, whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record import outbox
from patron_platform.api.body import BodyTooLarge, read_json
from patron_platform.api.door import Caller, enter
from patron_platform.api.requests import Body, json_answer, only, parameters
from patron_platform.outward.client import ANSWER
from patron_platform.outward.links import read_answer_token
from patron_platform.service import Service

router = APIRouter()
NAMES = ("state", "kind", "before")
Connection = psycopg.Connection[object]


@router.get("/outbox")
def list_outbox(request: Request) -> Response:
    caller = administrator(request)
    given = parameters(request)
    only(given, NAMES, "parameter")
    before = _number(given.get("before"))

    def found(conn: Connection, call: Call) -> list[outbox.Seen]:
        return outbox.listed(
            conn, call.schema, state=given.get("state", ""), kind=given.get("kind", ""), before=before, most=outbox.SHOWN + 1
        )  # fmt: skip

    parcels = caller.workspace.reading(caller.actor, found)
    following = parcels[outbox.SHOWN - 1].number if len(parcels) > outbox.SHOWN else None
    shown = [p.as_dict() for p in parcels[: outbox.SHOWN]]
    return json_answer(dumps({"outbox": shown, "next": following}))


@router.post("/outbox/{id}/replay")
def replay(request: Request, id: UUID) -> Response:
    caller = administrator(request)
    caller.workspace.writing(
        caller.actor, lambda conn, call: outbox.again(conn, call.schema, str(id), call.now)
    )
    return Response(status_code=204)


@router.post("/outbox/{id}/give_up")
def give_up(request: Request, id: UUID) -> Response:
    caller = administrator(request)
    caller.workspace.writing(
        caller.actor, lambda conn, call: outbox.give_up(conn, call.schema, str(id), call.now)
    )
    return Response(status_code=204)


@router.post("/answers/{token}")
def answer(request: Request, token: str, data: Body) -> Response:
    """Once: a second answer, or one that comes too late, is a conflict."""
    service: Service = request.app.state.service
    workspace, run, parcel = read_answer_token(service.runtime.secret, token)
    if len(data) > ANSWER:
        raise BodyTooLarge(Phrase("an answer has at most {most} bytes", most=ANSWER))
    body = read_json(request.headers.get("content-type", ""), data) if data else None
    said = {"status": 200, "body": body, "error": None, "timed_out": False}
    try:
        place = service.runtime.workspace(workspace)
    except NotFound:
        raise NotFound("this link is not valid", code="link_not_valid") from None
    taken = place.writing(SYSTEM, lambda conn, call: answering.answered(conn, call.schema, run, parcel, said))
    if not taken:
        raise Conflict("nobody waits for this answer any more", code="answered_already")
    return Response(status_code=204)


def administrator(request: Request) -> Caller:
    caller = enter(request)
    if not caller.actor.administrator:
        raise Forbidden("you may not see what leaves the workspace", hint="an administrator may")
    return caller


def _number(text: str | None) -> int | None:
    number = whole(text) if text else None
    if text and (number is None or number < 0):
        raise Refused(
            [Problem(code="not_integer", message=Phrase("before is the number of a line"), path="before")]
        )
    return number
