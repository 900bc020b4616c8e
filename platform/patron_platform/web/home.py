"""Home: where one arrives: what is there to do, and where one was.

In: a signed-in request. Out: the home page of the workspace.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)


@router.get("/")
def home(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        title = texts_in(visitor.languages[0])("shell.home")
        return page(visitor, call, "home.html", title=title, here="home")
