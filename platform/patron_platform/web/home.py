"""Home: where one arrives: one's own dashboard, else that of one's role, else the desk: what is there to do, where one was.

In: a signed-in request. Out: the home page of the workspace, or the desk; a task ticked off, or taken back, by a form of it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
from babel.dates import format_date
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Conflict, NeedsConfirmation, NotFound
from patron_engine.jsonio import whole
from patron_engine.page import home as home_page
from patron_engine.page.dashboards import body_of
from patron_engine.page.home import DONE, DUE, STATUS, TASK, Line, when_due
from patron_engine.page.menu import apps_of
from patron_engine.query.call import Call
from patron_engine.query.titles import title_of
from patron_engine.record.change import Change
from patron_engine.ways import approval_box
from patron_engine.ways.read import read_one
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.dashboards import DESK, OWN, STREAMED, board_page, chosen_in, homes_for, own_body
from patron_platform.web.figured import LONGEST, within
from patron_platform.web.forms_in import FormData
from patron_platform.web.inbox import lines_of
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
WAITING = 5  # decisions on the home page


@router.get("/")
def home(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        way = homes_for(visitor, conn, call, ())[0].way
    if way == (DESK,):
        return desk_page(visitor)
    given = chosen_in(request)
    if way == (OWN,):
        return board_page(visitor, lambda conn, call: own_body(conn, call) or {"name": STREAMED}, given, way)
    return board_page(visitor, lambda conn, call: body_of(call, way[1]), given, way)


@router.get("/desk")
def desk(request: Request, workspace: str) -> Response:
    return desk_page(enter(request, workspace))


def desk_page(visitor: Visitor) -> Response:
    """What is due today, how records stand, where one was."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        reader = visitor.reader(call)
        found = home_page.home_of(
            conn, call, reader, apps_of(call.model, visitor.actor), within(conn, call, LONGEST)
        )
        waiting = approval_box.box(conn, call, "waiting", most=WAITING)
        title = texts_in(visitor.languages[0])("shell.home")
        hour = reader.local(call.now).hour
        part_of_day = "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
        day = format_date(reader.today, format="full", locale=reader.locale)
        return page(
            visitor, call, "home.html", title=title, here="home", home=found, hour=part_of_day, day=day, waiting=waiting, longest=LONGEST,
            waiting_lines=lines_of(call, reader, waiting), homes=homes_for(visitor, conn, call, (DESK,)),
        )  # fmt: skip


@router.post("/home/done")
def tick(request: Request, workspace: str, form: FormData) -> Response:
    """Ticks a task off; with `was` it is put back to the state it had."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    id, was = given.get("task", ""), given.get("was", "")
    before = _state(visitor, id)
    change = Change(action="update", object=TASK, id=id, set={STATUS: was or DONE}, version=_version(given))
    try:
        outcome = visitor.workspace.save(visitor.actor, [change], cause=visitor.cause)[0]
    except NeedsConfirmation as error:
        raise Conflict(error.problems[0].message, code="task_needs_look") from None
    if not partial_wanted(request):
        return see_other(visitor.url("desk"))

    def drawn(conn: psycopg.Connection[Any], call: Call) -> Response:
        record = read_one(conn, call, TASK, id).record()
        object, reader = call.model.objects[TASK], visitor.reader(call)
        due = str(record.get(DUE) or "")
        line = Line(
            object=TASK, id=id, title=title_of(object, record), version=outcome.version or 0,
            when=when_due(due, reader), day=reader.day(date.fromisoformat(due)) if due else "",
        )  # fmt: skip
        return part(visitor, call, "home_task.html", line=line, done=not was, was=was or before)

    return visitor.workspace.reading(visitor.actor, drawn)


def _state(visitor: Visitor, id: str) -> str:
    """What the task's state is now, to go back to. NotFound for a task that is not his to see."""

    def look(conn: psycopg.Connection[Any], call: Call) -> str:
        if call.model.object(TASK) is None:
            raise NotFound("there is no such task")
        return str(read_one(conn, call, TASK, id, fields=(STATUS,)).record().get(STATUS) or "")

    return visitor.workspace.reading(visitor.actor, look)


def _version(given: Any) -> int | None:
    return whole(given.get("version", ""))
