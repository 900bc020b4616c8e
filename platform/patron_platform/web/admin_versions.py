"""Admin versions: running approvals taken over to today's version of their definition, tried first.

In: `GET /w/{workspace}/admin/approvals/versions`; the form of each approval that runs on an older version: `approval`, `step.OLD` (which
step of today's stands in its place), `_act` try or take_over. Out: what becomes of each; 422 with what is wrong. For administrators;
NotFound for anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, PatronError
from patron_engine.query.call import Call
from patron_engine.query.titles import titles_of
from patron_engine.ways.approval_versions import Move, older, take_over
from patron_platform.api.errors import status_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin_approvals import administrator
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

router = APIRouter(prefix="/w/{workspace}/admin/approvals/versions", include_in_schema=False)
Connection = psycopg.Connection[Any]
STEP = "step."


@router.get("")
def versions(request: Request, workspace: str) -> Response:
    return _draw(administrator(request, workspace), {})


@router.post("")
def move(request: Request, workspace: str, form: FormData) -> Response:
    visitor = administrator(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    if given.get("_act") not in ("try", "take_over"):
        raise NotFound("there is no such page, or it is not yours to see")
    nodes = {n.removeprefix(STEP): new for n, new in given.items() if n.startswith(STEP) and new}

    def act(conn: Connection, call: Call) -> list[Move]:
        with conn.transaction(force_rollback=given["_act"] == "try"):
            return take_over(conn, call, given.get("approval", ""), nodes)

    try:
        moves = visitor.workspace.writing(visitor.actor, act, visitor.cause)
    except PatronError as error:
        said = " ".join(visitor.words(p.message) for p in getattr(error, "problems", ()))
        return _draw(visitor, given, wrong=said or visitor.words(error.detail), status=status_of(error))
    return _draw(visitor, given, moves=moves)


def _draw(
    visitor: Visitor, given: Mapping[str, str], *, moves: Sequence[Move] | None = None, wrong: str = "", status: int = 200
) -> Response:  # fmt: skip
    def look(conn: Connection, call: Call) -> Response:
        wanted: dict[str, list[str]] = {}
        for one in moves or ():
            wanted.setdefault(one.object, []).append(one.record)
        return page(
            visitor, call, "admin_versions.html", title=texts_in(visitor.languages[0])("approvals.admin"), here="admin", status=status,
            older=older(conn, call), given=given, moves=moves, wrong=wrong,
            titles=titles_of(conn, call, wanted),
        )  # fmt: skip

    return visitor.workspace.reading(visitor.actor, look)
