"""Sheets: a file of rows that a request brings, on disk before anybody looks at it.

In: a multipart body with `file` and fields, for the API and for the page of imports. Out: the fields (`name` is what the file was called)
and the path of the file, which the caller removes. Counted while it arrives; LimitExceeded past `import_bytes`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.jsonio import whole
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_platform.api.requests import only

MAX_BYTES = 200 * 1024 * 1024  # import_bytes
PIECE = 1 << 20
ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods")
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]"
)  # of a name: would turn what stands around it


async def sent_sheet(request: Request, known: Collection[str]) -> tuple[dict[str, str], Path]:
    """The fields of a multipart body, of those `known`, and its file on disk."""
    length = whole(request.headers.get("content-length", ""))
    if length is None or length < 0:
        raise Refused([Problem(code="content_length", message="say how long the body is: Content-Length")])
    if length > MAX_BYTES + PIECE:
        raise _too_large()
    async with request.form(max_files=1, max_fields=len(known) + 1, max_part_size=PIECE) as form:
        only(dict(form), (*known, "file"), "field")
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            message = "send the file as `file`, multipart/form-data"
            raise Refused([Problem(code="required", message=message, path="file")])
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        fields["name"] = UNSEEN.sub("", Path(file.filename).name)[-200:].strip()
        return fields, await _on_disk(file, _ending(file.filename))


def _ending(name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        message = Phrase("a file named {ending} cannot be read", ending=ending or Phrase("without ending"))
        raise Refused([Problem(code="file_form", message=message, path="file", hint=", ".join(ENDINGS))])
    return ending


async def _on_disk(file: UploadFile, ending: str) -> Path:
    with tempfile.NamedTemporaryFile(prefix="patron-import-", suffix=ending, delete=False) as kept:
        size = 0
        while data := await file.read(PIECE):
            size += len(data)
            if size > MAX_BYTES:
                Path(kept.name).unlink()
                raise _too_large()
            kept.write(data)
    return Path(kept.name)


def _too_large() -> LimitExceeded:
    return LimitExceeded(
        "a file has at most 200 MB", code="import_bytes", hint="split it, or use `patron import`"
    )
