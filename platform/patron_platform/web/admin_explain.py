"""Explain: why somebody may do something or may not, asked from the admin area: a person, an object, then the record it is about.

In: `GET /admin/explain` with `user, object, action, q`. Out: what holds for the object as a whole, and records that fit the words, each
with the way to its own answer, where the least that would let him is a button. Who asks finds the records he may see himself.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.fields import visible
from patron_engine.model.model import Object
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read
from patron_platform.answers import Asked, answer
from patron_platform.colleagues import colleague
from patron_platform.web.admin import Desk, desk
from patron_platform.web.record_access import OFFERED, people_asked
from patron_platform.web.texts import texts_in

router = APIRouter(prefix="/w/{workspace}/admin/explain", include_in_schema=False)
MOST = 20  # records that are offered; words narrow further
LONGEST = 100  # characters of the words


@router.get("")
def explain(request: Request, workspace: str) -> Response:
    given = request.query_params
    with desk(request, workspace) as it:
        model, visitor = it.call.model, it.visitor
        objects = [o for o in model.objects.values() if visible(model, visitor.actor, o.name)]
        object = next((o for o in objects if o.name == given.get("object")), None)
        about = colleague(it.conn, it.call, given["user"]) if given.get("user") else None
        words = given.get("q", "").strip()[:LONGEST]
        asked = Asked(object=object.name if object else "", action=given.get("action") or "read")
        made = answer(it.conn, it.call, about, asked) if about and object else None
        say, t = visitor.reader(it.call).say, texts_in(visitor.languages[0])
        offered = sorted(((o.name, say(o.plural or o.label, o.name)) for o in objects), key=lambda o: o[1])
        return it.draw(
            "admin_explain.html", "explain", title=t("explained.look"), people=people_asked(it.conn, it.call), about=about,
            objects=offered, object=object, asked=asked, words=words, made=made, actions=OFFERED, gives=(), shares=False,
            found=_found(it, object, words) if object else [],
        )  # fmt: skip


def _found(it: Desk, object: Object, words: str) -> list[tuple[str, str]]:
    """Records by id and title: those that fit the words, or without any those that were changed last."""
    readable = visible(it.call.model, it.visitor.actor, object.name)
    fields = tuple(dict.fromkeys(("id", *([object.title] if object.title in readable else []))))
    more: dict[str, Any] = {"q": words} if words and object.search else {}
    if not words and "modified_at" in readable:
        more["sort"] = ("-modified_at",)
    rows = read(
        it.conn, it.call, Ask(object=object.name, fields=fields, limit=MOST, **more), secret=b""
    ).rows()
    return [(str(row["id"]), title_of(object, row)) for row in rows]
