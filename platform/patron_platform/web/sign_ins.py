"""The log of sign-ins: one's own, and for who has `manage_users` that of the workspace with who is signed in.

In: a signed-in request. Out: pages; ended sessions of somebody who belongs to the workspace.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.jsonio import whole
from patron_platform.hosts import client
from patron_platform.identity import sessions, sign_ins
from patron_platform.identity.audit import note
from patron_platform.identity.managing import demand
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)


@router.get("/me/sign-ins")
def own(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.service.databases.system() as conn:
        rows = sign_ins.of_account(conn, visitor.session.account, _before(request))
    return _page(visitor, rows, "signin.log_mine", here=visitor.url("me", "sign-ins"))


@router.get("/sign-ins")
def of_all(request: Request, workspace: str) -> Response:
    visitor = _managing(request, workspace)
    with visitor.service.databases.system() as conn:
        rows = sign_ins.of_workspace(conn, visitor.name, _before(request))
        online = sign_ins.online(conn, visitor.name)
    return _page(visitor, rows, "signin.log", here=visitor.url("sign-ins"), online=online, all=True)


@router.post("/sign-ins/end")
def end(request: Request, workspace: str, form: FormData) -> Response:
    """Ends every session of somebody of this workspace."""
    visitor = _managing(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    account = given.get("account", "")
    with visitor.service.databases.system() as conn:
        if not sign_ins.is_member(conn, visitor.name, account):
            raise NotFound("there is nobody of this kind in the workspace", code="user_not_found")
        count = sessions.close_others(conn, account)
        note(
            conn, "sessions_ended", account=visitor.session.account, workspace=visitor.name, address=client(request),
            detail={"count": count, "of": account},
        )  # fmt: skip
    return see_other(visitor.url("sign-ins") + "?done=ended")


def _managing(request: Request, workspace: str) -> Visitor:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        demand(visitor.workspace.call(conn, visitor.actor).model, visitor.actor)
    return visitor


def _before(request: Request) -> int | None:
    """The row the page goes on after; None for the newest, and for what is no number of a row."""
    return whole(request.query_params.get("before", ""))


def _page(
    visitor: Visitor,
    rows: list[sign_ins.SignIn],
    title: str,
    *,
    here: str,
    online: Any = (),
    all: bool = False,
) -> Response:
    shown = rows[: sign_ins.PAGE]
    older = f"{here}?before={shown[-1].id}" if len(rows) > len(shown) else ""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        return page(
            visitor, call, "sign_ins.html", title=texts_in(visitor.languages[0])(title), rows=shown, older=older,
            online=online, all=all, done=visitor.request.query_params.get("done") == "ended",
        )  # fmt: skip
