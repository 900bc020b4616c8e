"""Errors as pages: what a person reads where a program would get a problem document.

In: a request for a page and an error. Out: a page with what happened and where to go on, the status of api/errors. Nothing of
what was sent is repeated.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError
from patron_platform.api.errors import status_of
from patron_platform.web.login import see_other
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import NotSignedIn, languages_for


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
        if request.headers.get("hx-request") == "true":
            return answer("", 401, {"HX-Redirect": address})
        return see_other(address)
    return plain_page(request, status_of(error), error.code, error.detail, error.hint, number)


def plain_page(
    request: Request, status: int, code: str, detail: str, hint: str | None = None, number: str | None = None
) -> Response:
    languages = languages_for(request, {})
    t = texts_in(languages[0])
    said = t(f"errors.{code}") if t.has(f"errors.{code}") else None
    html = draw(
        "error.html", languages, status=status, code=code, said=said, detail=detail, hint=hint, number=number
    )
    return answer(html, status)
