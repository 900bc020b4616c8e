"""Follow-up: what was done with a customer, logged from his page or straight from a list of many.

In: `GET …/follow-up?back=` for the small form alone (a script shows it over the list), its post. Out: an activity and, with a next
contact, a task; then the record's page, or the list it came from, which offers to take it back. 422 with everything typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused
from patron_engine.page.follow_up import FollowUp, follow_up_changes, follow_up_of
from patron_engine.page.reader import Reader
from patron_engine.page.record import shown_at
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.record.change import Change
from patron_engine.record.undo import Done, remember
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_platform.web import undo
from patron_platform.web.arriving import local_address, see_other
from patron_platform.web.record import Sent
from patron_platform.web.record_form import Connection, Form, Posted, confirms
from patron_platform.web.render import page, part, partial_wanted
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}/{id:uuid}", include_in_schema=False)
NAME = "follow-up"


@router.get("/follow-up")
def ask(request: Request, workspace: str, object: str, id: UUID) -> Response:
    """`back`: the page to go on to."""
    visitor = enter(request, workspace)
    return _draw(visitor, object, str(id), request.query_params.get("back"))


@router.post("/follow-up")
def log(form: Posted) -> Response:
    """kind, text, next: an activity and, with a next contact, a task. `back`: the list it came from."""
    with form.reading() as (conn, call):
        owner = known_object(call, form.object)
        read_one(conn, call, owner.name, form.id, fields=("id",))
        found = _found(call, form.object)
        reader = form.visitor.reader(call)
    next_at, problems = wanted(form.typed, reader)
    if problems:
        return _again(form, problems)
    changes = follow_up_changes(
        call, found, owner.name, form.id, kind=form.typed.get("kind") or "call", text=form.typed["text"],
        next_at=next_at, confirm=form.confirm,
    )  # fmt: skip
    try:
        noted = form.write(lambda conn, call: _write(conn, call, changes))
    except Refused as refused:
        return _again(form, refused.problems, (*sorted(form.confirm), *confirms(refused)))
    back = local_address(form.typed.get("back"))
    return see_other(undo.told(back, noted)) if back else form.back("followed_up")


def _found(call: Call, object: str) -> FollowUp:
    found = follow_up_of(call, known_object(call, object))
    if found is None:
        raise NotFound("there is nothing to follow up here")
    return found


def wanted(typed: Mapping[str, str], reader: Reader) -> tuple[datetime | None, list[Problem]]:
    """The next contact, and what is wrong with what was typed."""
    problems = []
    next_at = None
    if not typed.get("text", "").strip():
        problems.append(Problem(code="required", message="say what was done", path="text"))
    try:
        if typed.get("next"):
            next_at = datetime.fromisoformat(typed["next"]).replace(tzinfo=reader.zone)
    except (ValueError, OverflowError):
        problems.append(Problem(code="not_moment", message="this is no date and time", path="next"))
    return next_at, problems


def _write(conn: Connection, call: Call, changes: Sequence[Change]) -> str:
    """Saves, and notes it so that it can be taken back; the act.

    One after the other: the task takes its account from the activity, which has it once it is saved."""
    made = [outcome for change in changes for outcome in save(conn, call, [change])]
    done = [
        Done(object=c.object, id=str(o.id), action="created", version=o.version or 0, old={})
        for c, o in zip(changes, made, strict=True)
    ]
    return remember(conn, call, done)


def _again(form: Form, problems: Sequence[Problem], confirm: Sequence[str] = ()) -> Response:
    back = form.typed.get("back")
    if not back:
        return form.again(NAME, problems, confirm=confirm)
    sent = Sent(form=NAME, typed=form.typed, problems=tuple(problems), confirm=tuple(confirm))
    return _draw(form.visitor, form.object, form.id, back, sent, 422)


def _draw(
    visitor: Visitor, object: str, id: str, back: str | None, sent: Sent | None = None, status: int = 200
) -> Response:
    """The form alone, or as the part that a script shows over the list."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        owner = known_object(call, object)
        record = read_one(conn, call, owner.name, id, fields=("id", owner.title)).record()
        found = _found(call, object)
        title = shown_at(call, owner, owner.title, record, visitor.reader(call)).text or "…"
        here = visitor.url("o", owner.name, id)
        values: dict[str, Any] = {
            "title": title, "here_url": here, "follow_up": found, "sent": sent, "back": local_address(back) or here,
        }  # fmt: skip
        if partial_wanted(visitor.request):
            return part(visitor, call, "_follow_up.html", status=status, **values)
        return page(visitor, call, "follow_up.html", here=owner.name, status=status, **values)
