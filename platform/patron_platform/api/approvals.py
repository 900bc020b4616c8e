"""Approvals over HTTP: submitting, inboxes, deciding, administration.

    POST /records/{object}/{id}/submit          {"chosen": {node: [user]}, "comment", "approval", "button"} -> 202 with the instance
    GET  /records/{object}/{id}/approval        the latest instance, what submitting would do, with the route and names
    POST /records/{object}/{id}/approval/{act}  withdraw, urge, resubmit, comment; jump {"to"}, end, revoke, mend {"people", "chosen"}
    GET  /approvals?box=waiting|done|started|copied&object=&approval=&before=
    GET  /approvals/{id}                        an instance, by its id or that of one of its tasks
    POST /approvals/{task}/{act}                approve finish reject return transfer delegate add-signer remove-signer claim ask
                                                comment take-back read, with {"comment", "fields", "to", "how", "signature", "files", "chosen", "confirm"};
                                                or, of an instance, what /records/…/approval/{act} does
    POST /approvals/batch                       {"tasks", "act": approve | reject, "comment"}: each by itself

In: requests. Out: JSON; the way approve decides everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.approval.value import OPEN, Instance
from patron_engine.errors import LimitExceeded, PatronError, Refused
from patron_engine.jsonio import dumps, whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import approval_admin, approval_box, approve, deciding
from patron_engine.ways.approval_ahead import Submitting, submitting
from patron_engine.ways.approval_box import Narrow
from patron_engine.ways.approval_people import Wish, speak_of
from patron_engine.ways.approvals_seen import seen_frame
from patron_platform.api.approvals_written import box_json, instance_json
from patron_platform.api.door import enter
from patron_platform.api.idempotency import Answer, write
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters
from patron_platform.phrases import at_field, written

router = APIRouter()
MAX_BATCH = 200  # limit_approval_batch: tasks decided at once
Conn = psycopg.Connection[Any]
WISH = ("comment", "fields", "to", "how", "signature", "files", "chosen", "confirm")


# -- a record -------------------------------------------------------------------------------------------------------


@router.post("/records/{object}/{id}/submit")
def submit(request: Request, object: str, id: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("chosen", "comment", "approval", "button"))
    chosen = _mapping(body, "chosen")

    def act(conn: Conn, call: Call) -> Answer:
        made = approve.submit(
            conn,
            call,
            object,
            id,
            chosen=chosen,
            approval=_text(body, "approval"),
            button=_text(body, "button"),
            comment=_text(body, "comment"),
        )
        return _answer(conn, call, made)

    return write(request, caller, data, act)


@router.get("/records/{object}/{id}/approval")
def approval_of(request: Request, object: str, id: str) -> Response:
    caller = enter(request)

    def found(conn: Conn, call: Call) -> dict[str, Any]:
        it = submitting(conn, call, object, id)
        instance = instance_json(conn, call, it.instance) if it.instance is not None else None
        return {"instance": instance, "submit": _submit(call, it)}

    return json_answer(dumps(caller.workspace.reading(caller.actor, found)))


def _submit(call: Call, it: Submitting) -> dict[str, Any]:
    why = None if it.why is None else written(it.why, call.actor.languages)
    return {
        "may": it.why is None,
        "why": why,
        "approval": it.approval,
        "label": it.label,
        "route": it.route,
        "choose": it.choose,
        "said": it.said,
    }


@router.post("/records/{object}/{id}/approval/{verb}")
def act_on_approval(request: Request, object: str, id: str, verb: str, data: Body) -> Response:
    caller = enter(request)
    only({verb: None}, tuple(_WHOLE), "act of an approval")
    body = json_object(request, data)
    only(body, ("comment", "to", "people", "files", "chosen"))

    def act(conn: Conn, call: Call) -> Answer:
        instance = approve.instance_of(conn, call, object, id)
        return _answer(conn, call, _WHOLE[verb](conn, call, instance, body))

    return write(request, caller, data, act)


_WHOLE: Mapping[str, Callable[[Conn, Call, str, Mapping[str, Any]], Instance]] = {
    "withdraw": lambda conn, call, id, body: approve.withdraw(conn, call, id, _text(body, "comment")),
    "urge": lambda conn, call, id, body: approve.urge(conn, call, id),
    "comment": lambda conn, call, id, body: speak_of(
        conn,
        call,
        id,
        Wish(act="comment", comment=_text(body, "comment"), to=body.get("to"), files=_files(body)),
    ),
    "resubmit": lambda conn, call, id, body: approve.resubmit(
        conn, call, id, _text(body, "comment"), _mapping(body, "chosen")
    ),
    "jump": lambda conn, call, id, body: approval_admin.jump(
        conn, call, id, _text(body, "to") or "", _text(body, "comment")
    ),
    "end": lambda conn, call, id, body: approval_admin.end(conn, call, id, _text(body, "comment")),
    "revoke": lambda conn, call, id, body: approval_admin.revoke(conn, call, id, _text(body, "comment")),
    "mend": lambda conn, call, id, body: approval_admin.mend(
        conn, call, id, _people(body), _mapping(body, "chosen")
    ),
}


# -- people's boxes and tasks ---------------------------------------------------------------------------------------


@router.get("/approvals")
def list_approvals(request: Request) -> Response:
    caller = enter(request)
    given = parameters(request)
    only(given, ("box", "object", "approval", "before"), "parameter")
    before = _number(given.get("before"))

    def found(conn: Conn, call: Call) -> dict[str, Any]:
        return box_json(
            approval_box.box(
                conn, call, given.get("box", "waiting"), before=before,
                narrow=Narrow(object=given.get("object", ""), approval=given.get("approval", "")),
            )
        )  # fmt: skip

    return json_answer(dumps(caller.workspace.reading(caller.actor, found)))


@router.post("/approvals/batch")
def batch(request: Request, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("tasks", "act", "comment"))
    tasks, verb = body.get("tasks"), body.get("act")
    if not isinstance(tasks, list) or not all(isinstance(t, str) for t in tasks):
        raise _wrong("not_list", Phrase("tasks is a list of ids"), "tasks")
    if verb not in ("approve", "reject"):
        raise _wrong("unknown_value", Phrase("act is approve or reject"), "act")
    if len(tasks) > MAX_BATCH:
        raise LimitExceeded(
            Phrase("at most {most} tasks at once", most=MAX_BATCH), code="limit_approval_batch"
        )
    wish = Wish(act=verb, comment=_text(body, "comment"))

    def act(conn: Conn, call: Call) -> Answer:
        return Answer(dumps({"results": [_one(conn, call, task, wish) for task in dict.fromkeys(tasks)]}))

    return write(request, caller, data, act)


def _one(conn: Conn, call: Call, task: str, wish: Wish) -> dict[str, Any]:
    try:
        with conn.transaction():
            made = deciding.act_in_batch(conn, call, task, wish)
    except PatronError as error:
        problems = [at_field(p, call.actor.languages) for p in getattr(error, "problems", ())]
        return {
            "task": task,
            "done": False,
            "code": error.code,
            "detail": written(error.detail, call.actor.languages),
            "problems": problems,
        }
    return {"task": task, "done": True, "instance": made.id, "state": made.state}


@router.get("/approvals/{id}")
def open_approval(request: Request, id: str) -> Response:
    caller = enter(request)
    return json_answer(
        dumps(
            caller.workspace.reading(
                caller.actor, lambda conn, call: instance_json(conn, call, deciding.id_of(id))
            )
        )
    )


@router.post("/approvals/{task}/{verb}")
def act_on_task(request: Request, task: str, verb: str, data: Body) -> Response:
    caller = enter(request)
    body = json_object(request, data)
    only(body, (*WISH, "people"))
    wish = Wish(
        act=verb.replace("-", "_"), comment=_text(body, "comment"), to=body.get("to"), how=_text(body, "how") or "after",
        fields=_mapping(body, "fields"), signature=_text(body, "signature"), chosen=_mapping(body, "chosen"),
        confirm=_text(body, "confirm"), files=_files(body),
    )  # fmt: skip

    def act(conn: Conn, call: Call) -> Answer:
        if verb == "read":
            approval_box.mark_read(conn, call, deciding.id_of(task))
            return Answer(status=204)
        whole = _instance_meant(conn, call, task, verb)
        if whole is not None:
            return _answer(conn, call, _WHOLE[verb](conn, call, whole, body))
        made = deciding.act(conn, call, task, wish)
        return Answer(dumps(instance_json(conn, call, made.id)))

    return write(request, caller, data, act)


def _instance_meant(conn: Conn, call: Call, id: str, verb: str) -> str | None:
    """The approval that an act is about; None where it is about a task. A comment is on the whole where the whole is named."""
    if verb not in _WHOLE:
        return None
    found = seen_frame(conn, call, deciding.id_of(id)).instance.id
    return found if verb != "comment" or found == deciding.id_of(id) else None


# -- out and in -----------------------------------------------------------------------------------------------------


def _answer(conn: Conn, call: Call, made: Instance) -> Answer:
    return Answer(dumps(instance_json(conn, call, made.id)), 202 if made.state in OPEN else 200)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong("not_text", Phrase("{name} is a text", name=name), name)
    return value


def _mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong("not_object", Phrase("{name} is an object", name=name), name)
    return value


def _people(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """{"people": {node: [user]}}."""
    found = _mapping(body, "people")
    for node, people in found.items():
        if not isinstance(people, list) or not all(isinstance(p, str) for p in people):
            raise _wrong("not_users", Phrase("name users by their ids"), f"people.{node[:40]}")
    return found


def _files(body: Mapping[str, Any]) -> tuple[str, ...]:
    found = body.get("files") or []
    if not isinstance(found, list) or not all(isinstance(f, str) for f in found):
        raise _wrong("not_list", Phrase("files is a list of ids"), "files")
    return tuple(found)


def _number(text: str | None) -> int | None:
    number = whole(text) if text else None
    if text and (number is None or number < 0):
        raise _wrong("not_integer", Phrase("before is `next` of the page before"), "before")
    return number


def _wrong(code: str, message: Phrase, path: str) -> Refused:
    return Refused([Problem(code=code, message=message, path=path)])
