"""Submitting: the page before a record is submitted: which approval, the route with names, whom one is to choose, a comment.

In: `GET /w/{workspace}/o/{object}/{id}/submit?button=`, its form: `_comment`, `_chosen.NODE` (several). Out: the page, 422 with what
is missing; 303 to the record once it is submitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, PatronError, Refused
from patron_engine.page.record import record_page
from patron_engine.query.call import Call
from patron_engine.ways import approve
from patron_engine.ways.approval_ahead import submitting
from patron_engine.ways.approval_drawn import names_of
from patron_platform.api.errors import status_of
from patron_platform.web.approval_said import people_offered
from patron_platform.web.forms_in import CHOSEN, chosen_in
from patron_platform.web.record_form import Form, Posted
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}/submit", include_in_schema=False)
Connection = psycopg.Connection[Any]


@router.get("")
def before(request: Request, workspace: str, object: str, id: UUID) -> Response:
    return _draw(enter(request, workspace), object, str(id), request.query_params.get("button", "")[:60])


@router.post("")
def submit(form: Posted) -> Response:
    button = form.typed.get("_button", "")[:60] or None
    chosen = chosen_in(form.pairs)

    def act(conn: Connection, call: Call) -> None:
        approve.submit(
            conn, call, form.object, form.id, chosen=chosen, button=button, comment=form.typed.get("_comment") or None
        )  # fmt: skip

    try:
        form.write(act)
    except (Refused, Conflict, Forbidden, LimitExceeded) as error:
        return _draw(form.visitor, form.object, form.id, button or "", form, error)
    return form.back("submitted")


def _draw(
    visitor: Visitor,
    object: str,
    id: str,
    button: str,
    form: Form | None = None,
    error: PatronError | None = None,
) -> Response:
    """NotFound for a record that is not his to see."""

    def look(conn: Connection, call: Call) -> Response:
        made = record_page(conn, call, visitor.reader(call), object, id)
        ahead = submitting(conn, call, object, id, button or None)
        choose = [_choice(conn, call, c, form) for c in ahead.choose]
        return page(
            visitor, call, "approval_submit.html", title=texts_in(visitor.languages[0])("approvals.submit_of", name=made.title),
            here=made.object.name, status=status_of(error) if error is not None else 200, made=made, ahead=ahead, choose=choose,
            me=names_of(conn, call, [str(visitor.actor.user)]).get(str(visitor.actor.user), visitor.session.name),
            route=ahead.route, button=button, comment=form.typed.get("_comment", "") if form else "",
            here_url=visitor.url("o", made.object.name, made.id), wrong=_wrong(error, [c["node"] for c in choose]),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)


def _choice(conn: Connection, call: Call, node: Mapping[str, Any], form: Form | None) -> dict[str, Any]:
    chosen = form.several(f"{CHOSEN}{node['node']}") if form is not None else ()
    return {**node, "people": people_offered(conn, call, node["from"]), "chosen": chosen}


def _wrong(error: PatronError | None, nodes: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong, by the step it is about; "" for the rest."""
    if error is None:
        return {}
    found: dict[str, list[str]] = {}
    for problem in getattr(error, "problems", ()):
        node = (problem.path or "").removeprefix("chosen.")
        found.setdefault(node if node in nodes else "", []).append(problem.message)
    return found or {"": [error.detail]}
