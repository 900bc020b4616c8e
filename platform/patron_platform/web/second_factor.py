"""Two-step sign-in: the page that asks for a code, and the page where one sets it up.

In: the cookie of a sign-in whose password was right, and a code; a signed-in request and its forms. Out: the way on; a secret as a
picture, recovery codes once. A new secret stands sealed in the form until a code of the app shows that it arrived.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Forbidden, PatronError
from patron_platform.hosts import client
from patron_platform.identity import attempts, cookies, factor, passwords, sessions, tickets
from patron_platform.identity.audit import note
from patron_platform.service import Service
from patron_platform.web import arriving, csrf, forms_in
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw, page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import NotSignedIn, Visitor, arrived, languages_for

router = APIRouter(include_in_schema=False)
BEGIN_AGAIN = "/login?done=withdrawn"


@router.get("/login/code")
def code_page(request: Request) -> Response:
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "second_factor", cookies.token_in(request, cookies.STEP))
    return arriving.see_other(BEGIN_AGAIN) if ticket is None else _asking(request)


@router.post("/login/code")
def code(request: Request, form: FormData) -> Response:
    """A right code goes on. Wrong ones are counted for the account: who has the password cannot try them all."""
    csrf.same_site(request)
    given, token = forms_in.texts(form).get("code", ""), cookies.token_in(request, cookies.STEP)
    service: Service = request.app.state.service
    place = client(request)
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "second_factor", token)
        if ticket is None:
            return arriving.see_other(BEGIN_AGAIN)
        turn = attempts.begin(conn, f"code:{ticket.account}", place)
        if isinstance(turn, attempts.Wait):
            return _asking(request, wait=turn.seconds)
        if not factor.check(service, conn, ticket.account, given):
            note(conn, "code_wrong", account=ticket.account, address=place)
            return _asking(request, wrong=True)
        attempts.succeed(conn, turn)
        used = tickets.use(conn, "second_factor", token)
    return arriving.see_other(BEGIN_AGAIN) if used is None else arriving.go_on(request, used, "second_factor")


@router.get("/w/{workspace}/me/second-factor")
def own(request: Request, workspace: str) -> Response:
    return _page(arrived(request, workspace))


@router.post("/w/{workspace}/me/second-factor/begin")
def begin(request: Request, workspace: str, form: FormData) -> Response:
    """A secret for the app, for who gives his password or has just signed in: an open screen is not enough."""
    visitor, given = _entered(request, workspace, form)
    if visitor.session.second_factor:
        raise Forbidden("two-step sign-in is on already")
    wrong = _wrong_password(visitor, given.get("current", ""))
    if wrong:
        return _page(visitor, wrong=wrong)
    return _page(visitor, secret=factor.new_secret())


@router.post("/w/{workspace}/me/second-factor/on")
def turn_on(request: Request, workspace: str, form: FormData) -> Response:
    """The app shows the right code: from now on one is asked for, and every other session has ended."""
    visitor, given = _entered(request, workspace, form)
    account = visitor.session.account
    if visitor.session.second_factor:
        raise Forbidden("two-step sign-in is on already")
    secret = _unsealed(visitor, given.get("sealed", ""))
    with visitor.service.databases.system() as conn, conn.transaction():
        codes = factor.turn_on(
            visitor.service, conn, account, secret, given.get("code", "")[: factor.LONGEST]
        )
        if codes is not None:
            note(
                conn,
                "second_factor_on",
                account=account,
                about=visitor.session.email,
                address=client(request),
            )
            renewed = _renewed(visitor, conn)
    if codes is None:
        return _page(visitor, secret=secret, wrong="signin.code_wrong")
    return _changed(visitor, *renewed, codes=codes, done="signin.factor_is_on")


@router.post("/w/{workspace}/me/second-factor/codes")
def recovery(request: Request, workspace: str, form: FormData) -> Response:
    """New recovery codes; those before let nobody in any more."""
    visitor, given = _entered(request, workspace, form)
    wrong = _wrong_password(visitor, given.get("current", ""))
    if wrong or not visitor.session.second_factor:
        return _page(visitor, wrong=wrong or "me.not_a_choice")
    with visitor.service.databases.system() as conn:
        codes = factor.new_recovery_codes(conn, visitor.session.account)
        note(
            conn, "recovery_codes_made", account=visitor.session.account, about=visitor.session.email,
            address=client(request),
        )  # fmt: skip
    return _page(visitor, codes=codes)


@router.post("/w/{workspace}/me/second-factor/off")
def turn_off(request: Request, workspace: str, form: FormData) -> Response:
    """No code any more, for who gives his password; every other session ends."""
    visitor, given = _entered(request, workspace, form)
    wrong = _wrong_password(visitor, given.get("current", ""))
    if wrong:
        return _page(visitor, wrong=wrong)
    account = visitor.session.account
    with visitor.service.databases.system() as conn, conn.transaction():
        factor.turn_off(conn, account)
        note(conn, "second_factor_off", account=account, about=visitor.session.email, address=client(request))
        renewed = _renewed(visitor, conn)
    return _changed(visitor, *renewed, done="signin.factor_is_off")


def _entered(request: Request, workspace: str, form: FormData) -> tuple[Visitor, dict[str, str]]:
    visitor = arrived(request, workspace)
    given = dict(forms_in.texts(form))
    csrf.check(request, visitor.session.id, given)
    return visitor, given


def _wrong_password(visitor: Visitor, given: str) -> str | None:
    """What to say of a password typed once more; None when it is his. Who has none, for a provider signs him in, has just
    signed in instead."""
    place = client(visitor.request)
    with visitor.service.databases.system() as conn:
        device = cookies.token_in(visitor.request, cookies.DEVICE)
        found = sessions.account_by_email(conn, visitor.session.email)
        if found is not None and found[1] is None:
            return None if sessions.fresh(conn, visitor.session.id) else "signin.factor_again"
        turn = attempts.begin(conn, visitor.session.email, place, device)
    if isinstance(turn, attempts.Wait):
        return "me.password_wait"
    if found is None or not passwords.fits(given, found[1]):
        return "me.password_wrong"
    with visitor.service.databases.system() as conn:
        attempts.succeed(conn, turn)
    return None


def _unsealed(visitor: Visitor, sealed: str) -> str:
    """The secret of the form. Forbidden for one that this account was not given."""
    try:
        return factor.opened(visitor.service, visitor.session.account, urlsafe_b64decode(sealed))
    except (PatronError, ValueError):
        raise Forbidden(
            "this page is too old to be sent", code="csrf", hint="load the page again and repeat what you did"
        ) from None


def _asking(request: Request, *, wrong: bool = False, wait: int = 0) -> Response:
    languages = languages_for(request, {})
    title = texts_in(languages[0])("signin.code_title")
    html = draw("sign_in_code.html", languages, title=title, wrong=wrong, wait=wait, longest=factor.LONGEST)
    status = 429 if wait else 422 if wrong else 200
    return answer(html, status, {"Retry-After": str(wait)} if wait else None)


def _renewed(visitor: Visitor, conn: psycopg.Connection[Any]) -> tuple[str, sessions.Session]:
    """After the factor changed: every other session has ended, this one has a new token."""
    sessions.close_others(conn, visitor.session.account, visitor.session.id)
    conn.execute("DELETE FROM patron.device WHERE account = %s", (visitor.session.account,))
    token = sessions.rotate(conn, visitor.session.id)
    session = None if token is None else sessions.find_session(conn, token)
    if token is None or session is None:
        raise NotSignedIn("nobody is signed in")
    return token, session


def _changed(
    visitor: Visitor, token: str, session: sessions.Session, *, done: str, codes: list[str] | None = None
) -> Response:
    """The page leads on from there."""
    made = _page(visitor.with_session(session), codes=codes or [], done=done)
    cookies.give(visitor.request, made, token)
    return made


def _page(
    visitor: Visitor,
    *,
    secret: str = "",
    codes: list[str] | None = None,
    wrong: str | None = None,
    done: str = "",
) -> Response:
    account = visitor.session.account
    with visitor.service.databases.system() as conn:
        since, left = factor.state_of(conn, account)
        known = sessions.account_by_email(conn, visitor.session.email)
    sealed = urlsafe_b64encode(factor.seal(visitor.service, account, secret)).decode() if secret else ""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        wanted = call.model.workspace.second_factor
        return page(
            visitor, call, "second_factor.html", title=texts_in(visitor.languages[0])("signin.code_title"), here="me",
            status=422 if wrong else 200, secret=secret, sealed=sealed, has_password=known is not None and known[1] is not None, codes=codes or [], wrong=wrong, done=done,
            since=since, left=left, demanded="*" in wanted or not wanted.isdisjoint(visitor.actor.roles),
            picture=factor.picture(secret, visitor.session.email) if secret else "", longest=factor.LONGEST,
        )  # fmt: skip
