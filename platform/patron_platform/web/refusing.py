"""Refusing: the link in a letter to somebody outside, with which he ends such letters. Needs no sign-in.

In: `GET|POST /unsubscribe/{token}`. Out: pages; the opt-out on his record. A post alone ends them (RFC 8058), a visit asks
first: programs that look at links change nothing.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound
from patron_engine.runtime import Workspace
from patron_engine.ways.mailing import stop_letters
from patron_platform.outward.links import read_refuse_token
from patron_platform.outward.outsiders import house_of
from patron_platform.service import Service
from patron_platform.web import csrf
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import languages_for

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe/{token}")
def ask(request: Request, token: str) -> Response:
    place, _ = _read(request, token)
    return _page(request, place, token, done=False)


@router.post("/unsubscribe/{token}")
def refuse(request: Request, token: str) -> Response:
    """The token is what allows it."""
    csrf.same_site(request)
    place, (object, record, field, letter) = _read(request, token)
    place.writing(SYSTEM, lambda conn, call: stop_letters(conn, call, object, record, field, letter))
    return _page(request, place, token, done=True)


def _read(request: Request, token: str) -> tuple[Workspace, tuple[str, str, str, str]]:
    service: Service = request.app.state.service
    try:
        workspace, *named = read_refuse_token(service.runtime.secret, token)
    except ValueError:
        raise NotFound("this link is not valid", code="link_not_valid") from None
    object, record, field, letter = named
    return service.runtime.workspace(workspace), (object, record, field, letter)


def _page(request: Request, place: Workspace, token: str, *, done: bool) -> Response:
    languages = languages_for(request, {})
    with place.connection("read") as conn:
        house = house_of(place.call(conn, SYSTEM).model, languages) or place.name
    title = texts_in(languages[0])("tell.stop_title")
    return answer(draw("refuse.html", languages, title=title, token=token, done=done, house=house))
