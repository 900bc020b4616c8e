"""Report keep: a report of one's own is kept, shared, made official, dropped.

In: `POST /w/{workspace}/reports/build` with the body and a name; `POST …/reports/{name}/keep` with `act`. Out: 303 to the report, to the
draft's changes, or to the list of reports. A body is run once before it is kept: what cannot be run is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused, WrongUse
from patron_engine.fields.base import ValueFault
from patron_engine.fields.characters import clean_line
from patron_engine.meta.document import Document
from patron_engine.page.rights_form import free_name
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.report.answer import Request as Asked
from patron_engine.ways import figure
from patron_platform import personal
from patron_platform.drafting import drafted, must_design, must_hold
from patron_platform.drafting import keep as put_in_draft
from patron_platform.personal import Connection
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.report_asked import BESIDE
from patron_platform.web.report_build import body_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)
MAX_LABEL = 60


@router.post("/build")
def save(request: Request, workspace: str, form: FormData) -> Response:
    """Keeps what was built: anew, or in place of his own one."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    body = {**body_in(given.get("body", "")), "label": _label(given)}
    of = given.get("of", "") if given.get("act") != "new" else ""

    def write(conn: Connection, call: Call) -> str:
        if body.get("type") != "list":
            figure.run(conn, call, Asked(body=body))
        own = _own(conn, call, of)
        name = personal.stored_name(conn, call, str(own["personal"])) if own else None
        shared = bool(own["shared"]) if own else given.get("shared") == "1"
        id = personal.put(conn, call, "report", name or call.new_id(), body, shared=shared)
        return personal.name_of(id)

    name = visitor.workspace.writing(visitor.actor, write, visitor.cause)
    return see_other(visitor.url("reports", name))


def _own(conn: Connection, call: Call, name: str) -> Mapping[str, Any] | None:
    found = next((r for r in personal.reports(conn, call) if r["name"] == name), None)
    return found if found is not None and found["mine"] else None


def _label(given: Mapping[str, str]) -> str:
    try:
        label = clean_line(given.get("label", "")) or ""
    except ValueFault:
        label = ""
    if not 0 < len(label) <= MAX_LABEL:
        message = Phrase("a report needs a name of at most {most} characters", most=MAX_LABEL)
        raise Refused([Problem(code="report_name", message=message, path="label")])
    return label


@router.post("/{name}/keep")
def keep(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """Shares a report of his own, stops sharing it, drops it, or puts it into the draft."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    act = given.get("act", "")
    if act not in ("share", "unshare", "delete", "official"):
        raise WrongUse("there is no such act", code="unknown_act")

    def write(conn: Connection, call: Call) -> Mapping[str, Any]:
        own = _own(conn, call, name)
        stored = personal.stored_name(conn, call, str(own["personal"])) if own else None
        if own is None or stored is None:
            raise NotFound("this report is not yours")
        body = {k: v for k, v in own.items() if k not in BESIDE}
        if act == "delete":
            personal.remove(conn, call, "report", stored)
        elif act != "official":
            personal.put(conn, call, "report", stored, body, shared=act == "share")
        return body

    body = visitor.workspace.writing(visitor.actor, write, visitor.cause)
    if act == "official":
        return _official(visitor, body)
    return see_other(visitor.url("reports") if act == "delete" else visitor.url("reports", name))


def _official(visitor: Visitor, body: Mapping[str, Any]) -> Response:
    """Into the draft of the workspace's own definitions, under a name nobody has yet; what is published is for the plan to say."""
    workspace = visitor.workspace
    with workspace.connection("read") as conn:
        call = workspace.call(conn, visitor.actor)
        reach = must_design(call.model, visitor.actor)
        names = drafted(conn, workspace, visitor.author).names("report")
        label = visitor.reader(call).say(body.get("label"), "report")
    name = free_name(label, names, "report")
    whole = {**body, "kind": "report", "name": name, "label": {visitor.languages[0]: label}}
    must_hold(workspace, reach, {("report", name): whole})
    with workspace.connection("write") as conn:
        put_in_draft(conn, workspace.schema, visitor.author, Document(kind="report", name=name, body=whole))
    return see_other(visitor.url("admin", "changes"))
