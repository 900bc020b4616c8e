"""Files over HTTP: one is sent, fetched, thrown away; those of a record are listed, added, taken off.

In: requests under /files and /records/{object}/{id}/files. Out: JSON, or a file's bytes. Sending is many short transactions:
one for the row, one for each piece, and one write transaction at the end, so that a slow sender holds no lock and no
connection; half a file is never seen. Hanging a file on a record goes the way save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import anyio
import psycopg
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from patron_engine.errors import Conflict, LimitExceeded, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.filetypes import HEAD_BYTES
from patron_engine.jsonio import dumps, loads
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.files import record_files
from patron_engine.record import files
from patron_engine.record.attach import file_ids
from patron_engine.record.change import Change
from patron_engine.store import blobs
from patron_engine.ways.approval_file import file_seen
from patron_engine.ways.save import save
from patron_platform.api.door import Caller, enter
from patron_platform.api.download import answer
from patron_platform.api.idempotency import Answer, key_of, write, write_once
from patron_platform.api.requests import (
    Body,
    etag,
    json_answer,
    json_object,
    only,
    parameters,
    seen_version,
)
from patron_platform.api.upload import Sent, expected_bytes, read_upload
from patron_platform.service import Service

router = APIRouter()
UPLOAD_SECONDS = 3_600  # upload_time: from the first byte to the last


@router.post("/files")
async def send_file(request: Request) -> Response:
    """201 with id, name, mime, size, sha256. The file hangs nowhere and is its sender's until a save attaches it."""
    caller = await run_in_threadpool(enter, request)
    return (await receive(request, caller)).response()


async def receive(
    request: Request,
    caller: Caller,
    *,
    fields: Sequence[str] = (),
    admit: Callable[[Mapping[str, str]], None] | None = None,
) -> Answer:
    """The file of a request's body, kept as the caller's own.

    `admit` gets the `fields` that stood before the file in its form, before a byte of it is kept, and refuses by raising.
    """
    key_of(request)
    expected_bytes(request)
    keeping = _Keeping(request, caller)
    kept = False
    try:
        with anyio.fail_after(UPLOAD_SECONDS):
            async for piece in read_upload(request, fields):
                if isinstance(piece, Sent):
                    if admit is not None:
                        await run_in_threadpool(admit, piece.fields)
                    await run_in_threadpool(keeping.begin, piece)
                elif keeping.takes(piece):
                    await run_in_threadpool(keeping.write)
            made = await run_in_threadpool(keeping.finish)
        kept = loads(made.body)["id"] == keeping.id  # else it is the answer of the first time
        return made
    except ClientDisconnect:
        return Answer(status=400)  # which nobody reads any more
    except TimeoutError:
        raise LimitExceeded(
            Phrase("a file is sent within {seconds} seconds", seconds=UPLOAD_SECONDS),
            code="upload_time",
            hint="send it again",
        ) from None
    finally:
        if not kept:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(keeping.discard)


class _Keeping:
    """A file on its way into the database. Its methods that talk to it are called from a thread, one after the other."""

    def __init__(self, request: Request, caller: Caller) -> None:
        service: Service = request.app.state.service
        self.request = request
        self.caller = caller
        self.room = service.settings.files
        self.id = ""
        self._sent: Sent | None = None
        self._waiting = bytearray()
        self._head = b""
        self._digest = sha256()
        self._size = 0
        self._chunks = 0

    def begin(self, sent: Sent) -> None:
        self._sent = sent
        workspace, actor = self.caller.workspace, self.caller.actor
        with workspace.connection("write") as conn:
            call = workspace.call(conn, actor)
            self.id = files.begin(conn, call, sent.name, expected=sent.expected, room=self.room)

    def takes(self, data: bytes) -> bool:
        """Takes bytes; true when there are enough to be written."""
        self._waiting += data
        return len(self._waiting) >= blobs.CHUNK_BYTES

    def write(self) -> None:
        """Writes full pieces, each in a transaction of its own."""
        while len(self._waiting) >= blobs.CHUNK_BYTES:
            self._put(bytes(self._waiting[: blobs.CHUNK_BYTES]))
            del self._waiting[: blobs.CHUNK_BYTES]

    def _put(self, data: bytes) -> None:
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self._digest.update(data)
        self._size += len(data)
        workspace = self.caller.workspace
        try:
            with workspace.connection("write") as conn:
                blobs.put(conn, workspace.schema, self.id, self._chunks, data)
        except psycopg.errors.ForeignKeyViolation:
            raise NotFound(
                "this upload is no longer there", hint="it took too long: send the file again"
            ) from None
        self._chunks += 1

    def finish(self) -> Answer:
        """The last piece, and the write transaction that makes a file of them."""
        if self._waiting:
            self._put(bytes(self._waiting))
            self._waiting.clear()
        assert self._sent is not None
        whole = files.Whole(
            size=self._size, chunks=self._chunks, sha256=self._digest.hexdigest(), head=self._head,
            declared=self._sent.declared,
        )  # fmt: skip

        def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
            made = files.finish(conn, call, self.id, whole, room=self.room)
            return Answer(dumps(made), 201, {"Location": f"/api/v1/files/{self.id}"})

        # the boundary of a form differs from time to time: the same request is the same file under the same name
        body = sha256(dumps([self._sent.name, self._sent.declared, whole.sha256])).hexdigest()
        return write_once(self.request, self.caller, body, act)

    def discard(self) -> None:
        if self.id:
            workspace, actor = self.caller.workspace, self.caller.actor
            with workspace.connection("write") as conn:
                files.discard(conn, workspace.call(conn, actor), self.id)


@router.get("/files/{id}")
def fetch_file(request: Request, id: str) -> Response:
    """The bytes. `?inline=true` shows pictures and PDFs in place."""
    caller = enter(request)
    given = parameters(request)
    only(given, ("inline",), "parameter")
    if given.get("inline", "true") not in ("true", "false"):
        raise Refused([Problem(code="not_boolean", message="inline is true or false", path="inline")])
    found = caller.workspace.reading(caller.actor, lambda conn, call: file_seen(conn, call, id))
    return answer(request, caller.workspace, found, inline=given.get("inline") == "true")


@router.delete("/files/{id}")
def discard_file(request: Request, id: str) -> Response:
    """Throws away an upload of one's own that hangs nowhere."""
    return discard(request, enter(request), id)


def discard(request: Request, caller: Caller, id: str) -> Response:
    """The same for a caller who is known."""

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        found = file_seen(conn, call, id)
        if not files.discard(conn, call, found.id):
            raise Conflict(
                "this file hangs on a record", code="file_attached", hint="take it off the record instead"
            )
        return Answer(dumps({"id": found.id, "action": "deleted"}))

    return write(request, caller, b"", act)


OF_RECORD = "/records/{object}/{id}/files"


@router.get(OF_RECORD)
def list_files(request: Request, object: str, id: str) -> Response:
    """The files of the record itself; those of its fields stand in the fields."""
    caller = enter(request)
    found = caller.workspace.reading(caller.actor, lambda conn, call: record_files(conn, call, object, id))
    return json_answer(dumps({"files": found}))


@router.post(OF_RECORD)
def add_file(request: Request, object: str, id: str, data: Body) -> Response:
    """`{"file": ID}`: hangs an upload of one's own on the record."""
    caller = enter(request)
    body = json_object(request, data)
    only(body, ("file",))
    try:
        named = file_ids([body.get("file")])
    except ValueFault as fault:
        raise Refused(
            [Problem(code=fault.code, message=fault.message, path="file", hint=fault.hint)]
        ) from None
    change = Change(action="update", object=object, id=id, version=seen_version(request), attach=named)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        record_files(conn, call, object, id)  # an object without the feature has no such address
        version = save(conn, call, [change])[0].version
        made = next(f for f in record_files(conn, call, object, id) if f["id"] == named[0])
        return Answer(dumps(made), 201, {"Location": f"/api/v1/files/{named[0]}", **etag(version)})

    return write(request, caller, data, act)


@router.delete(OF_RECORD + "/{file}")
def take_off(request: Request, object: str, id: str, file: str) -> Response:
    """Takes a file off the record."""
    caller = enter(request)

    def act(conn: psycopg.Connection[Any], call: Call) -> Answer:
        known = file.lower()
        if not any(f["id"] == known for f in record_files(conn, call, object, id)):
            raise NotFound(
                "there is no such file", hint="it may have been removed, or it is not yours to see"
            )
        change = Change(action="update", object=object, id=id, version=seen_version(request), detach=(known,))
        version = save(conn, call, [change])[0].version
        return Answer(dumps({"id": known, "action": "deleted", "version": version}))

    return write(request, caller, b"", act)
