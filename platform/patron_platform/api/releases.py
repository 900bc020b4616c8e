"""Releases over HTTP: the list, one release's plan, and the way back."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps, whole
from patron_engine.problems import Problem
from patron_engine.release.releases import releases
from patron_platform.api.definitions import designer
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters
from patron_platform.languages import asked
from patron_platform.phrases import written_plan

router = APIRouter(prefix="/releases")


@router.get("")
def list_releases(request: Request) -> Response:
    """The newest first; `before=` a number gives the next ones."""
    caller = designer(request)
    given = parameters(request)
    only(given, ("before",), "parameter")
    before = given.get("before")
    number = None if before is None else whole(before)
    if before is not None and (number is None or number < 0):
        raise Refused(
            [Problem(code="not_integer", message="before is the number of a release", path="before")]
        )
    with caller.workspace.connection("read") as conn:
        rows = releases(conn, caller.workspace.schema, before=number)
    return json_answer(dumps({"releases": [row.as_dict() for row in rows]}))


@router.post("/{number}/rollback")
def roll_back(request: Request, number: int, data: Body) -> Response:
    """Without a checksum: the plan of publishing that release's documents again. With it: does so."""
    caller = designer(request)
    body = json_object(request, data)
    only(body, ("checksum",))
    publication = caller.workspace.plan_rollback(number)
    checksum = body.get("checksum")
    if checksum is None:
        return json_answer(dumps(written_plan(publication.as_dict(), asked(request))))
    if not isinstance(checksum, str):
        raise Refused([Problem(code="not_text", message="checksum is a text", path="checksum")])
    release = caller.workspace.publish(caller.actor, publication, confirm=checksum)
    return json_answer(dumps(release.as_dict()), 201)
