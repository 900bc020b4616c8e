"""Notices: the bell's number, and the page behind it: with the decisions (web/inbox) the one place for a person.

In: a signed-in request. Out: what somebody should know about, by category, and first what he is to decide; a form marks it read.
"""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound
from patron_engine.page.notices import CATEGORIES, TOLD, Category, mark_read, notices_of, unread
from patron_engine.query.call import Call
from patron_engine.ways import approval_box
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.inbox import draw_box, lines_of
from patron_platform.web.render import answer, page
from patron_platform.web.texts import texts_in
from patron_platform.web.undo_recent import menu_of
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/inbox", include_in_schema=False)
MOST = 99  # what the bell shows; more is 99+
FIRST = 5  # decisions that stand above the notices


@router.get("")
def inbox(request: Request, workspace: str) -> Response:
    """`category=` narrows to one, `unread=yes` to what he has not read; `box=` shows decisions."""
    visitor = enter(request, workspace)
    if "box" in request.query_params:
        return draw_box(visitor, request.query_params["box"], request.query_params)
    chosen = request.query_params.get("category", "")

    def look(conn: psycopg.Connection[Any], call: Call) -> Response:
        found = notices_of(conn, call, visitor.reader(call))
        only = request.query_params.get("unread") == "yes"
        shown = [_narrowed(c, only) for c in found if chosen in ("", c.name)]
        title = texts_in(visitor.languages[0])("approvals.inbox")
        reader = visitor.reader(call)
        waiting = approval_box.box(conn, call, "waiting", most=FIRST)
        return page(
            visitor,
            call,
            "notices.html",
            title=title,
            here="inbox",
            categories=found,
            shown=shown,
            chosen=chosen,
            told=TOLD,
            only_unread=only,
            counts=waiting.counts,
            lines=lines_of(call, reader, waiting) if not chosen else (),
            box="",
        )

    return visitor.workspace.reading(visitor.actor, look)


def _narrowed(category: Category, only_unread: bool) -> Category:
    kept = tuple(n for n in category.notices if n.unread) if only_unread else category.notices
    return Category(name=category.name, notices=kept)


@router.get("/count")
def count(request: Request, workspace: str) -> Response:
    """The number alone, for the bell; nothing where there is none. Who did something in the last minutes gets the way back with it."""
    visitor = enter(request, workspace)
    number, recent = visitor.workspace.reading(
        visitor.actor,
        lambda conn, call: (unread(conn, call, visitor.reader(call)), menu_of(visitor, conn, call)),
    )
    return answer(("" if not number else str(number) if number <= MOST else f"{MOST}+") + recent)


@router.post("/read")
def read_all(request: Request, workspace: str, form: FormData) -> Response:
    """Marks one category or all of them read."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    category = given.get("category") or None
    if category is not None and category not in CATEGORIES:
        raise NotFound("there is no such category")
    user = visitor.actor.user
    if user is not None:
        with visitor.workspace.connection("write") as conn:
            call = visitor.workspace.call(conn, visitor.actor)
            mark_read(conn, call.schema, user, call.now, category)
    return see_other(visitor.url("inbox") + (f"?category={category}" if category else ""))
