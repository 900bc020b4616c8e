"""Runs over HTTP: `GET /runs?rule=&state=&record=&before=`, `GET /runs/{id}`, `POST /runs/{id}/replay`, `POST /runs/{id}/give_up`.

In: for administrators. Out: runs of automations, the latest first, with `next` to go on with as `before`; one with its steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden, Refused
from patron_engine.flow import look
from patron_engine.jsonio import dumps, whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_platform.api.door import Caller, enter
from patron_platform.api.requests import json_answer, only, parameters
from patron_platform.phrases import written

router = APIRouter(prefix="/runs")
NAMES = ("rule", "state", "record", "before")


@router.get("")
def list_runs(request: Request) -> Response:
    caller = _administrator(request)
    given = parameters(request)
    only(given, NAMES, "parameter")
    wanted = look.Wanted(
        rule=given.get("rule", ""), state=given.get("state", ""), record=given.get("record", ""), before=_number(given.get("before"))
    )  # fmt: skip

    def found(conn: psycopg.Connection[object], call: Call) -> list[look.Seen]:
        return look.listed(conn, call.schema, wanted, look.SHOWN + 1)

    runs = caller.workspace.reading(caller.actor, found)
    following = runs[look.SHOWN - 1].number if len(runs) > look.SHOWN else None
    return json_answer(
        dumps({"runs": [_told(caller, r.as_dict()) for r in runs[: look.SHOWN]], "next": following})
    )


@router.get("/{id}")
def open_run(request: Request, id: UUID) -> Response:
    caller = _administrator(request)
    run, steps = caller.workspace.reading(
        caller.actor, lambda conn, call: look.opened(conn, call.schema, str(id))
    )
    taken = [{**s.as_dict(), "told": _told(caller, s.told)} for s in steps]
    return json_answer(dumps({**_told(caller, run.as_dict()), "taken": taken}))


@router.post("/{id}/replay")
def replay(request: Request, id: UUID) -> Response:
    caller = _administrator(request)
    caller.workspace.writing(caller.actor, lambda conn, call: look.replay(conn, call, str(id)))
    return Response(status_code=204)


@router.post("/{id}/give_up")
def give_up(request: Request, id: UUID) -> Response:
    caller = _administrator(request)
    caller.workspace.writing(caller.actor, lambda conn, call: look.give_up(conn, call, str(id)))
    return Response(status_code=204)


def _told(caller: Caller, given: Mapping[str, Any]) -> dict[str, Any]:
    """With why it failed in the caller's language."""
    words = {
        n: written(v, caller.actor.languages) for n in ("error", "why") if isinstance(v := given.get(n), str)
    }
    return {**given, **words}


def _administrator(request: Request) -> Caller:
    caller = enter(request)
    if not caller.actor.administrator:
        raise Forbidden("you may not see what automations do", hint="an administrator may")
    return caller


def _number(text: str | None) -> int | None:
    number = whole(text) if text else None
    if text and (number is None or number < 0):
        problem = Problem(code="not_integer", message=Phrase("before is the number of a run"), path="before")
        raise Refused([problem])
    return number
