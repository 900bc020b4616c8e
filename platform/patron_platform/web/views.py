"""Personal views: the list as it stands is kept under a name, shared, opened first, arranged, dropped.

In: `POST /w/{workspace}/list/{object}/view` with `act`, from the menu of a list; the address of the list is kept in `back`.
Out: 303 to the list. A view whose fields are gone stays: its page says what is wrong, and its owner may drop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, Refused, WrongUse
from patron_engine.fields.base import ValueFault
from patron_engine.fields.characters import clean_line
from patron_engine.page.question import Column, Question
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_platform import personal
from patron_platform.personal import Connection
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.lists import Asked, asked_of
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

MAX_LABEL = 60
WIDTHS = (40, 1000)  # pixels, as the schema of a view has them


@router.post("/view")
def keep_view(request: Request, workspace: str, object: str, form: FormData) -> Response:
    """Saves, renames, shares, drops a view, opens it first, or forgets how its columns were arranged."""
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    acts = {
        "save": _save, "update": _update, "rename": _rename, "share": _share, "unshare": _share, "delete": _delete,
        "start": _start, "reset": _reset,
    }  # fmt: skip
    act = acts.get(given.get("act", ""))
    if act is None:
        raise WrongUse("there is no such act", code="unknown_act")

    def write(conn: Connection, call: Call) -> str:
        it = asked_of(visitor, conn, call, object, dict(parse_qsl(given.get("back", ""))))
        return act(it, given)

    parameters = visitor.workspace.writing(visitor.actor, write, visitor.cause)
    return see_other(f"{visitor.url('o', object)}?{parameters}")


def body_of(question: Question, label: str) -> dict[str, Any]:
    """What stands on the page as the body of a view."""
    view = question.view
    body: dict[str, Any] = {
        "object": question.object.name,
        "label": label,
        "type": question.drawing,
        "columns": [_column(c) for c in question.columns],
        "sort": list(question.sort),
    }
    kept = ("color_by", "filters", "limit", "from", "to", "location", "parent")
    body.update({key: view.body[key] for key in kept if view.body.get(key)})
    if question.condition:
        body["where"] = question.condition
    if question.group:
        body["group_by"] = question.group
    return body


def _column(column: Column) -> Any:
    made: dict[str, Any] = {"field": column.path}
    if column.label:
        made["label"] = dict(column.label)
    if column.total:
        made["total"] = column.total
    if column.width:
        made["width"] = column.width
    return column.path if len(made) == 1 else made


def _label(given: Mapping[str, str]) -> str:
    try:
        label = clean_line(given.get("label", "")) or ""
    except ValueFault:
        label = ""
    if not 0 < len(label) <= MAX_LABEL:
        raise Refused(
            [
                Problem(
                    code="view_name",
                    message=Phrase("a view needs a name of at most {most} characters", most=MAX_LABEL),
                    path="label",
                )
            ]
        )
    return label


def _save(it: Asked, given: Mapping[str, str]) -> str:
    shared = given.get("shared") == "1"
    name = it.call.new_id()
    id = personal.put(it.conn, it.call, "view", name, body_of(it.question, _label(given)), shared=shared)
    return f"view={personal.name_of(id)}"


def _mine(it: Asked) -> tuple[str, dict[str, Any], bool]:
    """The stored name, the body and whether it is shared of the view that is open; NotFound when it is not his."""
    found = it.personal.own(it.question.view.name)
    name = personal.stored_name(it.conn, it.call, str(found["personal"])) if found else None
    if found is None or name is None:
        raise NotFound("this view is not yours")
    beside = ("name", "personal", "mine", "shared")
    return name, {k: v for k, v in found.items() if k not in beside}, bool(found["shared"])


def _update(it: Asked, given: Mapping[str, str]) -> str:
    name, body, shared = _mine(it)
    personal.put(it.conn, it.call, "view", name, body_of(it.question, str(body.get("label"))), shared=shared)
    return f"view={it.question.view.name}"


def _rename(it: Asked, given: Mapping[str, str]) -> str:
    name, body, shared = _mine(it)
    personal.put(it.conn, it.call, "view", name, {**body, "label": _label(given)}, shared=shared)
    return f"view={it.question.view.name}"


def _share(it: Asked, given: Mapping[str, str]) -> str:
    name, body, _ = _mine(it)
    personal.put(it.conn, it.call, "view", name, body, shared=given["act"] == "share")
    return f"view={it.question.view.name}"


def _delete(it: Asked, given: Mapping[str, str]) -> str:
    name, _, _ = _mine(it)
    personal.remove(it.conn, it.call, "view", name)
    return ""


def _start(it: Asked, given: Mapping[str, str]) -> str:
    view = it.question.view.name
    body = {"object": it.object.name, "view": view}
    personal.put(it.conn, it.call, "start", it.object.name, body)
    return f"view={view}"


def _reset(it: Asked, given: Mapping[str, str]) -> str:
    view = it.question.view.name
    personal.remove(it.conn, it.call, "arrangement", f"{it.object.name}.{view}"[: personal.MAX_NAME])
    return f"view={view}"


def arrange(visitor: Visitor, object: str, view: str, columns: list[dict[str, Any]]) -> None:
    """Keeps how he wants the columns of a view."""

    def write(conn: Connection, call: Call) -> None:
        name = known_object(call, object).name
        body = {"object": name, "view": view, "columns": columns}
        personal.put(conn, call, "arrangement", f"{name}.{view}"[: personal.MAX_NAME], body)

    visitor.workspace.writing(visitor.actor, write, visitor.cause)
