"""Exports over HTTP: `GET /exports/{object}?where=&sort=&fields=&form=csv|xlsx&labels=true&bom=true`.

In: what to choose, as a list asks it. Out: the file as an attachment, written to disk out of one snapshot and sent from
there: what is wrong with the question is an answer, never half a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import IO

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from patron_engine.errors import Refused
from patron_engine.problems import Problem
from patron_engine.transfer.export import export
from patron_platform.api.door import enter
from patron_platform.api.download import disposition
from patron_platform.api.requests import names, only, parameters

router = APIRouter(prefix="/exports")
KNOWN = ("where", "sort", "fields", "form", "labels", "bom")
FORMS = ("csv", "xlsx")
PIECE = 1 << 18
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "zip": "application/zip",
}


@router.get("/{object}")
def export_records(request: Request, object: str) -> Response:
    caller = enter(request)
    given = parameters(request)
    only(given, KNOWN, "parameter")
    form = given.get("form", "csv")
    if form not in FORMS:
        raise Refused([Problem(code="unknown_value", message="form is csv or xlsx", path="form")])
    return sent(
        object,
        form,
        lambda target: caller.workspace.reading(
            caller.actor,
            lambda conn, call: export(
                conn, call, object, target, form="xlsx" if form == "xlsx" else "csv", where=given.get("where"),
                sort=names(given.get("sort")), fields=names(given.get("fields")), labels=given.get("labels") == "true",
                bom=given.get("bom") == "true",
            ),
        ),
    )  # fmt: skip


def sent(
    name: str,
    form: str,
    write: Callable[[IO[bytes]], object],
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """What `write` writes as an attachment: whole on the disk before the answer begins."""
    target = tempfile.TemporaryFile(prefix="patron-export-")  # noqa: SIM115 - closed when it was sent
    try:
        write(target)
    except BaseException:
        target.close()
        raise
    size = target.tell()
    target.seek(0)
    told = {
        **headers,
        "Content-Disposition": disposition(f"{name}.{form}", "attachment"),
        "Content-Length": str(size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_pieces(target), headers=told, media_type=TYPES[form])


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while data := file.read(PIECE):
            yield data
