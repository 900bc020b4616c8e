"""Sign-in and sign-out, and where `/` leads.

In: an address and a password. Out: a new session and its cookie; the same words and the same time for an unknown address and a
wrong password, and a wait that grows for who keeps guessing. Where it goes on is an address of ours or the home page.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.hosts import client
from patron_platform.identity import attempts, cookies, passwords, sessions
from patron_platform.identity.audit import note
from patron_platform.service import Service
from patron_platform.settings import Settings
from patron_platform.web import arriving, csrf, forms_in
from patron_platform.web.arriving import home_of, local_address, see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import SPOKEN
from patron_platform.web.visitor import languages_for, session_of

router = APIRouter(include_in_schema=False)
LONGEST_ADDRESS = 254
_DONE = {  # what the page says of why one is here again
    "withdrawn": "signin.step_ended", "provider": "signin.provider_failed", "unknown": "signin.provider_unknown",
}  # fmt: skip
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
    with service.databases.system() as conn:
        attempts.succeed(conn, turn)
    return arriving.arrive(request, found[0], given.get("next", ""), way="password")


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
    settings: Settings = request.app.state.service.settings
    html = draw(
        "login.html", languages, email=given.get("email", "").strip()[:LONGEST_ADDRESS], wrong=wrong, wait=wait,
        next=local_address(given.get("next")) or "", chosen=given.get("language", "") in SPOKEN, spoken=SPOKEN,
        mails=settings.mail is not None, done=_DONE.get(given.get("done", "")), label=settings.oidc_label,
        provider=settings.oidc_issuer is not None,
    )  # fmt: skip
    return answer(html, status, {"Retry-After": str(wait)} if wait else None)
