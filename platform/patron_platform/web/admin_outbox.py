"""Outbox for administrators: what leaves the workspace, what waits, what could not be sent and why.

In: `GET /w/{workspace}/admin/outbox?state=&kind=&before=`, posts `…/{id}/replay`, `…/{id}/give_up`. Out: the page; 303 back
to it. What a parcel says is shown to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, NotFound
from patron_engine.jsonio import whole
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.record import outbox
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin/outbox", include_in_schema=False)
KINDS = ("notice", "tell", "chat", "sms", "webhook", "call", "report")
STATES = ("due", "sending", "parked", "sent", "given_up", "all")
Connection = psycopg.Connection[Any]


def entered(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is nothing at this address")
    return visitor


Admin = Annotated[Visitor, Depends(entered)]


@router.get("")
def listed(visitor: Admin) -> Response:
    return _list(visitor)


@router.post("/{id:uuid}/replay")
def replay(visitor: Admin, id: UUID, form: FormData) -> Response:
    return _changed(visitor, id, form, outbox.again)


@router.post("/{id:uuid}/give_up")
def give_up(visitor: Admin, id: UUID, form: FormData) -> Response:
    return _changed(visitor, id, form, outbox.give_up)


def _changed(
    visitor: Visitor, id: UUID, form: FormData, act: Callable[[Connection, str, str, datetime], None]
) -> Response:
    csrf.check(visitor.request, visitor.session.id, forms_in.texts(form))
    try:
        visitor.workspace.writing(visitor.actor, lambda conn, call: act(conn, call.schema, str(id), call.now))
    except Conflict:
        return _list(visitor, wrong="not_parked", status=409)
    return see_other(visitor.url("admin", "outbox"))


def _list(visitor: Visitor, *, wrong: str = "", status: int = 200) -> Response:
    asked = visitor.request.query_params
    state = asked.get("state", "") if asked.get("state") in STATES else ""
    kind = asked.get("kind", "") if asked.get("kind") in KINDS else ""
    before = whole(asked.get("before", "")) if asked.get("before") else None

    def shown(conn: Connection, call: Call) -> Response:
        found = outbox.listed(conn, call.schema, state=state, kind=kind, before=before, most=outbox.SHOWN + 1)
        more = (
            {"state": state, "kind": kind, "before": found[outbox.SHOWN - 1].number}
            if len(found) > outbox.SHOWN
            else {}
        )
        return page(
            visitor, call, "admin_outbox.html", title=texts_in(visitor.languages[0])("outward.outbox"), here="admin",
            tab="outbox", parcels=lines(visitor, conn, call, found[: outbox.SHOWN]), states=STATES, kinds=KINDS,
            state=state, kind=kind, wrong=wrong, older=urlencode(more), status=status,
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, shown)


def lines(visitor: Visitor, conn: Connection, call: Call, found: list[outbox.Seen]) -> list[dict[str, Any]]:
    """Parcels as pages write them."""
    reader = visitor.reader(call)
    people = list(dict.fromkeys(p.person for p in found if p.person))
    names = titles_of(conn, call, {"user": people}) if people else {}
    return [
        {
            **p.as_dict(), "made": reader.moment(p.made_at), "due": reader.moment(p.due_at),
            "done": reader.moment(p.done_at) if p.done_at else "", "who": names.get(("user", p.person or ""), ""),
        }
        for p in found
    ]  # fmt: skip
