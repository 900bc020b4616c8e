"""Boards alone: the list page's address while the list is not there: draws the boards only."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.web.boards import DRAWERS, asked
from patron_platform.web.visitor import enter

router = APIRouter(prefix="/w/{workspace}/o", include_in_schema=False)


@router.get("/{object}")
def records(request: Request, workspace: str, object: str) -> Response:
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        question = asked(visitor, conn, call, object, request.query_params)
        return DRAWERS.get(question.drawing, DRAWERS["kanban"])(visitor, conn, call, question)
