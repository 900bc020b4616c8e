"""Converting over HTTP: which conversions fit a record, what one would make, and carrying it out; for many, each by itself.

In: requests below /records/{object}. `{"targets": {"customer": {"record": ID}, "deal": {"leave_out": true}, "person": {"set":
{"phone": "…"}}}, "confirm": ["same_lead"]}`; a target that is not named is found or made. Out: JSON. What is done stands in
ways/convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import LimitExceeded, NeedsConfirmation, PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.flow.conversions import Conversion
from patron_engine.jsonio import dumps
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.ways.convert import Wish, convert
from patron_engine.ways.prospects import (
    Prospect,
    arising,
    conversion_for,
    fitting_conversions,
    foreseen,
    lacking,
)
from patron_engine.ways.read import read_one
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, names, only, parameters
from patron_platform.phrases import at_field, written

router = APIRouter(prefix="/records/{object}")
MAX_MANY = 100  # records of one request: each is converted by itself, with all that it makes
WISH = ("record", "new", "leave_out", "set")
Connection = psycopg.Connection[Any]


@router.get("/{id}/convert")
def list_conversions(request: Request, object: str, id: str) -> Response:
    """Those that this record can go through now."""
    caller = enter(request)

    def act(conn: Connection, call: Call) -> list[dict[str, Any]]:
        read_one(conn, call, object, id, fields=("id",))
        return [_described(call, c) for c in fitting_conversions(conn, call, object, id)]

    return json_answer(dumps({"conversions": caller.workspace.reading(caller.actor, act)}))


@router.get("/{id}/convert/{name}")
def foresee(request: Request, object: str, id: str, name: str) -> Response:
    """What it would make: what is found, what new records begin with, what they lack."""
    caller = enter(request)

    def act(conn: Connection, call: Call) -> dict[str, Any]:
        conversion = conversion_for(conn, call, object, id, name)
        call = arising(call, name, conversion.object, id)
        targets = {p.target.name: _foreseen(conn, call, p) for p in foreseen(conn, call, conversion, id)}
        return {**_described(call, conversion), "targets": targets}

    return json_answer(dumps(caller.workspace.reading(caller.actor, act)))


@router.post("/{id}/convert/{name}")
def convert_record(request: Request, object: str, id: str, name: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("targets", "confirm"))
    wishes, confirm = _wishes(body.get("targets", {})), _confirm(request, body)

    def act(conn: Connection, call: Call) -> Answer:
        done = convert(conn, call, object, _id(call, object, id), name, wishes, confirm=confirm)
        return Answer(dumps(done.as_dict()), 201)

    return write(request, caller, data, act)


@router.post("/convert/{name}")
def convert_many(request: Request, object: str, name: str, data: Body) -> Response:
    """`{"ids": […]}`: each by itself; which were not, and why."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("ids", "confirm"))
    ids, confirm = body.get("ids"), _confirm(request, body)
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise Refused([Problem(code="not_list", message=Phrase("ids is a list of ids"), path="ids")])
    if len(ids) > MAX_MANY:
        raise LimitExceeded(
            Phrase("at most {most} records are converted at once", most=MAX_MANY), code="limit_convert_many"
        )

    def act(conn: Connection, call: Call) -> Answer:
        permitted_object(call, object, "bulk")
        results = [_one(conn, call, object, id, name, confirm) for id in dict.fromkeys(ids)]
        return Answer(dumps({"results": results}))

    return write(request, caller, data, act)


def _one(
    conn: Connection, call: Call, object: str, id: str, name: str, confirm: frozenset[str]
) -> dict[str, Any]:
    try:
        with conn.transaction():
            done = convert(conn, call, object, _id(call, object, id), name, confirm=confirm)
        return {"id": id, **done.as_dict()}
    except PatronError as error:
        told: dict[str, Any] = {
            "id": id, "code": error.code, "detail": written(error.detail, call.actor.languages)
        }  # fmt: skip
        if isinstance(error, Refused | NeedsConfirmation):
            told["problems"] = [at_field(p, call.actor.languages) for p in error.problems]
        return told


def _described(call: Call, conversion: Conversion) -> dict[str, Any]:
    languages = call.actor.languages
    return {
        "name": conversion.name,
        "label": str(label_of(conversion.label, conversion.name, languages)),
        "icon": conversion.icon,
        "once": conversion.once,
        "makes": [
            {
                "target": t.name, "object": t.object, "optional": t.optional, "choose": t.choose,
                "label": str(label_of(t.label or call.model.objects[t.object].label, t.name, languages)),
            }
            for t in conversion.to
        ],
    }  # fmt: skip


def _foreseen(conn: Connection, call: Call, one: Prospect) -> dict[str, Any]:
    return {
        "object": one.target.object,
        "found": [{"id": hit.id, "title": hit.title} for hit in one.found],
        "set": one.values,
        "bound": sorted(one.target.bound),
        "left_out": list(one.left_out),
        "missing": [at_field(p, call.actor.languages) for p in lacking(conn, call, one)],
    }


def _id(call: Call, object: str, id: str) -> str:
    """The id in its one form. What is none is nobody's: the way says that there is no such record."""
    try:
        return read_id(id)
    except ValueFault:
        return "00000000-0000-0000-0000-000000000000"


def _confirm(request: Request, body: Mapping[str, Any]) -> frozenset[str]:
    given = body.get("confirm", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise Refused([Problem(code="not_list", message="confirm is a list of rule names", path="confirm")])
    return frozenset((*given, *names(parameters(request).get("confirm"))))


def _wishes(given: Any) -> dict[str, Wish]:
    if not isinstance(given, dict):
        raise Refused(
            [Problem(code="not_map", message=Phrase("targets is a map of targets"), path="targets")]
        )
    wrong = []
    made = {}
    for name, wish in given.items():
        said = _fault(wish)
        if said is not None:
            wrong.append(Problem(code="bad_target", message=said, path=f"targets.{name[:60]}"))
        else:
            made[name] = Wish(**wish)
    if wrong:
        raise Refused(wrong)
    return made


def _fault(wish: Any) -> Phrase | None:
    if not isinstance(wish, dict) or not set(wish) <= set(WISH):
        return Phrase("a target takes {keys}", keys=list(WISH))
    if not isinstance(wish.get("record", ""), str) or not isinstance(wish.get("set", {}), dict):
        return Phrase("record is an id, set a map of fields")
    if not all(isinstance(wish.get(key, False), bool) for key in ("new", "leave_out")):
        return Phrase("new and leave_out are true or false")
    if sum(bool(wish.get(key)) for key in ("record", "new", "leave_out")) > 1:
        return Phrase("one of record, new and leave_out is said")
    return None
