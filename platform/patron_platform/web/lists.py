"""Lists: the page of an object's records: its views as tabs, narrowed, sorted and drawn as the address says.

In: `GET /w/{workspace}/o/{object}?view=…`. Out: the whole page, or the next part of its lines where a script asks for it.
Other drawings than the list register themselves in `DRAWERS`; what is wrong with an address is said on the page, 422.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule
from patron_engine.errors import PatronError
from patron_engine.model.duplicate_rules import matches_of
from patron_engine.model.model import Model, Object
from patron_engine.page.follow_up import follow_up_of
from patron_engine.page.listing import Listing, fitting, headings, listing, sorted_by
from patron_engine.page.paths import field_at
from patron_engine.page.pressable import pressable
from patron_engine.page.question import Column, Question, View, question_of, views_of
from patron_engine.page.stretch import alone, beyond, keys_in
from patron_engine.query.call import Call
from patron_engine.query.cursor import CursorOutdated
from patron_engine.query.names import known_object
from patron_engine.ways.merge import NOT_MERGED
from patron_engine.ways.prospects import open_to
from patron_platform import personal as kept
from patron_platform.api.errors import status_of
from patron_platform.api.requests import parameters
from patron_platform.personal import Personal
from patron_platform.web import list_chips
from patron_platform.web.arriving import see_other
from patron_platform.web.problems import said_of
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.undo import flash_of
from patron_platform.web.visitor import PAGE_SIZES, Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)

Connection = psycopg.Connection[Any]
Drawer = Callable[[Visitor, Connection, Call, Question], Response]
DRAWERS: dict[str, Drawer] = {}
TABS = 6  # views that stand as tabs; the others are in the menu beside them


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address of a list asks, by whom."""

    visitor: Visitor
    conn: Connection
    call: Call
    question: Question
    given: dict[str, str]
    personal: Personal

    @property
    def object(self) -> Object:
        return self.question.object

    @property
    def deleted(self) -> bool:
        return self.given.get("deleted") == "1"


@contextmanager
def asked(
    request: Request, workspace: str, object: str, given: dict[str, str] | None = None
) -> Iterator[Asked]:
    """Opens a list's address: NotFound for an object that is not his to read."""
    visitor = enter(request, workspace)
    given = parameters(request) if given is None else given
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        yield asked_of(visitor, conn, call, object, given)


def asked_of(visitor: Visitor, conn: Connection, call: Call, object: str, given: dict[str, str]) -> Asked:
    """The same inside a connection that is open already."""
    found = known_object(call, object)
    personal = kept.of_object(conn, call, found.name)
    wanted = given if given.get("view") or personal.start is None else {**given, "view": personal.start}
    question = question_of(call.model, call.actor, found, wanted, personal.views)
    question = sized(fitting(call.model, call.actor, arranged(question, personal)), visitor)
    return Asked(visitor=visitor, conn=conn, call=call, question=question, given=given, personal=personal)


def sized(question: Question, visitor: Visitor) -> Question:
    """The question with as many records in a part as this person chose; where he chose nothing, as the view says."""
    size = visitor.preferences.get("page_size")
    if size not in PAGE_SIZES or question.drawing not in ("list", "tree"):
        return question
    return replace(question, view=replace(question.view, limit=int(size)))


def arranged(question: Question, kept: Personal) -> Question:
    """The question with its columns as this person arranged them, unless the address says others."""
    body = kept.arrangements.get(question.view.name)
    if body is None or "columns" in question.own:
        return question
    known = {c.path: c for c in question.columns}
    columns = []
    for item in body.get("columns") or ():
        path = item if isinstance(item, str) else item["field"]
        column = known.get(path) or Column(path=path, label={})
        width = None if isinstance(item, str) else item.get("width")
        columns.append(replace(column, width=width) if width else column)
    return replace(question, columns=tuple(columns)) if columns else question


@router.get("/o/{object}")
def list_page(request: Request, workspace: str, object: str) -> Response:
    with asked(request, workspace, object) as it:
        drawing = it.question.drawing
        if drawing in DRAWERS and not it.deleted:
            return DRAWERS[drawing](it.visitor, it.conn, it.call, it.question)
        return draw_list(it)


def draw_list(it: Asked) -> Response:
    """The list: a whole page, or its next lines."""
    request = it.visitor.request
    further = bool(it.question.after or it.given.get("only") or it.given.get("past"))
    try:
        question, opened = stretch_of(it)
        found = listing(
            it.conn, it.call, question, it.visitor.reader(it.call), secret=it.visitor.service.runtime.secret,
            deleted=it.deleted, opened=opened,
        )  # fmt: skip
    except PatronError as error:
        return wrong(it, error)
    if further and partial_wanted(request):
        return part(it.visitor, it.call, "_list_rows.html", **around(it, found))
    return page(
        it.visitor, it.call, "list.html", title=title_of(it), here=it.object.name,
        flash=flash_of(it.visitor, it.conn, it.call), wrong=(), **around(it, found),
    )  # fmt: skip


def stretch_of(it: Asked) -> tuple[Question, str | None]:
    """What of the list is asked: all of it, the group `only`, what stands behind the groups `past`; and the group that was open."""
    question = it.question
    open_now = it.given.get("band", "") if question.after else None
    only, past = keys_in(it.given.get("only", "")), keys_in(it.given.get("past", ""))
    if not only and not past:
        return question, open_now
    field = field_at(it.call.model, it.call.actor, it.object, question.group or "")
    if only:
        return alone(question, field, only[0]), only[0]
    return beyond(question, field, past), open_now


def wrong(it: Asked, error: PatronError) -> Response:
    """The page of an address that asks what cannot be: the frame of the list, and what is wrong. A place in the list that is
    none any more (the definitions changed since) leads to its beginning."""
    if isinstance(error, CursorOutdated) and not partial_wanted(it.visitor.request):
        return see_other(here(it))
    said = said_of(error, it.visitor.words)
    reader = it.visitor.reader(it.call)
    heads = headings(it.call.model, it.call.actor, it.question, reader)
    nothing = Listing(question=it.question, headings=heads, lines=(), next=None)
    if partial_wanted(it.visitor.request) and (
        it.question.after or it.given.get("only") or it.given.get("past")
    ):
        return part(
            it.visitor, it.call, "_list_wrong.html", wrong=said, question=it.question, status=status_of(error)
        )
    return page(
        it.visitor, it.call, "list.html", title=title_of(it), here=it.object.name, status=status_of(error),
        flash=None, wrong=said, **around(it, nothing),
    )  # fmt: skip


def title_of(it: Asked) -> str:
    """What the page is called."""
    return it.visitor.reader(it.call).say(it.object.plural or it.object.label, it.object.name)


def around(it: Asked, found: Listing) -> dict[str, Any]:
    """What the templates of a list use beside the frame of every page."""
    question = it.question
    tabs, more = tabs_of(it)
    reader = it.visitor.reader(it.call)
    may = {
        action: not isinstance(row_rule(it.call.model, it.call.actor, action, it.object.name), Deny)
        for action in (
            "create",
            "update",
            "delete",
            "export",
            "import",
            "restore",
            "assign",
            "bulk",
            "transfer",
            "merge",
        )
    }
    return {
        "editing": None,
        "buttons": pressable(it.call, it.object),
        "conversions": open_to(it.call, it.object.name),
        "tree": False,
        "first_line": False,
        "depth": 0,
        "opens": (),
        "stretch": {name: it.given.get(name) for name in ("only", "past")},
        "nodes": {},
        "question": question,
        "object": it.object,
        "listing": found,
        "tabs": tabs,
        "more_views": more,
        "may": {**may, "merge": may["merge"] and it.object.name not in NOT_MERGED},
        "deleted": it.deleted,
        "compares": bool(matches_of(it.call.model, it.object.name)) if may["merge"] else False,
        "split": it.given.get("mode") == "split",
        "drawings": drawings_of(it.call.model, it.object),
        "chips": list_chips.chips_of(it.conn, it.call, question, reader, texts_in(it.visitor.languages[0])),
        "quick": list_chips.quick_of(it.call, question, reader, texts_in(it.visitor.languages[0])),
        "address": lambda **changes: here(it, **changes),
        "listed": lambda step, **changes: (
            f"{it.visitor.url('list', it.object.name, step)}?{address(it, **changes)}"
        ),
        "sorted_by": lambda path, more=False: sorted_by(question, path, more=more),
        "own": it.personal.own(question.view.name),
        "missing": missing_in(it),
        "follow_up": follow_up_of(it.call, it.object),
        "arranged": question.view.name in it.personal.arrangements,
    }


def address(it: Asked, **changes: Any) -> str:
    """The parameters of this list with some changed, its way of standing on the page kept."""
    kept = {name: it.given.get(name) for name in ("deleted", "mode") if it.given.get(name)}
    return it.question.address(**{**kept, **changes})


def here(it: Asked, **changes: Any) -> str:
    """The address of this list with some parameters changed."""
    return f"{it.visitor.url('o', it.object.name)}?{address(it, **changes)}"


def tabs_of(it: Asked) -> tuple[list[View], list[View]]:
    """The views that stand as tabs and those in the menu; the present one always stands."""
    every = list(views_of(it.call.model, it.call.actor, it.object, it.personal.views))
    if len(every) <= TABS:
        return every, []
    shown, rest = every[:TABS], every[TABS:]
    now = next((v for v in rest if v.name == it.question.view.name), None)
    if now is not None:
        rest = [shown[-1], *(v for v in rest if v is not now)]
        shown[-1] = now
    return shown, rest


def missing_in(it: Asked) -> list[str]:
    """Columns of his own view that are there no longer."""
    if it.personal.own(it.question.view.name) is None:
        return []
    paths = [c.path for c in it.question.view.columns]
    return [p for p in paths if field_at(it.call.model, it.call.actor, it.object, p) is None]


def tree_link(object: Object) -> str | None:
    """The link that makes a tree of an object's records."""
    return next(
        (
            f.name
            for f in object.fields.values()
            if f.type in ("lookup", "master", "department") and f.link.tree and not f.hidden
        ),
        None,
    )


def drawings_of(model: Model, object: Object) -> list[str]:
    """The drawings that make sense for an object and that somebody draws."""
    fields = [f for f in object.fields.values() if not f.hidden]
    types = {f.type for f in fields if not f.system}
    sense = {
        "kanban": "select" in types,
        "calendar": bool(types & {"date", "datetime"}),
        "gantt": "date_range" in types
        or len([f for f in fields if f.type in ("date", "datetime") and not f.system]) > 1,
        "map": "location" in types,
        "tree": tree_link(object) is not None,
    }
    return ["list", *(name for name, good in sense.items() if good and name in DRAWERS)]
