"""Admin approvals: what runs and what cannot go on, mended, sent elsewhere, ended; tasks of one person handed over; how long it takes.

In: `GET /w/{workspace}/admin/approvals?state=&approval=&person=&late=&before=&figures=node|person&days=`, a form that hands over. Out:
pages for administrators; NotFound for anybody else. Acts on one approval are forms of its own page (web/approval_acts).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import whole
from patron_engine.model.model import Model
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import approval_admin
from patron_engine.ways.approval_figures import figures
from patron_engine.ways.approvals_listed import STATES, Wanted, listed
from patron_platform.api.errors import status_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import people_offered
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.inbox import approvals_in
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin/approvals", include_in_schema=False)
Connection = psycopg.Connection[Any]
DAYS = ("30", "90", "365")
DONE = ("jumped", "ended", "revoked", "mended", "handed_over")
LONGEST = 60


@router.get("")
def approvals(request: Request, workspace: str) -> Response:
    return _draw(administrator(request, workspace))


@router.post("/hand-over")
def hand_over(request: Request, workspace: str, form: FormData) -> Response:
    """`from`, `to`: everything that one is still to decide is the other's."""
    visitor = administrator(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)

    def act(conn: Connection, call: Call) -> int:
        return approval_admin.hand_over(conn, call, _user(given, "from"), _user(given, "to"))

    try:
        moved = visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except PatronError as error:
        said = " ".join(visitor.words(p.message) for p in getattr(error, "problems", ()))
        return _draw(visitor, wrong=said or visitor.words(error.detail), status=status_of(error))
    return see_other(visitor.url("admin", "approvals") + f"?done=handed_over&n={moved}")


def _user(given: Any, name: str) -> str:
    try:
        return read_id(given.get(name, ""))
    except ValueFault:
        raise Refused(
            [Problem(code="not_users", message=Phrase("name users by their ids"), path=name)]
        ) from None


def _draw(visitor: Visitor, *, wrong: str = "", status: int = 200) -> Response:
    asked = {} if visitor.request.method == "POST" else visitor.request.query_params
    given = {
        n: asked.get(n, "").strip()[:LONGEST]
        for n in ("state", "approval", "person", "late", "figures", "days")
    }
    before = asked.get("before", "")
    state = given["state"] if given["state"] in STATES else "open"
    days = given["days"] if given["days"] in DAYS else DAYS[0]

    def look(conn: Connection, call: Call) -> Response:
        reader = visitor.reader(call)
        wanted = Wanted(
            state=state, approval=given["approval"], person=given["person"], late=bool(given["late"]),
            before=whole(before) if before else None,
        )  # fmt: skip
        lines, following = listed(conn, call, wanted) if not given["figures"] else ([], None)
        since = call.now - timedelta(days=int(days))
        kind = "person" if given["figures"] == "person" else "node"
        found = figures(conn, call, kind, approval=given["approval"], since=since) if given["figures"] else []
        labels = {a: labels_of(call.model, reader, a) for a in {f.approval for f in found}}
        older = {**{k: v for k, v in given.items() if v}, "before": following}
        return page(
            visitor, call, "admin_approvals.html", title=texts_in(visitor.languages[0])("approvals.admin"), here="admin", status=status,
            lines=lines, older=urlencode(older) if following else "", given={**given, "state": state, "days": days}, states=STATES,
            all_days=DAYS, figures=found, labels=labels, approvals=approvals_in(call.model, reader), people=people_offered(conn, call),
            wrong=wrong, done=asked.get("done") if asked.get("done") in DONE else None, moved=whole(asked.get("n", "0") or "0") or 0,
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


def labels_of(model: Model, reader: Reader, approval: str) -> dict[str, str]:
    """What the steps of an approval are called today, by their names; under "" the approval itself."""
    body = model.documents.get(("approval", approval)) or {}

    def found(nodes: Any) -> dict[str, str]:
        made = {}
        for node in nodes or ():
            made[node["name"]] = reader.say(node.get("label"), node["name"])
            for case in node.get("cases") or ():
                made |= found(case.get("nodes"))
        return made

    return {**found(body.get("nodes")), "": reader.say(body.get("label"), approval)}


def administrator(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is no such page, or it is not yours to see")
    return visitor
