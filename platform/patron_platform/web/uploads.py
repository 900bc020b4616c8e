"""Uploads of pages: files of a form are sent one by one by whoever is signed in, and shown to him.

In: requests with the session's cookie; what changes something carries the token of the page. Out: what api/files answers, made
by the same functions: limits, pieces, the type told by the bytes, who may read a file. A picture or a PDF is shown in place,
in a sandbox.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.query.files import find_file
from patron_platform.api import files
from patron_platform.api.door import Caller
from patron_platform.api.download import answer
from patron_platform.web import csrf
from patron_platform.web.once import caller_of
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/files", include_in_schema=False)


def _writer(request: Request, workspace: str) -> Caller:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id)
    return caller_of(visitor)


@router.post("")
async def send(request: Request, workspace: str) -> Response:
    """201 with id, name, mime, size of the file. It hangs nowhere until a form that names it is saved."""
    return (await files.receive(request, await run_in_threadpool(_writer, request, workspace))).response()


@router.get("/{id}")
def show(request: Request, workspace: str, id: str) -> Response:
    """The bytes, for a link or a picture of a page; `?inline=true` in place."""
    visitor = enter(request, workspace)
    found = visitor.workspace.reading(visitor.actor, lambda conn, call: find_file(conn, call, id))
    made = answer(request, visitor.workspace, found, inline=request.query_params.get("inline") == "true")
    made.headers["Vary"] = "Cookie"
    return made


@router.delete("/{id}")
def discard(request: Request, workspace: str, id: str) -> Response:
    """Throws away an upload of his own that hangs nowhere."""
    return files.discard(request, _writer(request, workspace), id)
