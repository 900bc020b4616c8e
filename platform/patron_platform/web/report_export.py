"""Export of a report: `GET /w/{workspace}/reports/{name}/export?as=xlsx|csv|pdf` with the parameters of its page. Out: the file."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.api.exports import sent
from patron_platform.reporting.made import form_named, make
from patron_platform.web.render import HEADERS
from patron_platform.web.report_asked import asked

router = APIRouter(prefix="/w/{workspace}/reports", include_in_schema=False)


@router.get("/{name}/export")
def export_report(request: Request, workspace: str, name: str) -> Response:
    """Exactly what the page shows, all of it, as a file."""
    with asked(request, workspace, name) as it:
        form = form_named(it.given.get("as", "xlsx"))
        title = it.reader.say(it.body.get("label"), it.name)
        return sent(
            title.replace("/", "-"), form, lambda target: make(it.conn, it.call, it.name, it.request, form, it.reader, it.words, target),
            HEADERS,
        )  # fmt: skip
