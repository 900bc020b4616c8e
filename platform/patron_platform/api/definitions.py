"""Definitions over HTTP: what there is, what I mean to change, what publishing that would do.

In: documents of the workspace's own layer. Out: my draft, its plan, a release. Nothing is live before it is published,
and what is published is the plan whose checksum the caller names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.design import Reach
from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import dumps
from patron_engine.meta.document import Document
from patron_engine.meta.kinds import KINDS
from patron_engine.meta.layers import Effective, fold
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.release.drafts import Draft, drop_draft, read_draft
from patron_platform.api.door import Caller, enter
from patron_platform.api.requests import Body, json_answer, json_object, only, parameters
from patron_platform.drafting import keep, must_design, must_design_all, must_hold, must_show_no_more, remove
from patron_platform.languages import asked
from patron_platform.phrases import written_plan, written_problem

router = APIRouter()


def designer(request: Request) -> Caller:
    """The caller, when he may change any definition."""
    caller = enter(request)
    caller.workspace.reading(caller.actor, lambda _, call: must_design_all(call.model, call.actor))
    return caller


def customiser(request: Request) -> tuple[Caller, Reach]:
    """The caller, when he may change some definitions, and which."""
    caller = enter(request)
    return caller, caller.workspace.reading(caller.actor, lambda _, call: must_design(call.model, call.actor))


def effective(caller: Caller) -> Effective:
    """The definitions in force."""
    with caller.workspace.connection("read") as conn:
        return fold(caller.workspace.layers(conn))


@router.get("/definitions")
def list_definitions(request: Request) -> Response:
    """Every definition with its kind, name and layer; `kind=` narrows."""
    caller, reach = customiser(request)
    given = parameters(request)
    only(given, ("kind",), "parameter")
    rows = [
        {"kind": kind, "name": name, "layer": document.layer, "label": document.body.get("label")}
        for (kind, name), document in effective(caller).documents.items()
        if given.get("kind") in (None, kind) and _sees(reach, kind, name, document.body)
    ]
    return json_answer(dumps({"definitions": rows}))


@router.get("/definitions/{kind}/{name:path}")
def read_definition(request: Request, kind: str, name: str) -> Response:
    """One definition as it holds, with the layer that gave each property that differs from the whole's."""
    caller, reach = customiser(request)
    document = effective(caller).find(kind, name)
    if document is None or not _sees(reach, kind, document.name, document.body):
        raise NotFound(
            Phrase("there is no {kind} {name!r}", kind=kind, name=name[:80]), hint=nearest(kind, KINDS)
        )
    origins = {path: given.document.layer for path, given in document.given.items() if path}
    return json_answer(
        dumps(
            {
                "kind": kind,
                "name": document.name,
                "layer": document.layer,
                "body": document.body,
                "origins": origins,
            }
        )
    )


@router.put("/definitions/{kind}/{name:path}")
def put_definition(request: Request, kind: str, name: str, data: Body) -> Response:
    """Puts a full document, or a change (kind `change`, name `object/account`), into my draft."""
    caller, reach = customiser(request)
    document = _document(kind, name, json_object(request, data))
    must_hold(caller.workspace, reach, {(kind, name): document.body})
    with caller.workspace.connection("write") as conn:
        draft, problems = keep(conn, caller.workspace.schema, caller.principal, document)
    return _kept(caller, draft, problems)


@router.delete("/definitions/{kind}/{name:path}")
def delete_definition(request: Request, kind: str, name: str) -> Response:
    """Removes the workspace's own document, or its change of a pack's, in my draft."""
    caller, reach = customiser(request)
    must_hold(caller.workspace, reach, {(kind, name): None})
    with caller.workspace.connection("write") as conn:
        draft = remove(conn, caller.workspace.schema, caller.principal, kind, name)
    return _kept(caller, draft, ())


def _sees(reach: Reach, kind: str, name: str, body: Mapping[str, Any]) -> bool:
    """Who may change an object sees how it is; rights are seen by who may change them."""
    return reach.holds(kind, name, body) or (kind == "object" and name in reach.objects)


def _document(kind: str, name: str, body: dict[str, Any]) -> Document:
    if kind not in KINDS or kind == "pack":
        hint = nearest(kind, KINDS) or Phrase("one of {kinds}", kinds=list(KINDS))
        raise Refused(
            [
                Problem(
                    code="unknown_kind",
                    message=Phrase("there is no kind {kind!r}", kind=kind[:40]),
                    hint=hint,
                    path="kind",
                )
            ]
        )
    named = {"kind": kind, **({"of": name} if kind == "change" else {"name": name})}
    for key, value in named.items():
        if body.get(key, value) != value:
            message = Phrase("{key} in the body is not the one in the address", key=key)
            raise Refused(
                [
                    Problem(
                        code="other_name",
                        message=message,
                        path=key,
                        hint=Phrase("leave it out, or say {value!r}", value=value),
                    )
                ]
            )
    return Document(kind=kind, name=name, body={**named, **body}, layer="workspace")


def _kept(caller: Caller, draft: Draft, problems: Sequence[Problem]) -> Response:
    said = [written_problem(p, caller.actor.languages) for p in problems]
    return json_answer(dumps({**_draft(draft), "problems": said}))


@router.get("/drafts/{id}")
def show_draft(request: Request, id: str) -> Response:
    return json_answer(dumps(_draft(_mine(customiser(request)[0], id))))


@router.delete("/drafts/{id}")
def delete_draft(request: Request, id: str) -> Response:
    caller, _ = customiser(request)
    draft = _mine(caller, id)
    with caller.workspace.connection("write") as conn, conn.transaction():
        drop_draft(conn, caller.workspace.schema, draft.id)
    return json_answer(dumps({"draft": draft.id, "dropped": True}))


@router.post("/drafts/{id}/plan")
def plan_draft(request: Request, id: str, data: Body) -> Response:
    caller, reach = customiser(request)
    only(json_object(request, data), ())
    draft = _mine(caller, id)
    must_hold(caller.workspace, reach, draft.documents)
    publication = caller.workspace.plan_draft(draft)
    must_show_no_more(caller.workspace, caller.actor, publication)
    return json_answer(dumps(written_plan(publication.as_dict(), asked(request))))


@router.post("/drafts/{id}/publish")
def publish_draft(request: Request, id: str, data: Body) -> Response:
    """`{"checksum": …, "note": …}`: publishes the plan with that checksum, or nothing."""
    caller, reach = customiser(request)
    body = json_object(request, data)
    only(body, ("checksum", "note"))
    checksum = body.get("checksum")
    if not isinstance(checksum, str):
        message = "checksum is the one of the plan that is to be published"
        raise Refused(
            [
                Problem(
                    code="required", message=message, path="checksum", hint="POST /drafts/{id}/plan gives it"
                )
            ]
        )
    draft = _mine(caller, id)
    must_hold(caller.workspace, reach, draft.documents)
    publication = caller.workspace.plan_draft(draft)
    must_show_no_more(caller.workspace, caller.actor, publication)
    release = caller.workspace.publish(caller.actor, publication, confirm=checksum, draft=draft.id)
    return json_answer(dumps(release.as_dict()), 201)


def _mine(caller: Caller, id: str) -> Draft:
    """My own draft; somebody else's is not there."""
    with caller.workspace.connection("read") as conn:
        draft = read_draft(conn, caller.workspace.schema, id)
    if draft.author != caller.principal:
        raise NotFound("there is no such draft")
    return draft


def _draft(draft: Draft) -> dict[str, Any]:
    documents = [
        {"kind": kind, "name": name, "action": "delete" if body is None else "put"}
        for (kind, name), body in draft.documents.items()
    ]
    return {"draft": draft.id, "base": draft.base, "note": draft.note, "documents": documents}
