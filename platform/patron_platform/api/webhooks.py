"""Webhooks over HTTP: `GET /webhooks`, `POST /webhooks` `{"label", "url", "events"}`, `DELETE /webhooks/{id}`, `POST
/webhooks/{id}/renew|settle|on|off`, `GET /webhooks/{id}/deliveries`.

In: administrators. Out: webhooks without their secrets; the secret of a new one and of a renewed one, once.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record import audit, hooks, outbox
from patron_platform.api.outbox import administrator
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.outward.sending import outside_of
from patron_platform.outward.subscribing import problems_of

router = APIRouter(prefix="/webhooks")
Connection = psycopg.Connection[Any]
KEYS = ("label", "url", "events")


@router.get("")
def list_webhooks(request: Request) -> Response:
    caller = administrator(request)
    found = caller.workspace.reading(caller.actor, lambda conn, call: hooks.webhooks(conn, call.schema))
    return json_answer(dumps({"webhooks": [h.as_dict() for h in found]}))


@router.post("")
def subscribe(request: Request, data: Body) -> Response:
    caller = administrator(request)
    given = json_object(request, data)
    only(given, KEYS)
    label, url, events = given.get("label", ""), given.get("url", ""), given.get("events", [])
    wrong = [
        Problem(code="not_text", message="this must be a text", path=name)
        for name, value in (("label", label), ("url", url))
        if not isinstance(value, str)
    ]
    if not isinstance(events, list) or not all(isinstance(e, str) for e in events):
        wrong.append(Problem(code="not_list", message="this must be a list of texts", path="events"))
    if wrong:
        raise Refused(wrong)
    vault = caller.workspace.vault

    def act(conn: Connection, call: Call) -> tuple[str, str]:
        found = problems_of(call.model, label, url, events, outside_of(request.app.state.service))
        if found:
            raise Refused(found)
        id = call.new_id()
        secret = hooks.subscribe(
            conn,
            call.schema,
            vault,
            id,
            label=label,
            url=url,
            events=events,
            person=call.actor.user,
            now=call.now,
        )
        audit.note(conn, call, "webhook_changed", label)
        return id, secret

    id, secret = caller.workspace.writing(caller.actor, act, caller.cause)
    return json_answer(dumps({"id": id, "secret": secret}), 201)


@router.delete("/{id}")
def unsubscribe(request: Request, id: UUID) -> Response:
    caller = administrator(request)

    def act(conn: Connection, call: Call) -> None:
        label = hooks.webhook(conn, call.schema, str(id)).label
        hooks.unsubscribe(conn, call.schema, str(id))
        audit.note(conn, call, "webhook_removed", label)

    caller.workspace.writing(caller.actor, act, caller.cause)
    return Response(status_code=204)


@router.post("/{id}/renew")
def renew(request: Request, id: UUID) -> Response:
    """Another secret; both sign until `settle`."""
    caller = administrator(request)
    vault = caller.workspace.vault
    secret = caller.workspace.writing(
        caller.actor, lambda conn, call: hooks.renew(conn, call.schema, vault, str(id)), caller.cause
    )
    return json_answer(dumps({"secret": secret}))


@router.post("/{id}/settle")
def settle(request: Request, id: UUID) -> Response:
    caller = administrator(request)
    caller.workspace.writing(
        caller.actor, lambda conn, call: hooks.settle(conn, call.schema, str(id)), caller.cause
    )
    return Response(status_code=204)


@router.post("/{id}/on")
def on(request: Request, id: UUID) -> Response:
    return _switched(request, id, True)


@router.post("/{id}/off")
def off(request: Request, id: UUID) -> Response:
    return _switched(request, id, False)


def _switched(request: Request, id: UUID, to: bool) -> Response:
    caller = administrator(request)
    caller.workspace.writing(
        caller.actor, lambda conn, call: hooks.switch(conn, call.schema, str(id), to), caller.cause
    )
    return Response(status_code=204)


@router.get("/{id}/deliveries")
def deliveries(request: Request, id: UUID) -> Response:
    caller = administrator(request)

    def found(conn: Connection, call: Call) -> list[outbox.Seen]:
        hooks.webhook(conn, call.schema, str(id))
        return outbox.listed(conn, call.schema, state="all", via=str(id))

    shown = caller.workspace.reading(caller.actor, found)
    return json_answer(dumps({"deliveries": [p.as_dict() for p in shown]}))
