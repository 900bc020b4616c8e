"""Records over HTTP: lists, one record, create, update, delete, upsert, bulk, and what hangs on a record.

In: requests under /records/{object}. Out: JSON as the way read makes it; writes go through the way save and answer with
the record as it is afterwards. No rule about records stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import Cause
from patron_engine.errors import LimitExceeded, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import dumps
from patron_engine.page.gifts import with_names
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.history import history
from patron_engine.query.names import permitted_object
from patron_engine.query.parse import parse_body, parse_parameters
from patron_engine.query.spec import Found, Within
from patron_engine.record.change import Action, Change
from patron_engine.record.merged import merged_into
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_engine.ways.unmask import unmask
from patron_platform.api.clone import cloned
from patron_platform.api.door import Caller, enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import (
    Body,
    etag,
    json_answer,
    json_object,
    names,
    only,
    parameters,
    seen_version,
)
from patron_platform.api.saved import done, result, saved
from patron_platform.api.written import bulk_change, change_of, choosing

router = APIRouter(prefix="/records/{object}")
MAX_BULK = 1_000
CHOSEN = "chosen."  # a parameter of DELETE for each step: who decides there


@router.get("")
def list_records(request: Request, object: str) -> Response:
    caller = enter(request)
    page = caller.workspace.read(caller.actor, parse_parameters(object, parameters(request)))
    return json_answer(page.json)


@router.post("/query")
def query_records(request: Request, object: str, data: Body) -> Response:
    caller = enter(request)
    page = caller.workspace.read(caller.actor, parse_body(object, json_object(request, data)))
    return json_answer(page.json)


@router.get("/{id}")
def read_record(request: Request, object: str, id: str) -> Response:
    caller = enter(request)
    given = parameters(request)
    only(given, ("fields", "expand"), "parameter")
    fields, expand = names(given.get("fields")) or None, names(given.get("expand"))
    found = caller.workspace.reading(
        caller.actor, lambda conn, call: _read(conn, call, object, id, fields, expand)
    )
    if isinstance(found, str):
        return Response(status_code=308, headers={"Location": f"/api/v1/records/{object}/{found}"})
    headers = etag(found.version)
    if request.headers.get("if-none-match") == headers["ETag"] and not fields and not expand:
        return Response(status_code=304, headers=headers)
    return json_answer(found.json, headers=headers)


def _read(
    conn: psycopg.Connection[Any],
    call: Call,
    object: str,
    id: str,
    fields: Sequence[str] | None,
    expand: Sequence[str],
) -> Found | str:
    """The record; of one that was merged the id of what it became, for whoever may read that."""
    try:
        return read_one(conn, call, object, id, fields=fields, expand=expand)
    except NotFound as missing:
        known = call.model.object(object)
        try:
            winner = merged_into(conn, call, known.name, read_id(id)) if known is not None else None
        except ValueFault:
            raise missing from None
        if winner is None or known is None:
            raise
        read_one(conn, call, known.name, winner, fields=("id",))
        return winner


@router.post("")
def create_record(request: Request, object: str, data: Body) -> Response:
    caller = enter(request)
    body, confirm = json_object(request, data), _confirmed(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        change = change_of(call, "create", object, body, confirm)
        return saved(conn, choosing(call, body, object), change, created=True)

    return write(request, caller, data, act)


@router.patch("/{id}")
def update_record(request: Request, object: str, id: str, data: Body) -> Response:
    caller = enter(request)
    body, confirm, version = json_object(request, data), _confirmed(request), seen_version(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        change = change_of(call, "update", object, body, confirm)
        return saved(conn, choosing(call, body, object), replace(change, id=id, version=version))

    return write(request, caller, data, act)


@router.delete("/{id}")
def delete_record(request: Request, object: str, id: str) -> Response:
    caller = enter(request)
    given = parameters(request)
    chosen = {k.removeprefix(CHOSEN): list(names(v)) for k, v in given.items() if k.startswith(CHOSEN)}
    only({k: v for k, v in given.items() if not k.startswith(CHOSEN)}, ("confirm", "purge"), "parameter")
    action: Action = "purge" if given.get("purge") == "true" else "delete"
    confirm = frozenset(names(given.get("confirm")))
    change = Change(action=action, object=object, id=id, version=seen_version(request), confirm=confirm)
    return write(request, caller, b"", lambda conn, call: done(conn, choosing(call, chosen or None), change))


@router.put("/by/{field}/{value:path}")
def upsert_record(request: Request, object: str, field: str, value: str, data: Body) -> Response:
    caller = enter(request)
    body, confirm, version = json_object(request, data), _confirmed(request), seen_version(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        change = change_of(call, "upsert", object, body, confirm)
        return saved(conn, choosing(call, body, object), replace(change, by=(field, value), version=version))

    return write(request, caller, data, act)


@router.post("/bulk")
def bulk(request: Request, object: str, data: Body) -> Response:
    """`{"mode": "all" | "each", "records": [{…}, {"id", "version", …}, {"id", "delete": true}], "chosen": {…}}`."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("mode", "records", "chosen"))
    mode, records = body.get("mode", "all"), body.get("records")
    if mode not in ("all", "each"):
        raise Refused([Problem(code="unknown_value", message="mode is all or each", path="mode")])
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise Refused([Problem(code="not_list", message="records is a list of objects", path="records")])
    if len(records) > MAX_BULK:
        raise LimitExceeded(
            Phrase("a bulk request holds at most {most} records", most=MAX_BULK), code="bulk_records"
        )
    confirm = _confirmed(request)
    bulky = replace(caller, cause=Cause(kind=caller.cause.kind, detail={**caller.cause.detail, "bulk": True}))

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        permitted_object(call, object, "bulk")
        call = choosing(call, body.get("chosen"))
        changes = [bulk_change(call, object, row, index, confirm) for index, row in enumerate(records)]
        return Answer(
            dumps(
                {"results": [result(o, call.actor.languages) for o in save(conn, call, changes, mode=mode)]}
            )
        )

    return write(request, bulky, data, act)


@router.get("/{id}/history")
def read_history(request: Request, object: str, id: str) -> Response:
    caller = enter(request)
    rows = caller.workspace.reading(
        caller.actor, lambda conn, call: with_names(conn, call, history(conn, call, object, id))
    )
    return json_answer(dumps({"history": rows}))


@router.get("/{id}/related/{set}")
def read_related(request: Request, object: str, id: str, set: str) -> Response:
    caller = enter(request)
    ask = replace(parse_parameters("", parameters(request)), within=Within(object=object, id=id, set=set))
    return json_answer(caller.workspace.read(caller.actor, ask).json)


@router.get("/{id}/activities")
def read_activities(request: Request, object: str, id: str) -> Response:
    return read_related(request, object, id, "activities")


@router.get("/{id}/comments")
def read_comments(request: Request, object: str, id: str) -> Response:
    return read_related(request, object, id, "comments")


@router.post("/{id}/clone")
def clone_record(request: Request, object: str, id: str, data: Body) -> Response:
    caller = enter(request)
    body, confirm = json_object(request, data), _confirmed(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        given = change_of(call, "create", object, body, confirm)
        change = replace(given, set={**cloned(conn, call, object, id), **given.set})
        return saved(conn, choosing(call, body, object), change, created=True)

    return write(request, caller, data, act)


@router.post("/{id}/unmask")
def unmask_fields(request: Request, object: str, id: str, data: Body) -> Response:
    """`{"fields": ["id_card"]}`: masked values as they are, for whoever may; it is written down that he looked."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("fields",))
    wanted = body.get("fields")
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        raise Refused([Problem(code="not_list", message="fields is a list of names", path="fields")])
    found = caller.workspace.writing(
        caller.actor, lambda conn, call: unmask(conn, call, object, id, wanted), caller.cause
    )
    return json_answer(dumps({"values": found}), headers={"Cache-Control": "no-store"})


@router.post("/{id}/{action}")
def act_on_record(request: Request, object: str, id: str, action: str, data: Body) -> Response:
    """restore, void, unvoid."""
    caller = enter(request)
    acts: Mapping[str, Action] = {"restore": "restore", "void": "void", "unvoid": "unvoid"}
    only({action: None}, tuple(acts), "act on a record")
    body = json_object(request, data)
    only(body, ("confirm", "chosen"))
    confirm = body.get("confirm", [])
    if not isinstance(confirm, list) or not all(isinstance(name, str) for name in confirm):
        raise Refused([Problem(code="not_list", message="confirm is a list of rule names", path="confirm")])
    change = Change(
        action=acts[action],
        object=object,
        id=id,
        version=seen_version(request),
        confirm=frozenset((*confirm, *_confirmed(request))),
    )
    return write(
        request, caller, data, lambda conn, call: saved(conn, choosing(call, body.get("chosen")), change)
    )


def _confirmed(request: Request) -> tuple[str, ...]:
    """Rules whose warnings are accepted: `?confirm=a,b`. A body may name them too."""
    return names(parameters(request).get("confirm"))


__all__ = ["Caller", "router"]
