"""Viewing: begin to look at the workspace as a person, and end it.

In: posts of the person's page and of the banner. Out: a cookie, a line in both audits, and the way to the home page or back.
Forbidden for a person who may do more than the viewer.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import Actor
from patron_engine.errors import Forbidden
from patron_engine.record import audit
from patron_platform import viewing
from patron_platform.colleagues import colleague
from patron_platform.hosts import client
from patron_platform.identity.audit import note
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import desk
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/admin/viewing", include_in_schema=False)


@router.post("")
def begin(request: Request, workspace: str, form: FormData) -> Response:
    with desk(request, workspace) as it:
        visitor, given = it.visitor, forms_in.texts(form)
        csrf.check(request, visitor.session.id, given)
        about = colleague(it.conn, it.call, given.get("user", ""))
        if not viewing.may_view(it.call.model, visitor.actor, about.actor):
            raise Forbidden(
                "you may not look at the workspace as somebody who may do more than you",
                hint="an administrator may",
            )
    _tell(visitor, "viewing_began", about.id)
    with visitor.service.databases.system() as conn:
        note(
            conn, "viewing_began", account=visitor.session.account, about=about.email or about.id,
            address=client(request), workspace=workspace, detail={"user": about.id},
        )  # fmt: skip
    made = see_other(visitor.url(""))
    viewing.begin(request, made, visitor.session.id, workspace, about.id)
    return made


@router.post("/end")
def end(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    made = see_other(visitor.url(""))
    if visitor.viewing is not None:
        made = see_other(visitor.url("admin", "people", visitor.viewing.id))
        _tell(visitor, "viewing_ended", visitor.viewing.id)
        with visitor.service.databases.system() as conn:
            note(
                conn, "viewing_ended", account=visitor.session.account, address=client(request),
                about=visitor.viewing.email or visitor.viewing.id, workspace=workspace,
                detail={"user": visitor.viewing.id},
            )  # fmt: skip
    viewing.end(request, made)
    return made


def _tell(visitor: Visitor, action: str, about: str) -> None:
    """The audit of the workspace learns whose view it was, under the name of whoever looked."""
    place, member = visitor.workspace, visitor.session.memberships[visitor.name]
    who = Actor(user=member.user, name=visitor.session.email)
    with place.connection("write") as conn, conn.transaction():
        audit.write(conn, place.schema, who, place.runtime.clock(), action, f"user/{about}")
