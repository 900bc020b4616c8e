"""Merging over HTTP: which records may be the same, several becoming one, and taking that back.

In: requests below /records/{object}. `{"losers": [ID], "choose": {"phone": ID}, "confirm": []}` to the winner's address. Out: JSON. What is
done stands in ways/merge and ways/unmerge.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.record.merged import rows_on
from patron_engine.ways.duplicates import duplicates_of
from patron_engine.ways.merge import merge
from patron_engine.ways.pointers import hanging
from patron_engine.ways.read import read_one
from patron_engine.ways.unmerge import unmerge
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, names, only, parameters
from patron_platform.phrases import written_problem

router = APIRouter(prefix="/records/{object}")
Connection = psycopg.Connection[Any]


@router.get("/duplicates")
def find_duplicates(request: Request, object: str) -> Response:
    """Groups of records that may be the same, in parts: `next` is where the next part begins."""
    caller = enter(request)
    given = parameters(request)
    only(given, ("after",), "parameter")
    secret = caller.workspace.runtime.secret

    def act(conn: Connection, call: Call) -> dict[str, Any]:
        part = duplicates_of(conn, call, object, after=given.get("after"), secret=secret)
        groups = [
            {"records": [{"id": h.id, "title": h.title} for h in g.records], "why": list(g.why)}
            for g in part.groups
        ]
        return {"groups": groups, "looked": part.looked, "next": part.next}

    return json_answer(dumps(caller.workspace.reading(caller.actor, act)))


@router.get("/{id}/hanging")
def list_hanging(request: Request, object: str, id: str) -> Response:
    """What hangs on a record and would go along: records by the link that points here, files, followers, rights, external ids."""
    caller = enter(request)

    def act(conn: Connection, call: Call) -> dict[str, Any]:
        known = permitted_object(call, object, "merge")
        read_one(conn, call, known.name, id, fields=("id",))
        links = [
            {"object": h.object, "field": h.field, "count": h.count, "more": h.more}
            for h in hanging(conn, call, known.name, read_id(id))
        ]
        return {"links": links, **rows_on(conn, call, known.name, read_id(id))}

    return json_answer(dumps(caller.workspace.reading(caller.actor, act)))


@router.post("/{id}/merge")
def merge_records(request: Request, object: str, id: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("losers", "choose", "confirm"))
    losers, choose, confirm = body.get("losers"), body.get("choose", {}), body.get("confirm", [])
    faults = []
    if not _texts(losers):
        faults.append(Problem(code="not_list", message=Phrase("losers is a list of ids"), path="losers"))
    if not isinstance(choose, dict) or not _texts(list(choose.values())):
        faults.append(
            Problem(code="not_map", message=Phrase("choose maps fields to ids of the records"), path="choose")
        )
    if not _texts(confirm):
        faults.append(Problem(code="not_list", message="confirm is a list of rule names", path="confirm"))
    if faults:
        raise Refused(faults)
    assert isinstance(losers, list)
    rules = frozenset((*confirm, *names(parameters(request).get("confirm"))))

    def act(conn: Connection, call: Call) -> Answer:
        chosen = {name: _id(one) for name, one in choose.items()}
        done = merge(conn, call, object, _id(id), [_id(one) for one in losers], chosen, confirm=rules)
        stayed = [
            {
                "object": s.object, "id": s.id,
                "problems": [written_problem(p, call.actor.languages) for p in s.problems],
            }
            for s in done.stayed
        ]  # fmt: skip
        told = {
            "merge": done.id, "winner": done.winner, "losers": list(done.losers), "moved": done.moved, "stayed": stayed
        }  # fmt: skip
        return Answer(dumps(told))

    return write(request, caller, data, act)


@router.post("/{id}/merge/{merge_id}/undo")
def undo_merge(request: Request, object: str, id: str, merge_id: str, data: Body) -> Response:
    """What could not be put back is told; `id` is the winner's, or that of one of the losers."""
    caller = enter(request)

    def act(conn: Connection, call: Call) -> Answer:
        done = unmerge(conn, call, object, merge_id)
        if id not in (done.winner, *done.losers):
            raise NotFound(Phrase("there is no such merge"), code="merge_not_found")
        left = [{"object": x.object, "id": x.id, "field": x.field, "why": x.why} for x in done.left]
        return Answer(
            dumps({"winner": done.winner, "losers": list(done.losers), "back": done.back, "left": left})
        )

    return write(request, caller, data, act)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _id(id: str) -> str:
    """The id in its one form. What is none names no record."""
    try:
        return read_id(id)
    except ValueFault:
        raise NotFound(Phrase("there is no such record"), code="not_found") from None
