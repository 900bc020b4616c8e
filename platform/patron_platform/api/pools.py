"""Pools over HTTP: claimed, assigned, given back, moved.

In: `POST /records/{object}/{id}/claim` `{"to": {"user": ID}}`, `…/return` `{"reason", "note", "pool"}`, `…/pool` `{"pool": NAME}`, for one
record, `…/extend` `{"note"}` (its owner asks for more time) or `{"grant": true | false, "note"}` (a manager answers); the same without an id for many, with `{"ids": […]}`. `GET /pools`. Out: JSON; of many, what became of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import dumps
from patron_engine.page.pools import pools_for
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.ways import pools
from patron_engine.ways.pool_extend import decide, extend
from patron_engine.ways.pool_people import Done, standing_in
from patron_engine.ways.pools import Back
from patron_engine.ways.principals import principal_of
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters
from patron_platform.phrases import written

router = APIRouter()
Connection = psycopg.Connection[Any]
Act = Callable[[Connection, Call, Sequence[str]], list[Done]]
KEYS = {
    "claim": ("to",),
    "return": ("reason", "note", "pool"),
    "pool": ("pool",),
    "extend": ("note", "grant"),
}


@router.get("/pools")
def my_pools(request: Request) -> Response:
    """The pools the caller is a member or manager of, with what he may still claim."""
    caller = enter(request)
    only(parameters(request), (), "parameter")

    def look(conn: Connection, call: Call) -> list[dict[str, Any]]:
        reader = Reader(
            languages=call.actor.languages,
            zone=call.model.workspace.zone,
            currency=call.model.workspace.currency,
            now=call.now,
        )
        return [
            {
                "name": p.name, "label": p.label, "object": p.object, "claims": p.claims, "manages": p.manages,
                "limits": None if p.limits is None else {
                    "per_day": p.limits.per_day, "today": p.limits.today, "holding": p.limits.holding, "held": p.limits.held,
                    "in_all": p.limits.in_all, "held_in_all": p.limits.held_in_all,
                },
            }
            for p in pools_for(conn, call, reader)
        ]  # fmt: skip

    return json_answer(dumps({"pools": caller.workspace.reading(caller.actor, look)}))


@router.post("/records/{object}/{id}/claim")
def claim(request: Request, object: str, id: str, data: Body) -> Response:
    return _one(request, object, id, data, "claim")


@router.post("/records/{object}/{id}/return")
def give_back(request: Request, object: str, id: str, data: Body) -> Response:
    return _one(request, object, id, data, "return")


@router.post("/records/{object}/{id}/pool")
def move(request: Request, object: str, id: str, data: Body) -> Response:
    return _one(request, object, id, data, "pool")


@router.post("/records/{object}/{id}/extend")
def more_time(request: Request, object: str, id: str, data: Body) -> Response:
    return _one(request, object, id, data, "extend")


@router.post("/records/{object}/claim")
def claim_many(request: Request, object: str, data: Body) -> Response:
    return _many(request, object, data, "claim")


@router.post("/records/{object}/return")
def give_many_back(request: Request, object: str, data: Body) -> Response:
    return _many(request, object, data, "return")


@router.post("/records/{object}/pool")
def move_many(request: Request, object: str, data: Body) -> Response:
    return _many(request, object, data, "pool")


@router.post("/records/{object}/extend")
def more_time_for_many(request: Request, object: str, data: Body) -> Response:
    return _many(request, object, data, "extend")


def _one(request: Request, object: str, id: str, data: bytes, what: str) -> Response:
    """One record: done, or the error why not."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, KEYS[what])

    def act(conn: Connection, call: Call) -> Answer:
        ((known, error),) = _act(what, body)(conn, call, object, [_id(id)])
        if error is not None:
            raise error
        pool = standing_in(conn, call, known_object(call, object).name, known)
        return Answer(
            dumps({"id": known, "pool": pool[0] if pool else None, "waits": bool(pool and pool[1])})
        )

    return write(request, caller, data, act)


def _many(request: Request, object: str, data: bytes, what: str) -> Response:
    """Each by itself; which did not go, and why."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("ids", *KEYS[what]))
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise Refused([Problem(code="not_list", message=Phrase("ids is a list of ids"), path="ids")])

    def act(conn: Connection, call: Call) -> Answer:
        found = _act(what, body)(conn, call, object, [_id(id) for id in ids])
        return Answer(dumps({"results": [_told(call, id, error) for id, error in found]}))

    return write(request, caller, data, act)


def _told(call: Call, id: str, error: PatronError | None) -> dict[str, Any]:
    if error is None:
        return {"id": id}
    return {"id": id, "code": error.code, "detail": written(error.detail, call.actor.languages)}


def _act(what: str, body: Mapping[str, Any]) -> Callable[[Connection, Call, str, Sequence[str]], list[Done]]:
    if what == "claim":
        return lambda conn, call, object, ids: pools.claim(
            conn, call, object, ids, _person(conn, call, body.get("to"))
        )
    if what == "extend":
        return _extended(body)
    texts = {name: _text(body.get(name), name) for name in KEYS[what]}
    if what == "return":
        return lambda conn, call, object, ids: pools.give_back(conn, call, object, ids, Back(**texts))
    if texts["pool"] is None:
        raise Refused([Problem(code="required", message=Phrase("name the pool"), path="pool")])
    pool = texts["pool"]
    return lambda conn, call, object, ids: pools.move(conn, call, object, ids, pool)


def _extended(
    body: Mapping[str, Any],
) -> Callable[[Connection, Call, str, Sequence[str]], list[Done]]:
    note, grant = _text(body.get("note"), "note"), body.get("grant")
    if grant is None:
        return lambda conn, call, object, ids: extend(conn, call, object, ids, note)
    if not isinstance(grant, bool):
        raise Refused(
            [
                Problem(
                    code="not_boolean", message=Phrase("{name} is true or false", name="grant"), path="grant"
                )
            ]
        )
    return lambda conn, call, object, ids: decide(conn, call, object, ids, grant, note)


def _person(conn: Connection, call: Call, to: Any) -> str | None:
    return None if to is None else principal_of(conn, call, to, ("user",)).id


def _text(value: Any, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise Refused([Problem(code="not_text", message=Phrase("{name} is a text", name=name), path=name)])


def _id(id: str) -> str:
    try:
        return read_id(id)
    except ValueFault as fault:
        raise Refused(
            [Problem(code=fault.code, message=fault.message, path="ids", hint=fault.hint)]
        ) from None
