"""Arriving: from having shown who one is to a session, over the steps that are still missing.

In: an account whose password, provider or link was right. Out: the session's cookie and the way to where one wanted; or, in between,
the way to the page of a step (the code of the second factor, another password) and a cookie for that step alone. Where it goes on
is an address of ours or the home page.
"""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from patron_platform.hosts import client
from patron_platform.identity import attempts, cookies, limits, sessions, tickets
from patron_platform.identity.audit import note
from patron_platform.identity.entered import entered
from patron_platform.service import Service

Way = Literal["password", "provider", "reset", "invitation"]
STEPS = {"second_factor": "/login/code", "new_password": "/login/password"}


def arrive(
    request: Request, account: str, onward: str, *, way: Way, passed: frozenset[str] = frozenset()
) -> Response:
    """The next step, or the session when none is missing. `passed` are the steps that were made."""
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        row = conn.execute(
            "SELECT totp_secret IS NOT NULL, must_change FROM patron.account WHERE id = %s AND state = 'active'",
            (account,),
        ).fetchone()
        if row is None:  # closed between the two looks
            return see_other("/login")
        needed = {"second_factor": row[0], "new_password": row[1] and way == "password"}
        step = next((s for s in tickets.STEPS if needed[s] and s not in passed), None)
        if step is not None:
            detail = {"onward": onward, "way": way, "passed": sorted(passed)}
            token = tickets.issue(conn, step, account, detail=detail)
            made = see_other(STEPS[step])
            cookies.give_step(request, made, token)
            return made
    return _seat(request, service, account, onward)


def go_on(request: Request, ticket: tickets.Ticket, step: str) -> Response:
    """After a step: what comes after it."""
    passed = frozenset((*ticket.detail["passed"], step))
    return arrive(request, ticket.account, ticket.detail["onward"], way=ticket.detail["way"], passed=passed)


def _seat(request: Request, service: Service, account: str, onward: str) -> Response:
    """A new session in this browser; the one it had ends."""
    place, device = client(request), cookies.token_in(request, cookies.DEVICE)
    with service.databases.system() as conn, conn.transaction():
        before = sessions.find_session(conn, cookies.token_in(request))
        if before is not None:
            sessions.close_session(conn, before.id)
        token = sessions.open_session(conn, account, request.headers.get("user-agent", ""), place)
        session = sessions.find_session(conn, token)
        known = attempts.remember_device(conn, account, device)
        agent = request.headers.get("user-agent", "")[: sessions.AGENT]
        if session is not None:
            note(
                conn, "sign_in", account=account, about=session.email, address=place, detail={"agent": agent}
            )
    if session is None:
        return see_other("/login")
    barred = limits.everywhere(service, session, place)
    if barred is not None:
        with service.databases.system() as conn:
            sessions.close_session(conn, session.id)
            note(conn, "sign_in_barred", account=account, about=session.email, address=place)
        raise barred
    for name in session.memberships:
        entered(service, session, name, place)
    made = see_other(local_address(onward) or home_of(session))
    cookies.give(request, made, token)
    cookies.give_device(request, made, known)
    cookies.take(request, made, cookies.STEP)
    return made


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
