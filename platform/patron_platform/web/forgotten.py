"""Forgotten passwords, and passwords that must be changed before one goes on.

In: an address; a token of a letter; the cookie of a sign-in that is not whole. Out: the same page at once for every address, and a
letter to those that have an account; a new password, after which every session of the account has ended.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.hosts import client
from patron_platform.identity import attempts, cookies, passwords, sessions, tickets
from patron_platform.identity.accounts import change_password
from patron_platform.identity.audit import note
from patron_platform.identity.letters import send_reset
from patron_platform.service import Service
from patron_platform.web import arriving, csrf, forms_in
from patron_platform.web.choosing import choosing_page, ended_page, wrong_choice
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import languages_for

router = APIRouter(include_in_schema=False)
LONGEST_ADDRESS = 254
MINUTES = int(tickets.RESET_LASTS.total_seconds() // 60)


@router.get("/forgotten")
def forgotten(request: Request) -> Response:
    return _page(request)


@router.post("/forgotten")
def ask(request: Request, form: FormData) -> Response:
    """The answer knows nothing of accounts: it is looked for one when the answer has gone."""
    csrf.same_site(request)
    email = forms_in.texts(form).get("email", "").strip()
    service: Service = request.app.state.service
    if service.settings.mail is None:
        return _page(request)
    if not 0 < len(email) <= LONGEST_ADDRESS:
        return _page(request, status=422)
    place, language = client(request), languages_for(request, {})[0]
    with service.databases.system() as conn:
        turn = attempts.begin(conn, f"reset:{email}", place)
    if isinstance(turn, attempts.Wait):
        return _page(request, email=email, wait=turn.seconds, status=429)
    made = _page(request, sent=True)
    made.background = BackgroundTask(_send, service, email, place, language)
    return made


def _send(service: Service, email: str, place: str, language: str) -> None:
    """Writes to the address of the account, never to what was typed. Who has no password yet has an invitation."""
    with service.databases.system() as conn:
        found = sessions.account_by_email(conn, email)
        if found is None or found[1] is None:
            return
        row = conn.execute(
            "SELECT email, preferences ->> 'language' FROM patron.account WHERE id = %s", (found[0],)
        ).fetchone()
        assert row is not None
        token = tickets.issue(conn, "reset", found[0])
        note(conn, "reset_asked", account=found[0], about=row[0], address=place)
    send_reset(service, row[0], token, row[1] or language)


@router.get("/reset/{token}")
def reset_page(request: Request, token: str) -> Response:
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "reset", token)
        whose = sessions.names_of(conn, ticket.account) if ticket else None
    if whose is None:
        return ended_page(request, "signin.reset_ended", again=True)
    return _reset_form(request, token, whose[0])


@router.post("/reset/{token}")
def reset(request: Request, token: str, form: FormData) -> Response:
    """Sets the password; of two who hold the link one does."""
    csrf.same_site(request)
    given = forms_in.texts(form)
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "reset", token)
        whose = sessions.names_of(conn, ticket.account) if ticket else None
    if ticket is None or whose is None:
        return ended_page(request, "signin.reset_ended", again=True)
    wrong = wrong_choice(given, *whose)
    if wrong is not None:
        return _reset_form(request, token, whose[0], wrong)
    kept = passwords.hash_password(given["new"], *whose)
    with service.databases.system() as conn, conn.transaction():
        used = tickets.use(conn, "reset", token)
        if used is not None:
            change_password(conn, used.account, kept)
            note(conn, "password_changed", account=used.account, about=whose[0], address=client(request))
    if used is None:
        return ended_page(request, "signin.reset_ended", again=True)
    return arriving.arrive(request, used.account, "", way="reset")


@router.get("/login/password")
def must_page(request: Request) -> Response:
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "new_password", cookies.token_in(request, cookies.STEP))
        whose = sessions.names_of(conn, ticket.account) if ticket else None
    return arriving.see_other("/login?done=withdrawn") if whose is None else _must_form(request, whose[0])


@router.post("/login/password")
def must(request: Request, form: FormData) -> Response:
    """Another password than the one that must not stay, and on to what comes after it."""
    csrf.same_site(request)
    given, token = forms_in.texts(form), cookies.token_in(request, cookies.STEP)
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "new_password", token)
        whose = sessions.names_of(conn, ticket.account) if ticket else None
        old = sessions.account_by_email(conn, whose[0]) if whose else None
    if ticket is None or whose is None or old is None:
        return arriving.see_other("/login?done=withdrawn")
    wrong = wrong_choice(given, *whose)
    if wrong is None and passwords.fits(given["new"], old[1]):
        wrong = ("new", "me.password_same")
    if wrong is not None:
        return _must_form(request, whose[0], wrong)
    kept = passwords.hash_password(given["new"], *whose)
    with service.databases.system() as conn, conn.transaction():
        used = tickets.use(conn, "new_password", token)
        if used is not None:
            change_password(conn, used.account, kept)
            note(conn, "password_changed", account=used.account, about=whose[0], address=client(request))
    if used is None:
        return arriving.see_other("/login?done=withdrawn")
    return arriving.go_on(request, used, "new_password")


def _reset_form(request: Request, token: str, email: str, wrong: tuple[str, str] | None = None) -> Response:
    return choosing_page(
        request, f"/reset/{token}", email, title="signin.forgotten_title", said="signin.choose_help",
        values={"email": email}, wrong=wrong,
    )  # fmt: skip


def _must_form(request: Request, email: str, wrong: tuple[str, str] | None = None) -> Response:
    return choosing_page(
        request, "/login/password", email, title="signin.must_title", said="signin.must_help", wrong=wrong
    )


def _page(
    request: Request, *, email: str = "", sent: bool = False, wait: int = 0, status: int = 200
) -> Response:
    service: Service = request.app.state.service
    languages = languages_for(request, {})
    title = texts_in(languages[0])("signin.sent_title" if sent else "signin.forgotten_title")
    html = draw(
        "forgotten.html", languages, title=title, mails=service.settings.mail is not None, sent=sent, wait=wait, email=email,
        minutes=MINUTES,
    )  # fmt: skip
    return answer(html, status, {"Retry-After": str(wait)} if wait else None)
