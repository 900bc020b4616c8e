"""Accepting an invitation: the page its link opens.

In: the token of the link. Out: for a new account a password and a session; for one that has an owner a button, when he is signed in:
a link alone never sets the password of an account that is somebody's already.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_platform.hosts import client
from patron_platform.identity import invitations, passwords, sessions, tickets
from patron_platform.identity.audit import note
from patron_platform.service import Service
from patron_platform.web import arriving, csrf, forms_in
from patron_platform.web.choosing import Wrong, choosing_page, ended_page, wrong_choice
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import languages_for, session_of

router = APIRouter(prefix="/invitation", include_in_schema=False)


@router.get("/{token}")
def invitation(request: Request, token: str) -> Response:
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "invitation", token)
        whose = sessions.names_of(conn, ticket.account) if ticket else None
        new = ticket is not None and invitations.is_new(conn, ticket.account)
    if ticket is None or whose is None:
        return ended_page(request, "signin.invitation_ended")
    return _new(request, token, ticket, whose[0]) if new else _joining(request, token, ticket)


@router.post("/{token}")
def accept(request: Request, token: str, form: FormData) -> Response:
    csrf.same_site(request)
    given = forms_in.texts(form)
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        ticket = tickets.look(conn, "invitation", token)
        whose = sessions.names_of(conn, ticket.account) if ticket else None
        new = ticket is not None and invitations.is_new(conn, ticket.account)
    if ticket is None or whose is None:
        return ended_page(request, "signin.invitation_ended")
    kept: str | None = None
    if new:
        wrong = wrong_choice(given, *whose)
        if wrong is not None:
            return _new(request, token, ticket, whose[0], wrong)
        kept = passwords.hash_password(given["new"], *whose)
    else:
        session = session_of(request)
        if session is None or session.account != ticket.account:
            return _joining(request, token, ticket)
        csrf.check(request, session.id, given)
    with service.databases.system() as conn:
        account = invitations.accept(conn, token, kept)
        if account is not None:
            note(
                conn, "invitation_accepted", account=account, about=whose[0], address=client(request),
                workspace=ticket.workspace,
            )  # fmt: skip
    if account is None:
        return ended_page(request, "signin.invitation_ended")
    home = f"/w/{ticket.workspace}/"
    return arriving.arrive(request, account, home, way="invitation") if new else arriving.see_other(home)


def _new(
    request: Request, token: str, ticket: tickets.Ticket, email: str, wrong: Wrong | None = None
) -> Response:
    values = {"workspace": str(ticket.workspace), "by": str(ticket.detail["by"])}
    return choosing_page(
        request, f"/invitation/{token}", email, title="signin.welcome", said="signin.invited_by",
        button="signin.accept", values=values, wrong=wrong,
    )  # fmt: skip


def _joining(request: Request, token: str, ticket: tickets.Ticket) -> Response:
    """For who has an account: to sign in, and then to join."""
    service: Service = request.app.state.service
    session = session_of(request)
    own = session if session is not None and session.account == ticket.account else None
    languages = languages_for(request, own.preferences if own else {})
    t = texts_in(languages[0])
    html = draw(
        "joining.html", languages, title=t("signin.welcome", workspace=ticket.workspace),
        said=t("signin.invited_known", by=ticket.detail["by"]), action=f"/invitation/{token}",
        email=own.email if own else "", csrf=csrf.token_for(service, own.id) if own else "",
    )  # fmt: skip
    return answer(html)
