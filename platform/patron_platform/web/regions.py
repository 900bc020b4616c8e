"""Regions for address fields: a line that was pasted is taken apart by the official table.

In: a text. Out: JSON with the parts of an address and who stood beside it; {} when it names no region. The table comes with the
build; the page reads it too, so that choosing works without network.
"""

from __future__ import annotations

import json
from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patron_engine.page.regions import Regions, take_apart
from patron_platform.web import csrf, forms_in
from patron_platform.web.assets import DIST, manifest
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import HEADERS
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/regions", include_in_schema=False)


@cache
def regions() -> Regions:
    return Regions(json.loads(DIST.joinpath(manifest()["regions.json"]).read_text(encoding="utf-8")))


@router.post("/apart")
def apart(request: Request, workspace: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    found = take_apart(given.get("text", ""), regions())
    if found is None:
        return JSONResponse({}, headers=dict(HEADERS))
    parts = {
        "province": found.region.province, "city": found.region.city, "district": found.region.district,
        "street": found.street, "postcode": found.postcode,
    }  # fmt: skip
    return JSONResponse({"parts": parts, "person": found.person, "phone": found.phone}, headers=dict(HEADERS))
