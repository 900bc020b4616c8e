"""Search: a page of what was found, by object, and the dialog that finds while one types.

In: words in the address. Out: groups of records with what fits marked; in the dialog also where one was, what menus lead to and
what one may do. Reads only.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.page.hits import MAX_WORDS, hits
from patron_engine.page.menu import apps_of, objects_in
from patron_engine.query.call import Call
from patron_engine.query.recent import recent
from patron_platform.web.places import places_of
from patron_platform.web.render import page, part
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
ON_PAGE, IN_DIALOG = 8, 4  # records of one object
RECENT = 6


@router.get("/search")
def search(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    words = words_in(request)

    def look(conn: psycopg.Connection[Any], call: Call) -> Response:
        first = objects_in(apps_of(call.model, visitor.actor))
        found = hits(conn, call, visitor.reader(call), words, limit=ON_PAGE, first=first)
        t = texts_in(visitor.languages[0])
        title = t("search.title_of", words=words) if words else t("shell.search")
        return page(visitor, call, "search.html", title=title, here="search", words=words, groups=found)

    return visitor.workspace.reading(visitor.actor, look)


@router.get("/palette")
def palette(request: Request, workspace: str) -> Response:
    """The inside of the dialog for what was typed so far."""
    visitor = enter(request, workspace)
    words = words_in(request)

    def look(conn: psycopg.Connection[Any], call: Call) -> Response:
        apps = apps_of(call.model, visitor.actor)
        reader = visitor.reader(call)
        found = hits(conn, call, reader, words, limit=IN_DIALOG, first=objects_in(apps)) if words else ()
        seen = () if words else recent(conn, call, RECENT)
        places = places_of(call, visitor, apps, words)
        return part(visitor, call, "_palette.html", words=words, groups=found, seen=seen, places=places)

    return visitor.workspace.reading(visitor.actor, look)


def words_in(request: Request) -> str:
    """What was typed, as far as a search looks at it."""
    return request.query_params.get("q", "").replace("\x00", "").strip()[:MAX_WORDS]
