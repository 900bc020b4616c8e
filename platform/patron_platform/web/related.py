"""Related: what hangs on a record, fetched when it is looked at: how many of each, the rest of the timeline.

In: addresses below a record. Out: parts of its page, with the whole page's look when they are opened by themselves.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.page.below import MOST_COUNTED, counts_of
from patron_engine.page.record import record_page
from patron_engine.page.timeline import timeline
from patron_platform.web.arriving import see_other
from patron_platform.web.record import wanted_in
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)


@router.get("/tabs")
def tabs(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """The tabs of the page with their counts; `?tab=` is the open one."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        made = record_page(conn, call, visitor.reader(call), object, str(id))
        here = visitor.url("o", made.object.name, made.id)
        if not partial_wanted(request):
            return see_other(here)
        counts = counts_of(conn, call, made.object, made.id, made.layout)
        return part(
            visitor, call, "_record_tabs.html", made=made, here_url=here, counts=counts, most=MOST_COUNTED,
            tab=request.query_params.get("tab") or "",
        )  # fmt: skip


@router.get("/timeline")
def more(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """`?kind=&after=`: a page of the timeline; of changes `?field=&by=` those of a field, those of a person."""
    visitor = enter(request, workspace)
    given = request.query_params
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        made = record_page(conn, call, reader, object, str(id))
        told = timeline(
            conn, call, reader, made.layout, made.id, secret=visitor.service.runtime.secret,
            kind=given.get("kind"), after=given.get("after"), wanted=wanted_in(given),
        )  # fmt: skip
        here = visitor.url("o", made.object.name, made.id)
        values: dict[str, Any] = {"made": made, "told": told, "here_url": here, "day": given.get("day")}
        if partial_wanted(request):
            return part(visitor, call, "_record_entries.html", **values)
        return page(visitor, call, "record_timeline.html", title=made.title, here=made.object.name, **values)
