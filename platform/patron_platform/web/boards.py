"""Boards: the other ways to look at the records of a question: columns of cards, a calendar, a plan, places.

In: what the list page was asked. Out: a function for each drawing that draws the whole page, registered with the list's; and the parts
a page asks for later (further cards of a column). What is shown comes from page/board, calendar, gantt and places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule, writable
from patron_engine.errors import NotFound
from patron_engine.jsonio import dumps
from patron_engine.model.model import Object
from patron_engine.page.asked import candidates, small_widget
from patron_engine.page.board import Boards
from patron_engine.page.calendar import MOST_RECORDS, SCALES, calendar_of
from patron_engine.page.gantt import AXES, MOST_ROWS, plan_of
from patron_engine.page.listing import Listing
from patron_engine.page.map import places_of
from patron_engine.page.question import Question
from patron_engine.query.call import Call
from patron_platform.web.figured import LONGEST, Figured, figured
from patron_platform.web.lists import DRAWERS, around, asked_of, title_of
from patron_platform.web.render import HEADERS, page, part
from patron_platform.web.texts import texts_in
from patron_platform.web.undo import flash_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/boards", include_in_schema=False)
Connection = psycopg.Connection[Any]
LONGEST_WORDS = 200  # characters of a search in a small form


def kanban(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Response:
    """Columns of cards."""
    boards = _boards(visitor, conn, call, question)
    board = boards.board(folded_of(visitor.request.query_params))
    here = here_of(visitor, question, folded=board.folded) if board else here_of(visitor, question)
    return drawn(visitor, conn, call, question, "board.html", board=board, here_now=here)


def calendar(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Response:
    """Days with what stands on them: `at` is a day of the period, `scale` how much is shown."""
    given = visitor.request.query_params
    shown = calendar_of(
        conn, call, question, visitor.reader(call), given.get("at", ""), given.get("scale", ""),
        visitor.service.runtime.secret,
    )  # fmt: skip
    return drawn(
        visitor, conn, call, question, "calendar.html", calendar=shown, scales=SCALES, limit=MOST_RECORDS,
        fill=lambda day: urlencode(shown.spans.fill(day)) if shown else "",
    )  # fmt: skip


def gantt(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Response:
    """Bars on a time axis: `at` is a day it shows, `scale` its unit."""
    given = visitor.request.query_params
    plan = plan_of(
        conn, call, question, visitor.reader(call), given.get("at", ""), given.get("scale", ""),
        visitor.service.runtime.secret,
    )  # fmt: skip
    return drawn(visitor, conn, call, question, "gantt.html", plan=plan, axes=AXES, limit=MOST_ROWS)


def places(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Response:
    """Places with the way to a map."""
    found = places_of(conn, call, question, visitor.reader(call), visitor.service.runtime.secret)
    return drawn(visitor, conn, call, question, "places.html", places=found)


DRAWERS.update({"kanban": kanban, "calendar": calendar, "gantt": gantt, "map": places})


@router.get("/{object}/cards")
def further_cards(request: Request, workspace: str, object: str) -> Response:
    """The next cards of one column: `column` is its key, `after` the place."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        question = asked(visitor, conn, call, object, request.query_params)
        boards = _boards(visitor, conn, call, question)
        key = request.query_params.get("column", "")
        board = boards.board(frozenset(), filled=False)
        column = next((c for c in board.columns if c.key == key), None) if board else None
        if board is None or column is None:
            raise NotFound("there is no such column")
        cards, following = boards.more_cards(column.value, request.query_params.get("after") or None)
        return part(
            visitor, call, "board_cards.html", board=board, column=column, cards=cards, following=following,
            question=question, here_now=here_of(visitor, question),
        )  # fmt: skip


@router.get("/{object}/figures")
def later_figures(request: Request, workspace: str, object: str) -> Response:
    """The heads of the columns with their counts and sums, of an object with very many records."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        question = asked(visitor, conn, call, object, request.query_params)
        boards = _boards(visitor, conn, call, question)
        if boards.by is None:
            raise NotFound("there is no such column")
        spread = figured(conn, call, ("board", boards.by[0], question.ask()), boards.spread)
        board = boards.figured(spread.found, folded_of(request.query_params)) if spread else None
        of_now = Figured(None, call.now)  # what stood there is replaced by words in every case
        return part(
            visitor, call, "_board_figures.html", board=board, question=question, longest=LONGEST,
            at=(spread if spread and spread.at else of_now).said(visitor.reader(call)),
        )  # fmt: skip


@router.get("/{object}/choices/{field}")
def choices(request: Request, workspace: str, object: str, field: str) -> Response:
    """Records a link of a small form may point at, by words."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        found = writable(call.model, call.actor, object_for(call, object).name).get(field)
        if found is None or small_widget(found) != "record":
            raise NotFound("there is nothing at this address")
        words = request.query_params.get("q", "")[:LONGEST_WORDS]
        options = [{"value": c.value, "text": c.text} for c in candidates(conn, call, found, q=words)]
        return Response(dumps({"options": options}), media_type="application/json", headers=HEADERS)


def drawn(
    visitor: Visitor, conn: Connection, call: Call, question: Question, template: str, **values: Any
) -> Response:
    """A page of one of the drawings, under the head of the list it is another drawing of."""
    given = dict(visitor.request.query_params)
    it = asked_of(visitor, conn, call, question.object.name, given)
    head = around(it, Listing(question=it.question, headings=(), lines=(), next=None))
    told = flash_of(visitor, conn, call)
    return page(
        visitor, call, template, undo=told if told and told.undo else None, token=told.undo if told else "", title=title_of(it), here=question.object.name,
        **{**head, "wrong": (), "question": question, "here_now": here_of(visitor, question), **values},
    )  # fmt: skip


def here_of(visitor: Visitor, question: Question, **more: str) -> str:
    """The address of the page, to come back to."""
    given = visitor.request.query_params
    more = {k: given[k] for k in ("folded", "at", "scale") if given.get(k)} | more
    return f"{visitor.url('o', question.object.name)}?{question.address(**more)}"


def asked(
    visitor: Visitor, conn: Connection, call: Call, object: str, parameters: Mapping[str, str]
) -> Question:
    """The question of an address, as the list page asks it; NotFound for an object he may not read."""
    return asked_of(visitor, conn, call, object, dict(parameters)).question


def object_for(call: Call, name: str) -> Object:
    """The object of that name, if he may read any of its records."""
    found = call.model.object(name)
    if found is None or isinstance(row_rule(call.model, call.actor, "read", found.name), Deny):
        raise NotFound("there is nothing at this address")
    return found


def folded_of(parameters: Mapping[str, str]) -> frozenset[str] | None:
    """Which columns are narrow; None where the address does not say."""
    given = parameters.get("folded")
    return frozenset(given.split(",")) if given else None


def _boards(visitor: Visitor, conn: Connection, call: Call, question: Question) -> Boards:
    return Boards(conn, call, question, visitor.reader(call), visitor.service.runtime.secret)


def text_of(visitor: Visitor, key: str, **values: Any) -> str:
    """A text of this area in his language."""
    return texts_in(visitor.languages[0])(f"boards.{key}", **values)
