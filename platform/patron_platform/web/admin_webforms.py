"""Public forms for administrators: `GET /w/{workspace}/admin/forms`: which there are, where they are, what came in by them.

In: the webforms of the release, their entries. Out: the page, each form with its address and the same as a QR code.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.query.call import Call
from patron_engine.ways.intake import entries_of
from patron_platform.hosts import host, secure
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/admin/forms", include_in_schema=False)
Connection = psycopg.Connection[Any]


@router.get("")
def webforms(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    if not visitor.actor.administrator:
        raise NotFound("there is no such page, or it is not yours to see")
    base = f"{'https' if secure(request) else 'http'}://{host(request)}/form/{visitor.name}"

    def shown(conn: Connection, call: Call) -> Response:
        reader, counted = visitor.reader(call), entries_of(conn, call)
        forms = []
        for (kind, name), body in sorted(call.model.documents.items(), key=lambda item: item[0]):
            object = call.model.objects.get(body.get("object", "")) if kind == "webform" else None
            if object is None:
                continue
            count, last = counted.get(name, (0, None))
            address = f"{base}/{name}"
            forms.append({
                "label": reader.say(body.get("label"), name), "object": reader.say(object.label, object.name), "address": address,
                "code": _picture(address), "count": count, "last": reader.moment(last) if last else "–",
            })  # fmt: skip
        title = texts_in(visitor.languages[0])("webforms.title")
        return page(visitor, call, "admin_webforms.html", title=title, here="admin", forms=forms)

    return visitor.workspace.reading(visitor.actor, shown)


def _picture(address: str) -> str:
    import segno  # for the few pages that draw one

    return str(segno.make(address, error="m").svg_data_uri(scale=3, border=2, light="white"))
