"""Access over HTTP: who may do what with a record or an object, and why.

In: `GET /records/{object}/{id}/access`, with `user=`, `action=`, `field=` for one explanation; `GET /objects/{object}/access` for
the object as a whole. Out: for who manages people, or owns the record, everybody who may see it with what was given singly;
an explanation as codes and as sentences. Anybody else is told what he may do himself.
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
from patron_engine.query.names import known_object
from patron_engine.ways.read import read_one
from patron_platform.answers import Answer, Asked, Audience, answer, audience, owns
from patron_platform.api.door import Caller, enter
from patron_platform.api.requests import json_answer, only, parameters
from patron_platform.colleagues import Colleague, colleague, manages

router = APIRouter()
ASKED = ("user", "action", "field")


@router.get("/records/{object}/{id}/access")
def record_access(request: Request, object: str, id: str) -> Response:
    caller, given = _asked(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> dict[str, Any]:
        found = known_object(call, object)
        read_one(conn, call, found.name, id, fields=("id",))
        if given:
            about = _about(conn, call, given)
            asked = Asked(object=object, id=id, action=given.get("action", "read"), field=given.get("field"))
            return answer(conn, call, about, asked).as_dict()
        made: dict[str, Any] = {}
        if caller.actor.user is not None:
            me = colleague(conn, call, caller.actor.user)
            mine = [answer(conn, call, me, Asked(object=object, id=id, action=a)) for a in ("read", "update")]
            made["you"] = [each.as_dict() for each in mine]
        if manages(call.model, call.actor) or owns(conn, call, found, id):
            made |= audience_json(audience(conn, call, found, id))
        return made

    return json_answer(dumps(caller.workspace.reading(caller.actor, act)))


@router.get("/objects/{object}/access")
def object_access(request: Request, object: str) -> Response:
    caller, given = _asked(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        known_object(call, object)
        about = _about(conn, call, given)
        asked = Asked(object=object, action=given.get("action", "read"), field=given.get("field"))
        return answer(conn, call, about, asked)

    return json_answer(dumps(caller.workspace.reading(caller.actor, act).as_dict()))


def audience_json(found: Audience) -> dict[str, Any]:
    return {
        "people": [
            {
                "id": p.id,
                "name": p.name,
                "can": "edit" if p.edits else "read",
                "administrator": p.administrator,
            }
            for p in found.people
        ],
        "more": found.more,
        "given": [
            {"to": g.principal, "name": name, "level": g.level, "reason": g.reason, "until": g.until}
            for name, g in found.given
        ],
    }


def _asked(request: Request) -> tuple[Caller, dict[str, str]]:
    caller = enter(request)
    given = parameters(request)
    only(given, ASKED, "parameter")
    return caller, given


def _about(conn: psycopg.Connection[Any], call: Call, given: dict[str, str]) -> Colleague:
    """Whom it is about: himself where nobody is named. Whether another is there is told to who manages people only."""
    own = call.actor.user or ""
    wanted = given.get("user") or own
    if wanted not in (own, call.actor.name) and not manages(call.model, call.actor):
        raise Forbidden("you may ask what you may do, not what others may", hint="an administrator may")
    return colleague(conn, call, wanted)
