"""Sign-in and sign-out, and where `/` leads.

In: an address and a password. Out: a new session and its cookie; the same words and the same time for an unknown address and a
wrong password. Where it goes on is an address of ours or the home page.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from patron_platform.identity import passwords, sessions
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.visitor import cookie_name, languages_for, session_of

router = APIRouter(include_in_schema=False)
LONGEST_ADDRESS = 254


@router.get("/")
def root(request: Request) -> Response:
    session = session_of(request)
    if session is None:
        return see_other("/login")
    return see_other(_home(session))


@router.get("/login")
def login_page(request: Request) -> Response:
    session = session_of(request)
    if session is not None:
        return see_other(local_address(request.query_params.get("next")) or _home(session))
    return _page(request)


@router.post("/login")
def login(request: Request, form: FormData) -> Response:
    csrf.same_site(request)
    service: Service = request.app.state.service
    given = forms_in.texts(form)
    email, password = given.get("email", "").strip(), given.get("password", "")
    if len(email) > LONGEST_ADDRESS or len(password) > passwords.LONGEST:
        return _page(request, email=email[:LONGEST_ADDRESS], wrong=True, status=422)
    with service.databases.system() as conn:
        found = sessions.account_by_email(conn, email)
        if not passwords.fits(password, found[1] if found else None) or found is None:
            return _page(request, email=email, wrong=True, status=422)
        agent = request.headers.get("user-agent", "")
        token = sessions.open_session(conn, found[0], agent, request.client.host if request.client else "")
        session = sessions.find_session(conn, token)
    assert session is not None
    made = see_other(local_address(given.get("next")) or _home(session))
    made.set_cookie(
        cookie_name(request), token, max_age=int(sessions.LASTS.total_seconds()), path="/", httponly=True,
        samesite="lax", secure=request.url.scheme == "https",
    )  # fmt: skip
    return made


@router.post("/logout")
def logout(request: Request, form: FormData) -> Response:
    session = session_of(request)
    made = see_other("/login")
    if session is not None:
        csrf.check(request, session.id, forms_in.texts(form))
        service: Service = request.app.state.service
        with service.databases.system() as conn:
            sessions.close_session(conn, session.id)
    made.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="lax")
    return made


def _page(request: Request, *, status: int = 200, email: str = "", wrong: bool = False) -> Response:
    languages = languages_for(request, {})
    given: Any = request.query_params.get("next")
    html = draw("login.html", languages, email=email, wrong=wrong, next=local_address(given) or "")
    return answer(html, status)


def _home(session: sessions.Session) -> str:
    """The workspace he belongs to; where there are several, the page to choose."""
    names = list(session.memberships)
    return f"/w/{names[0]}/" if names else "/nowhere"


def see_other(address: str) -> Response:
    """On to another address after a form: 303, so that the browser asks with GET."""
    return RedirectResponse(address, status_code=303)


def local_address(given: str | None) -> str | None:
    """An address inside the service, or None: nothing that a browser could read as another host."""
    if not given or not given.startswith("/") or len(given) > 2_000:
        return None
    if given.startswith(("//", "/\\")) or any(c < " " or c in "\\\x7f" for c in given):
        return None
    return given
