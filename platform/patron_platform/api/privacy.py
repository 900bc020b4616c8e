"""Personal data over HTTP, for administrators: `GET /personal-data`, `POST /personal-data/find|preview|export|erase`.

In: `{"value": "13800138000"}` to find somebody; `{"records": [{"object": "contact", "id": …}]}` for one person, and for an erasure the
`confirm` of its preview. Out: JSON, the export a ZIP. Values that are looked for stand in no address: addresses are logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import erase as erasing
from patron_engine.ways.inventory import inventory
from patron_engine.ways.subject import Found, Ref, find_person, must_administer, others, refs_of
from patron_platform.api.door import enter
from patron_platform.api.exports import sent
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.privacy import erase, write_zip

router = APIRouter(prefix="/personal-data")


@router.get("")
def list_personal_data(request: Request) -> Response:
    caller = enter(request)
    found = caller.workspace.reading(caller.actor, inventory)
    return json_answer(dumps({"objects": [entry.as_dict() for entry in found]}))


@router.post("/find")
def find(request: Request, data: Body) -> Response:
    body = json_object(request, data)
    only(body, ("value",))
    value = body.get("value")
    if not isinstance(value, str):
        raise Refused([Problem(code="not_text", message="value is a text", path="value")])
    caller = enter(request)
    found = caller.workspace.reading(caller.actor, lambda conn, call: find_person(conn, call, value))
    return json_answer(dumps({"records": [_plain(f) for f in found]}))


@router.post("/preview")
def preview(request: Request, data: Body) -> Response:
    """What an erasure would do, and other records that may be the same person's."""
    body = json_object(request, data)
    only(body, ("records",))
    caller = enter(request)

    def look(conn: Any, call: Call) -> dict[str, Any]:
        refs = named(call, body)
        perhaps = [_plain(f) for f in others(conn, call, refs)]
        return {**erasing.preview(conn, call, refs).as_dict(), "perhaps": perhaps}

    return json_answer(dumps(caller.workspace.reading(caller.actor, look)))


@router.post("/export")
def export(request: Request, data: Body) -> Response:
    body = json_object(request, data)
    only(body, ("records",))
    caller = enter(request)
    refs = caller.workspace.reading(caller.actor, lambda _, call: named(call, body))
    return sent(
        "person", "zip",
        lambda target: write_zip(request.app.state.service, caller.workspace, caller.actor, caller.cause, refs, target),
    )  # fmt: skip


@router.post("/erase")
def erase_person(request: Request, data: Body) -> Response:
    body = json_object(request, data)
    only(body, ("records", "confirm"))
    confirm = body.get("confirm")
    if not isinstance(confirm, str):
        problem = Problem(
            code="required", message="confirm is the checksum of the preview", path="confirm",
            hint="POST /personal-data/preview shows what would be done",
        )  # fmt: skip
        raise Refused([problem])
    caller = enter(request)
    refs = caller.workspace.reading(caller.actor, lambda _, call: named(call, body))
    done = erase(request.app.state.service, caller.workspace, caller.actor, caller.cause, refs, confirm)
    return json_answer(dumps(done.as_dict()))


def named(call: Call, body: Mapping[str, Any]) -> list[Ref]:
    """The records of a body. Forbidden before anything is said about them."""
    must_administer(call)
    given = body.get("records")
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        message = 'records is a list like [{"object": "contact", "id": "…"}]'
        raise Refused([Problem(code="not_list", message=message, path="records")])
    return refs_of(call, given)


def _plain(found: Found) -> dict[str, Any]:
    return {
        "object": found.object, "id": found.id, "title": found.title, "deleted": found.deleted, "fields": found.fields,
    }  # fmt: skip
