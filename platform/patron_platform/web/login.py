"""Sign-in and sign-out, and where `/` leads.

In: an address and a password. Out: a new session and its cookie; the same words and the same time for an unknown address and a
wrong password, and a wait that grows for who keeps guessing. Where it goes on is an address of ours or the home page.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from patron_platform.hosts import client
from patron_platform.identity import attempts, cookies, passwords, sessions
from patron_platform.identity.audit import note
from patron_platform.identity.entered import entered
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import SPOKEN
from patron_platform.web.visitor import languages_for, session_of

router = APIRouter(include_in_schema=False)
LONGEST_ADDRESS = 254
LEFT = '"cache", "storage"'  # what a browser throws away at sign-out: pages, forms that waited, the worker


@router.get("/")
def root(request: Request) -> Response:
    session = session_of(request)
    if session is None:
        return see_other("/login")
    return see_other(home_of(session))


@router.get("/login")
def login_page(request: Request) -> Response:
    session = session_of(request)
    if session is not None:
        return see_other(local_address(request.query_params.get("next")) or home_of(session))
    return _page(request)


@router.post("/login")
def login(request: Request, form: FormData) -> Response:
    csrf.same_site(request)
    given = forms_in.texts(form)
    email, password = given.get("email", "").strip(), given.get("password", "")
    if len(email) > LONGEST_ADDRESS or len(password) > passwords.LONGEST:
        return _page(request, given, wrong=True, status=422)
    service: Service = request.app.state.service
    device, place = cookies.token_in(request, cookies.DEVICE), client(request)
    with service.databases.system() as conn:
        turn = attempts.begin(conn, email, place, device)
        if isinstance(turn, attempts.Wait):
            note(conn, "sign_in_refused", about=email, address=place)
            return _page(request, given, wait=turn.seconds, status=429)
        found = sessions.account_by_email(conn, email)
    # No connection is held while a password is hashed: that takes long on purpose.
    if not passwords.fits(password, found[1] if found else None) or found is None:
        with service.databases.system() as conn:
            note(conn, "sign_in_failed", about=email, address=place)
        return _page(request, given, wrong=True, status=422)
    with service.databases.system() as conn, conn.transaction():
        attempts.succeed(conn, turn)
        before = sessions.find_session(conn, cookies.token_in(request))
        if before is not None:
            sessions.close_session(conn, before.id)
        token = sessions.open_session(conn, found[0], request.headers.get("user-agent", ""), place)
        session = sessions.find_session(conn, token)
        known = attempts.remember_device(conn, found[0], device)
        note(conn, "sign_in", account=found[0], about=email, address=place)
    if session is None:  # closed between the two looks
        return _page(request, given, wrong=True, status=422)
    for name in session.memberships:
        entered(service, session, name, place)
    made = see_other(local_address(given.get("next")) or home_of(session))
    cookies.give(request, made, token)
    cookies.give_device(request, made, known)
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
            note(conn, "sign_out", account=session.account, address=client(request))
    cookies.take(request, made)
    made.headers["Clear-Site-Data"] = LEFT
    return made


def _page(
    request: Request,
    given: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    wrong: bool = False,
    wait: int = 0,
) -> Response:
    """The form with what was typed but the password; where it goes on and its language stay."""
    given = request.query_params if given is None else given
    languages = languages_for(request, {"language": given.get("language")})
    html = draw(
        "login.html", languages, email=given.get("email", "").strip()[:LONGEST_ADDRESS], wrong=wrong, wait=wait,
        next=local_address(given.get("next")) or "", chosen=given.get("language", "") in SPOKEN, spoken=SPOKEN,
    )  # fmt: skip
    return answer(html, status, {"Retry-After": str(wait)} if wait else None)


def home_of(session: sessions.Session) -> str:
    """The workspace he chose last or belongs to; where there are several, the page to choose."""
    names = list(session.memberships)
    if session.workspace or len(names) == 1:
        return f"/w/{session.workspace or names[0]}/"
    return "/workspaces"


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
