"""Record page: one record with everything that belongs to it, also on paper.

In: `GET /w/{workspace}/o/{object}/{id}`, with `?tab=SET` for a related list in its place, `?tab=files` or `?tab=changes`, and
`?print=1` for a page without anything to press. Out: HTML of page/record's data; a script gets the part that it swaps.
Looking at a record without its parts remembers when (web/follow).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.page.below import Grid, related_grid
from patron_engine.page.record import RecordPage, Tile, record_page
from patron_engine.query.call import Call
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
DONE = ("saved", "followed_up", "restored", "voided", "unvoided", "moved", "cloned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A related list as it stands open on the page."""

    tile: Tile
    grid: Grid


@router.get("")
def record(request: Request, workspace: str, object: str, id: UUID) -> Response:
    visitor = enter(request, workspace)
    given = request.query_params
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        made = record_page(conn, call, visitor.reader(call), object, str(id))
        here = visitor.url("o", made.object.name, made.id)
        opened = opened_tab(conn, call, visitor, made, given.get("tab"))
        values: dict[str, Any] = {"made": made, "here_url": here, "opened": opened, "tab": given.get("tab") or ""}
        if partial_wanted(request) and request.headers.get("hx-target", "").endswith("record-body"):
            return part(visitor, call, "_record_body.html", **values)
        template = "record_print.html" if given.get("print") else "record.html"
        done = given.get("done")
        return page(
            visitor, call, template, title=made.title, here=made.object.name,
            done=done if done in DONE else None, **values,
        )  # fmt: skip


def opened_tab(
    conn: psycopg.Connection[Any], call: Call, visitor: Visitor, made: RecordPage, tab: str | None
) -> Opened | None:
    """The related list a tab names. NotFound for one that the record does not have."""
    if not tab or tab in ("files", "changes"):
        return None
    tile = next((t for t in made.tiles if t.set == tab), None)
    if tile is None:
        raise NotFound("the record has no such list")
    related = next(r for r in made.layout.related if r.set.name == tab)
    grid = related_grid(conn, call, visitor.reader(call), made.object, made.id, related)
    return Opened(tile=tile, grid=grid)
