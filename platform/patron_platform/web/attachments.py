"""Attachments: files of a record, sent, looked at and taken off from its page with the session of who looks.

In: a form with one file (multipart), or a script's upload, with the session's token. Out: the file hung on the record and back to the
page; a file's bytes with headers under which no browser makes a page of them (api/download).
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import loads
from patron_engine.query.files import find_file, needs_feature, record_files
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_platform.api.door import Caller
from patron_platform.api.download import answer
from patron_platform.api.files import receive
from patron_platform.web import csrf, forms_in
from patron_platform.web.follow import save_or_again
from patron_platform.web.forms_in import FormData
from patron_platform.web.login import see_other
from patron_platform.web.record import Sent, draw_record, sent_by
from patron_platform.web.render import answer as html
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
OF_RECORD = "/o/{object}/{id:uuid}/files"


@router.get("/files/{file:uuid}")
def fetch(request: Request, workspace: str, file: UUID) -> Response:
    """The bytes. `?inline=true` shows pictures and PDFs in place."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        found = find_file(conn, visitor.workspace.call(conn, visitor.actor), str(file))
    return answer(request, visitor.workspace, found, inline=request.query_params.get("inline") == "true")


@router.post(OF_RECORD)
async def add(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """One file. A browser's form cannot carry the token beside it: it stands in the form's address."""
    visitor = await run_in_threadpool(enter, request, workspace)
    csrf.check(request, visitor.session.id, {csrf.FIELD: request.query_params.get("token", "")})
    await run_in_threadpool(_takes_files, visitor, object, str(id))
    caller = Caller(
        principal=f"session:{visitor.session.id}", actor=visitor.actor, workspace=visitor.workspace, cause=visitor.cause
    )  # fmt: skip
    try:
        made = await receive(request, caller)
        file = str(loads(made.body)["id"])
        change = Change(action="update", object=object, id=str(id), attach=(file,))
        await run_in_threadpool(visitor.workspace.save, visitor.actor, [change], cause=visitor.cause)
    except Refused as refused:
        sent = Sent(form="files", typed={}, problems=refused.problems)
        return await run_in_threadpool(
            lambda: draw_record(request, visitor, object, str(id), sent=sent, status=422)
        )
    if request.headers.get(csrf.HEADER):
        return html("", 204)
    return see_other(f"{visitor.url('o', object, str(id))}?done=file_added")


def _takes_files(visitor: Visitor, object: str, id: str) -> None:
    """NotFound before a byte is read, where the record takes no files."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        needs_feature(known_object(call, object))
        record_files(conn, call, object, id)


@router.post(OF_RECORD + "/{file:uuid}/remove")
def remove(request: Request, workspace: str, object: str, id: UUID, file: UUID, form: FormData) -> Response:
    """Takes a file off the record."""
    visitor = sent_by(request, workspace, form)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        if not any(f["id"] == str(file) for f in record_files(conn, call, object, str(id))):
            raise NotFound("there is no such file here")
    change = Change(action="update", object=object, id=str(id), detach=(str(file),))
    typed = forms_in.texts(form)
    return save_or_again(
        request, visitor, object, str(id), [change], form="files", typed=typed, done="file_removed"
    )
