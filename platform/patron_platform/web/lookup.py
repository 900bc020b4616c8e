"""Lookup: the records one may choose in a form, while one types.

In: GET …/o-lookup/{object}/{field}?q=&with.NAME=; …/o-find/{object}?q= for any record of an object. Out: JSON: the options, and
where new ones may be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import Deny, row_rule, writable
from patron_engine.errors import NotFound
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.jsonio import dumps
from patron_engine.page.lookup import choices_for, records_for
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)
WITH = "with."
MOST_WITH = 20  # values of the form that travel along


@router.get("/o-lookup/{object}/{field}")
def options(request: Request, workspace: str, object: str, field: str, q: str = "") -> Response:
    visitor = enter(request, workspace)
    given = [(k.removeprefix(WITH), v) for k, v in request.query_params.items() if k.startswith(WITH)][
        :MOST_WITH
    ]
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        of = _link(call, object, field)
        reader = visitor.reader(call)
        secret = visitor.service.runtime.secret
        found = choices_for(conn, call, reader, of, q.replace("\x00", ""), dict(given), secret)
        body = {
            "options": [{"value": c.value, "text": c.text, "hint": c.hint} for c in found],
            "create": _ways_to_create(visitor, call, of, dict(given)),
        }
    return Response(dumps(body), 200, {"Cache-Control": "no-store"}, "application/json")


@router.get("/o-find/{object}")
def records(request: Request, workspace: str, object: str, q: str = "") -> Response:
    """Any record that the visitor may see."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = known_object(call, object)
        secret = visitor.service.runtime.secret
        found = records_for(conn, call, visitor.reader(call), known.name, q, secret)
        body = {"options": [{"value": c.value, "text": c.text, "hint": c.hint} for c in found], "create": []}
    return Response(dumps(body), 200, {"Cache-Control": "no-store"}, "application/json")


def _link(call: Call, object: str, name: str) -> Field:
    """A link somebody may write. What it points at is offered to nobody else."""
    found = known_object(call, object)
    of = writable(call.model, call.actor, found.name).get(name)
    if of is None or not isinstance(of.spec, LinkSpec):
        raise NotFound("there is no such field")
    return of


def _ways_to_create(
    visitor: Visitor, call: Call, of: Field, given: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Where a record that is not there yet can be made, filled with what the open form shares with it."""
    reader, made = visitor.reader(call), []
    t = texts_in(visitor.languages[0])
    for target in of.link.to:
        if target in ("user", "department") or isinstance(
            row_rule(call.model, call.actor, "create", target), Deny
        ):
            continue
        object = call.model.objects[target]
        if object.master:
            continue
        shared = "".join(
            f"&fill.{n}={v}" for n, v in given.items() if n in object.fields and v.isascii() and "&" not in v
        )
        address = f"{visitor.url('o', target, 'new')}?dialog=1{shared}"
        label = t("forms.new_of", name=reader.say(object.label, target))
        made.append({"label": label, "address": address, "several": of.link.several})
    return made
