"""Files: sent, shown, thrown away, hung on a record and taken off it by whoever is signed in.

In: requests with the session's cookie; what changes something carries the token of its page, a script in the header, a form in a
field before the file. Out: what api/files answers, made by the same functions: limits, pieces, the type told by the bytes, who
may read a file; the page of the record for a form of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import loads
from patron_engine.query.files import needs_feature, record_files
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.ways.approval_file import file_seen
from patron_platform.api import files
from patron_platform.api.door import Caller
from patron_platform.api.download import answer
from patron_platform.api.upload import is_form
from patron_platform.web import csrf
from patron_platform.web.once import caller_of
from patron_platform.web.record_form import Form, Posted
from patron_platform.web.render import answer as html
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
OF_RECORD = "/o/{object}/{id:uuid}/files"


def _writer(request: Request, workspace: str) -> Caller:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id)
    return caller_of(visitor)


@router.post("/files")
async def send(request: Request, workspace: str) -> Response:
    """201 with id, name, mime, size of the file. It hangs nowhere until a form that names it is saved."""
    return (await files.receive(request, await run_in_threadpool(_writer, request, workspace))).response()


@router.get("/files/{id}")
def show(request: Request, workspace: str, id: str) -> Response:
    """The bytes, for a link or a picture of a page; `?inline=true` shows pictures and PDFs in place."""
    visitor = enter(request, workspace)
    found = visitor.workspace.reading(visitor.actor, lambda conn, call: file_seen(conn, call, id))
    made = answer(request, visitor.workspace, found, inline=request.query_params.get("inline") == "true")
    made.headers["Vary"] = "Cookie"
    return made


@router.delete("/files/{id}")
def discard(request: Request, workspace: str, id: str) -> Response:
    """Throws away an upload of his own that hangs nowhere."""
    return files.discard(request, _writer(request, workspace), id)


@router.post(OF_RECORD)
async def add(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """One file, hung on the record: back to its page, or 204 for a script."""
    visitor = await run_in_threadpool(enter, request, workspace)
    if csrf.HEADER in request.headers or not is_form(request):
        csrf.check(request, visitor.session.id)  # else its token comes with the form, before the file
    form = Form(visitor=visitor, object=object, id=str(id), pairs=())
    await run_in_threadpool(_takes_files, visitor, object, str(id))

    def admit(before: Mapping[str, str]) -> None:
        csrf.check(request, visitor.session.id, before)

    try:
        made = await files.receive(request, caller_of(visitor), fields=(csrf.FIELD,), admit=admit)
        file = str(loads(made.body)["id"])
        change = Change(action="update", object=object, id=str(id), attach=(file,))
        await run_in_threadpool(visitor.workspace.save, visitor.actor, [change], cause=visitor.cause)
    except Refused as refused:
        problems = refused.problems
        return await run_in_threadpool(lambda: form.again("files", problems))
    return html("", 204) if request.headers.get(csrf.HEADER) else form.back("file_added")


def _takes_files(visitor: Visitor, object: str, id: str) -> None:
    """NotFound before a byte is read, where the record takes no files."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        needs_feature(known_object(call, object))
        record_files(conn, call, object, id)


@router.post(OF_RECORD + "/{file:uuid}/remove")
def remove(form: Posted, file: UUID) -> Response:
    """Takes a file off the record."""
    with form.reading() as (conn, call):
        if not any(f["id"] == str(file) for f in record_files(conn, call, form.object, form.id)):
            raise NotFound("there is no such file here")
    change = Change(action="update", object=form.object, id=form.id, detach=(str(file),))
    return form.save([change], name="files", done="file_removed")
