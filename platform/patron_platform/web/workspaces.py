"""Workspaces: which one to work in, for who belongs to several; and going over to another.

In: a signed-in request. Out: the page to choose; a form's choice is kept in the session, whose token is a new one then.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_platform.hosts import client
from patron_platform.identity import cookies, sessions
from patron_platform.identity.audit import note
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.visitor import NotSignedIn, languages_for, session_of

router = APIRouter(include_in_schema=False)


@router.get("/workspaces")
def choose(request: Request) -> Response:
    session = session_of(request)
    if session is None:
        raise NotSignedIn("nobody is signed in")
    service: Service = request.app.state.service
    html = draw(
        "workspaces.html", languages_for(request, session.preferences), names=list(session.memberships),
        name=session.name, csrf=csrf.token_for(service, session.id),
    )  # fmt: skip
    return answer(html)


@router.post("/workspaces")
def switch(request: Request, form: FormData) -> Response:
    session = session_of(request)
    if session is None:
        raise NotSignedIn("nobody is signed in")
    given = forms_in.texts(form)
    csrf.check(request, session.id, given)
    name = given.get("workspace", "")
    if name not in session.memberships:
        raise NotFound("there is no such workspace, or it is not yours")
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        token = sessions.rotate(conn, session.id, name)
        sessions.keep_preferences(conn, session.account, {"workspace": name})
        note(conn, "workspace_switched", account=session.account, workspace=name, address=client(request))
    if token is None:
        raise NotSignedIn("nobody is signed in")
    made = see_other(f"/w/{name}/")
    cookies.give(request, made, token)
    return made
