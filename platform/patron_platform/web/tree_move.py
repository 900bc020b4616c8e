"""Under: a record of a tree is put below another one, by a small form; a script that drags lines sends the same (web/moves).

In: `GET …/list/{object}/under?id=&back=`. Out: a form of the link that makes the tree, over the list or as a page of its own; empty is the
top. The move is one of web/moves: refused in words, taken back within ten minutes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.page.asked import candidates, offered
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read_one
from patron_platform.web.arriving import local_address
from patron_platform.web.boards import text_of
from patron_platform.web.list_tree import carried_by
from patron_platform.web.lists import asked
from patron_platform.web.render import page, part, partial_wanted

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)


@router.get("/under")
def ask_parent(request: Request, workspace: str, object: str, id: UUID) -> Response:
    with asked(request, workspace, object) as it:
        link = carried_by(it)
        if not link:
            raise NotFound("there is nothing at this address")
        field, reader = it.object.fields[link], it.visitor.reader(it.call)
        record = read_one(it.conn, it.call, it.object.name, str(id), ("id", it.object.title, link)).record()
        now = record.get(link)
        above = str(now["id"]) if isinstance(now, dict) else ""
        asks = replace(
            offered((field,), {link: above}, reader)[0], name=f"set.{link}", required=field.required is True
        )
        values: dict[str, Any] = {
            "object": it.object, "id": str(id), "version": read_one(it.conn, it.call, it.object.name, str(id)).version,
            "input": asks, "records": candidates(it.conn, it.call, field, above or None),
            "back": local_address(request.query_params.get("back")) or it.visitor.url("o", it.object.name) + "?type=tree",
            "heading": text_of(it.visitor, "under", title=title_of(it.object, record)),
        }  # fmt: skip
        if partial_wanted(request):
            return part(it.visitor, it.call, "_tree_under.html", **values)
        title = str(values["heading"])
        return page(it.visitor, it.call, "tree_under.html", title=title, here=it.object.name, **values)
