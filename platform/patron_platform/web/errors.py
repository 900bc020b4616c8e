"""Errors as pages: what a person reads where a program would get a problem document.

In: a request for a page and an error. Out: a page with what happened and where to go on, in the shell for who is signed in,
with the status of api/errors; for a script that swaps parts of a page a message that is added to it. Nothing of what was sent
is repeated, but where it goes on as soon as somebody is chosen.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
import psycopg_pool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import MustChoose, PatronError
from patron_platform.api.errors import status_of
from patron_platform.identity.limits import SecondFactorNeeded
from patron_platform.web.approval_choose import choose_page, choose_way
from patron_platform.web.arriving import see_other
from patron_platform.web.render import answer, draw, page, partial_wanted
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import NotSignedIn, enter, languages_for
from patron_platform.web.words import words_of

RETRY = {429: "60", 503: "5"}
FLASHED = {"HX-Retarget": "#flashes", "HX-Reswap": "beforeend"}


def is_page(request: Request) -> bool:
    """Whether a person asked for a page, and not a program for data."""
    path = request.url.path
    if path.startswith(("/api/", "/health", "/metrics")):
        return False
    return "application/json" not in request.headers.get("accept", "")


def error_page(request: Request, error: PatronError, number: str | None = None) -> Response | None:
    """The page of an error; None where a program asked. `number` is that of an error nobody foresaw."""
    if not is_page(request):
        return None
    if isinstance(error, NotSignedIn):
        way = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        address = f"/login?next={quote(way, safe='/')}" if request.method == "GET" else "/login"
        if partial_wanted(request):
            return answer("", 401, {"HX-Redirect": address})
        return see_other(address)
    steps = request.url.path.split("/")
    if isinstance(error, SecondFactorNeeded) and len(steps) > 2 and steps[1] == "w":
        address = f"/w/{quote(steps[2])}/me/second-factor"
        return answer("", 403, {"HX-Redirect": address}) if partial_wanted(request) else see_other(address)
    status = status_of(error)
    if status != 503:  # without a database nobody can be asked who he is
        try:
            return _inside(request, status, error, number)
        except (PatronError, psycopg.Error, psycopg_pool.PoolTimeout):
            pass  # not signed in, or not here: the page without a menu says the same
    return plain_page(request, status, error.code, error.detail, error.hint, number)


def _inside(request: Request, status: int, error: PatronError, number: str | None) -> Response:
    """The error in the shell of the workspace it happened in."""
    steps = request.url.path.split("/")
    if len(steps) < 3 or steps[1] != "w":
        raise error
    visitor = enter(request, steps[2])
    words = _words(visitor.languages, status, error.code, error.detail, error.hint, number)
    if isinstance(error, MustChoose) and partial_wanted(request):
        return choose_way(visitor, status, FLASHED)
    if partial_wanted(request):
        return answer(draw("_flash.html", visitor.languages, **words), status, FLASHED)
    if isinstance(error, MustChoose):
        return choose_page(visitor, error, status)
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        return page(
            visitor, call, "error_inside.html", status=status, headers=_retry(status), **words,
        )  # fmt: skip


def plain_page(
    request: Request, status: int, code: str, detail: str, hint: str | None = None, number: str | None = None
) -> Response:
    """The error alone, for who is not signed in or when nobody can be asked."""
    languages = languages_for(request, {})
    words = _words(languages, status, code, detail, hint, number)
    if partial_wanted(request):
        return answer(draw("_flash.html", languages, **words), status, FLASHED)
    return answer(draw("error.html", languages, **words), status, _retry(status))


def _words(
    languages: tuple[str, ...], status: int, code: str, detail: str, hint: str | None, number: str | None
) -> dict[str, Any]:
    """What is said: the text of the code, else of the status, else the error's own words."""
    t = texts_in(languages[0])
    known = next((k for k in (f"errors.{code}", f"errors.status_{status}") if t.has(k)), None)
    title = next((k for k in (f"errors.title_{code}", f"errors.title_{status}") if t.has(k)), "errors.title")
    return {
        "code": status,
        "title": t(title),
        "said": t(known) if known else words_of(detail, languages),
        "hint": words_of(hint, languages) if hint and not known else None,
        "number": number,
    }


def _retry(status: int) -> dict[str, str]:
    return {"Retry-After": RETRY[status]} if status in RETRY else {}
