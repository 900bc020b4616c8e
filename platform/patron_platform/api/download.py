"""Download: the bytes of a file as an answer: whole or a range of it, or only that nothing changed.

In: a file its reader may have, the request. Out: 200, 206, 304 or 416 with headers under which no browser makes a page of
it: attachment unless a picture or a PDF is asked for inline, nosniff, a sandbox. Pieces are read one by one, each with a
connection of its own: who reads slowly holds none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from patron_engine.errors import NotFound
from patron_engine.phrases import Phrase
from patron_engine.query.files import FileFound
from patron_engine.runtime import Workspace
from patron_engine.store import blobs
from patron_platform.api.errors import problem
from patron_platform.languages import asked

INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
# What a browser runs when it opens it is sent as bytes without a meaning.
ACTIVE = re.compile(r"text/html|text/xml|application/xml|.*\+xml|.*script")
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'self'"
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


def answer(request: Request, workspace: Workspace, file: FileFound, *, inline: bool) -> Response:
    """The response for a file whose reader was asked for already."""
    shown = inline and file.mime in INLINE
    etag = f'"{file.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(file.name, "inline" if shown else "attachment"),
        "Content-Security-Policy": SANDBOX,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Authorization",
        "X-Content-Type-Options": "nosniff",
    }
    if _holds(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    wanted = _wanted(request, etag)
    first, last = _bounds(wanted, file.size)
    if wanted is not None:
        if first > last:
            return problem(
                416,
                "range",
                Phrase("the file has {size} bytes", size=file.size),
                asked(request),
                headers={"Content-Range": f"bytes */{file.size}"},
            )
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    headers["Content-Length"] = str(last - first + 1)
    kind = "application/octet-stream" if ACTIVE.fullmatch(file.mime) else file.mime
    status = 200 if wanted is None else 206
    if request.scope.get("patron.head"):
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(_bytes(workspace, file, first, last), status, headers, kind)


def disposition(name: str, how: str) -> str:
    """A Content-Disposition with the name twice: as RFC 8187 writes it, and in ASCII for who cannot read that.

    >>> disposition('a"b.pdf', "attachment")
    'attachment; filename="a_b.pdf"; filename*=UTF-8\\'\\'a%22b.pdf'
    """
    plain = re.sub(r"[^ !#$&+\-.0-9A-Z^_a-z{}~()\[\],=@]", "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _bytes(workspace: Workspace, file: FileFound, first: int, last: int) -> Iterator[bytes]:
    for n, start, length in blobs.pieces(file.piece, first, last):
        with workspace.connection("read") as conn:
            data = blobs.piece(conn, workspace.schema, file.id, n, start, length)
        if (
            data is None or len(data) != length
        ):  # removed meanwhile: the reader gets fewer bytes than announced
            raise NotFound("the file was removed while it was read")
        yield data


def _holds(header: str | None, etag: str) -> bool:
    """Whether a list of ETags names this one; weak ones count."""
    if header is None:
        return False
    return header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))


def _wanted(request: Request, etag: str) -> re.Match[str] | None:
    """The one range that is asked for. Several, what is no range of bytes, and a range of another version of the file
    (`If-Range`) are answered with the whole file."""
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != etag:
        return None
    found = _RANGE.fullmatch(request.headers.get("range", "")[:100])
    backwards = found is not None and found[2] and int(found[2]) < int(found[1])
    return None if backwards else found


def _bounds(wanted: re.Match[str] | None, size: int) -> tuple[int, int]:
    """First and last byte; the first is behind the last where nothing of what is asked for is there."""
    if wanted is None:
        return 0, size - 1
    if wanted[3] is not None:
        return size - min(int(wanted[3]), size), size - 1
    return int(wanted[1]), min(int(wanted[2]), size - 1) if wanted[2] else size - 1
