"""Goals: how far each is for the company, one's department and oneself, now and in a period one chooses.

In: `GET /w/{workspace}/goals`, `…/goals/{name}?on=2026-03-01`. Out: pages. Targets are records of goal_value, entered where all records are;
what one may not read counts nowhere.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.ways import goal
from patron_platform.web.figure_tiles import Shown, shown_goal
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.tiles import Connection
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/goals", include_in_schema=False)

WHOSE: tuple[goal.Of, ...] = ("company", "department", "me")
PER = {"company": "company", "department": "department", "me": "user"}


@router.get("")
def goals(request: Request, workspace: str) -> Response:
    visitor = enter(request, workspace)
    return _page(visitor, None, day_in(request.query_params.get("on", "")))


@router.get("/{name}")
def one_goal(request: Request, workspace: str, name: str) -> Response:
    visitor = enter(request, workspace)
    return _page(visitor, name, day_in(request.query_params.get("on", "")))


def day_in(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused([Problem(code="bad_value", message=Phrase("this is no day"), path="on")]) from None


def _page(visitor: Visitor, name: str | None, on: date | None) -> Response:
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = goal.goals_of(call)
        if name is not None and name not in known:
            raise NotFound("there is no such goal, or it is not yours to see")
        reader = visitor.reader(call)
        t = texts_in(visitor.languages[0])
        names = known if name is None else (name,)
        found = [(call.model.documents["goal", n], n, _progresses(visitor, conn, call, n, on)) for n in names]
        label = t("goals.title") if name is None else reader.say(found[0][0].get("label"), name)
        return page(
            visitor, call, "goals.html", title=label, here="goals", goals=found, one=name is not None, on=on,
            enters="goal_value" in call.model.objects,
        )  # fmt: skip


def _progresses(
    visitor: Visitor, conn: Connection, call: Call, name: str, on: date | None
) -> list[tuple[str, Shown, Any]]:
    """Of each whom the goal has targets for and the reader belongs to."""
    body = call.model.documents["goal", name]
    reader, base = visitor.reader(call), call.model.workspace.currency
    made: list[tuple[str, Shown, Any]] = []
    for of in WHOSE:
        if PER[of] not in (body.get("per") or PER.values()):
            continue
        try:
            found = goal.progress(conn, call, name, of, on=on)
        except Refused as error:
            if {p.code for p in error.problems} == {"nobody"}:  # he is of no department
                continue
            raise
        made.append((of, shown_goal(found, reader, base), found))
    return made
