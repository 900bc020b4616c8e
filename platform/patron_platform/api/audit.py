"""Audit over HTTP: `GET /audit?who=&action=&about=&since=&until=&before=`, for administrators.

In: what to look for; days are of the workspace's zone. Out: entries, the latest first, and `next` to go on with as `before`.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden
from patron_engine.jsonio import dumps
from patron_engine.query.call import Call
from patron_engine.record import audit
from patron_platform.api.door import enter
from patron_platform.api.requests import json_answer, only, parameters
from patron_platform.web.audit import NAMES, SHOWN, wanted_of

router = APIRouter(prefix="/audit")


@router.get("")
def list_entries(request: Request) -> Response:
    caller = enter(request)
    if not caller.actor.administrator:
        raise Forbidden("you may not see the audit", hint="an administrator may")
    given = parameters(request)
    only(given, (*NAMES, "before"), "parameter")

    def found(conn: psycopg.Connection[Any], call: Call) -> list[audit.Entry]:
        wanted = wanted_of(given, call.model.workspace.zone)
        return audit.entries(conn, call.schema, wanted, SHOWN + 1)

    entries = caller.workspace.reading(caller.actor, found)
    following = entries[SHOWN - 1].id if len(entries) > SHOWN else None
    return json_answer(dumps({"entries": [e.as_dict() for e in entries[:SHOWN]], "next": following}))
