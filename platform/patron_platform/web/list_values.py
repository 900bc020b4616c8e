"""Values: what may be chosen for a link in a list: the first records of an object, and those that a few letters find.

In: `GET /w/{workspace}/list/{object}/values?q=`. Out: `{"options": [{"value", "text"}]}` as a select one can type into asks for it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.jsonio import dumps
from patron_engine.page.paths import field_at, sorts
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read
from patron_platform.api.requests import json_answer, parameters
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

OFFERED = 50


def records_of(conn: psycopg.Connection[Any], call: Call, object: str, q: str = "") -> list[tuple[str, str]]:
    """Records one may choose: (id, title), by title; those that fit `q`."""
    found = known_object(call, object)
    by_title = sorts(field_at(call.model, call.actor, found, found.title))
    ask = Ask(
        object=found.name,
        fields=("id", found.title),
        sort=(found.title,) if by_title else (),
        limit=OFFERED,
        q=q or None,
    )
    return [(str(r["id"]), title_of(found, r)) for r in read(conn, call, ask, secret=b"").rows()]


@router.get("/values")
def values(request: Request, workspace: str, object: str) -> Response:
    visitor = enter(request, workspace)
    q = parameters(request).get("q", "")[:100]
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        options = [{"value": id, "text": title} for id, title in records_of(conn, call, object, q)]
    return json_answer(dumps({"options": options}))
