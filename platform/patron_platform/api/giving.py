"""Giving over HTTP: shares, team members and transfers of single records.

In: requests below /records/{object}/{id}. Out: JSON. `{"to": {"user": ID}, "level": "edit", "until": "2026-12-31", "with":
["contacts"]}` shares; `{"user": ID, "role": "Presales"}` makes a member; `{"to": {"user": ID}, "keep": "read"}` hands over. Who
may is said by ways/give and ways/transfer.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.given import Reason
from patron_engine.ways.give import Given, Wish, give, given, take
from patron_engine.ways.principals import Principal
from patron_engine.ways.transfer import Handing, transfer, transfer_each
from patron_platform.api.approvals_written import instance_json
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, names, only, parameters
from patron_platform.api.written import choosing
from patron_platform.phrases import written

router = APIRouter(prefix="/records/{object}")
MAX_BULK = 1_000  # records of one bulk transfer


@router.get("/{id}/share")
def list_shares(request: Request, object: str, id: str) -> Response:
    return _listed(request, object, id, "share")


@router.get("/{id}/members")
def list_members(request: Request, object: str, id: str) -> Response:
    return _listed(request, object, id, "team")


@router.post("/{id}/share")
def share(request: Request, object: str, id: str, data: Body) -> Response:
    body = json_object(request, data)
    only(body, ("to", "level", "until", "with"))
    wish = Wish(
        reason="share", to=body.get("to"), level=body.get("level", "read"), until=body.get("until"),
        along=body.get("with", []),
    )  # fmt: skip
    return _give(request, object, id, data, wish)


@router.post("/{id}/members")
def add_member(request: Request, object: str, id: str, data: Body) -> Response:
    body = json_object(request, data)
    only(body, ("user", "level", "role", "until", "with"))
    wish = Wish(
        reason="team", to={"user": body.get("user")}, level=body.get("level", "read"), until=body.get("until"),
        role=body.get("role"), along=body.get("with", []),
    )  # fmt: skip
    return _give(request, object, id, data, wish)


@router.delete("/{id}/share/{principal}")
def unshare(request: Request, object: str, id: str, principal: str) -> Response:
    return _take(request, object, id, principal, "share")


@router.delete("/{id}/members/{principal}")
def remove_member(request: Request, object: str, id: str, principal: str) -> Response:
    return _take(request, object, id, principal, "team")


@router.post("/{id}/transfer")
def hand_over(request: Request, object: str, id: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("to", "keep", "with", "confirm", "chosen"))
    handing = _handing(body)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        went = transfer(conn, choosing(call, body.get("chosen")), object, id, handing)
        if went.instance is not None:  # it waits for an approval
            return Answer(dumps(instance_json(conn, call, went.instance)), 202)
        return Answer(dumps({"records": went.records}))

    return write(request, caller, data, act)


@router.post("/transfer")
def hand_many_over(request: Request, object: str, data: Body) -> Response:
    """Each by itself; which did not go, and why."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("ids", "to", "keep", "with", "confirm", "chosen"))
    ids, handing = body.get("ids"), _handing(body)
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise Refused([Problem(code="not_list", message=Phrase("ids is a list of ids"), path="ids")])
    if len(ids) > MAX_BULK:
        raise LimitExceeded(
            Phrase("a bulk request holds at most {most} records", most=MAX_BULK), code="bulk_records"
        )

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        results, call = [], choosing(call, body.get("chosen"))
        for id, went, error in transfer_each(conn, call, object, list(dict.fromkeys(ids)), handing):
            result: dict[str, Any] = {"id": id, "records": went.records}
            if went.instance is not None:
                result["instance"] = went.instance
            if error is not None:
                result |= {"code": error.code, "detail": written(error.detail, call.actor.languages)}
            results.append(result)
        return Answer(dumps({"results": results}))

    return write(request, caller, data, act)


def _handing(body: dict[str, Any]) -> Handing:
    confirm = body.get("confirm", [])
    if not isinstance(confirm, list) or not all(isinstance(name, str) for name in confirm):
        raise Refused([Problem(code="not_list", message="confirm is a list of rule names", path="confirm")])
    return Handing(
        to=body.get("to"), keep=body.get("keep"), along=body.get("with", []), confirm=frozenset(confirm)
    )


def _give(request: Request, object: str, id: str, data: bytes, wish: Wish) -> Response:
    caller = enter(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        records = give(conn, call, object, id, wish)
        return Answer(dumps({"records": records, **_json(conn, call, object, id, wish.reason)}), 201)

    return write(request, caller, data, act)


def _take(request: Request, object: str, id: str, principal: str, reason: Reason) -> Response:
    caller = enter(request)
    asked = parameters(request)
    only(asked, ("with",), "parameter")
    sets = names(asked.get("with"))

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        return Answer(dumps({"records": take(conn, call, object, id, principal, reason, sets)}))

    return write(request, caller, b"", act)


def _listed(request: Request, object: str, id: str, reason: Reason) -> Response:
    caller = enter(request)
    only(parameters(request), (), "parameter")
    found = caller.workspace.reading(caller.actor, lambda conn, call: _json(conn, call, object, id, reason))
    return json_answer(dumps(found))


def _json(conn: psycopg.Connection[Any], call: Call, object: str, id: str, reason: Reason) -> dict[str, Any]:
    owner, rights = given(conn, call, object, id)
    rows = [_right(r) for r in rights if r.reason == reason]
    return {"shares": rows} if reason == "share" else {"owner": _who(owner), "members": rows}


def _right(right: Given) -> dict[str, Any]:
    made: dict[str, Any] = {
        "to": _who(right.principal), "level": right.level, "until": _moment(right.until), "by": _who(right.by),
        "at": _moment(right.at),
    }  # fmt: skip
    return made if right.reason == "share" else {**made, "role": right.role}


def _who(principal: Principal | None) -> dict[str, Any] | None:
    """None for somebody the reader may not see."""
    if principal is None:
        return None
    return {"kind": principal.kind, "id": principal.id, "name": principal.name, "title": principal.title}


def _moment(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())
