"""Me: what somebody chooses for himself, his password, and where he is signed in.

In: a signed-in request; forms of the page. Out: preferences in his account, a new password (which ends every other session), ended
sessions. Everything is his own: no form here names another person.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import writable
from patron_engine.errors import NotFound, PatronError
from patron_engine.record import telling
from patron_engine.record.change import Change
from patron_platform.hosts import client, parts
from patron_platform.identity import attempts, cookies, passwords, sessions
from patron_platform.identity.accounts import change_password
from patron_platform.identity.audit import note
from patron_platform.identity.managing import manages_users
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import local_address, see_other
from patron_platform.web.choosing import wrong_choice
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import SPOKEN, texts_in
from patron_platform.web.visitor import DENSITIES, PAGE_SIZES, SCHEMES, NotSignedIn, Visitor, enter

router = APIRouter(prefix="/w/{workspace}/me", include_in_schema=False)
CHOICES = {"language": SPOKEN, "scheme": SCHEMES, "density": DENSITIES, "page_size": PAGE_SIZES}
FIELDS = (*CHOICES, "zone", "name", "current", "new", "again")
LONGEST_NAME = 80
FOLDED = 40  # apps of the menu that may be folded


@router.get("")
def me(request: Request, workspace: str) -> Response:
    return _page(enter(request, workspace))


@router.post("")
def choose(request: Request, workspace: str, form: FormData) -> Response:
    """Writes what was chosen; a choice that is none is told beside it, and nothing is written."""
    visitor, given = _entered(request, workspace, form)
    wrong = {
        key: "me.not_a_choice" for key, known in CHOICES.items() if given.get(key, "") not in ("", *known)
    }
    zone, name = given.get("zone", ""), given.get("name", "").strip()
    if zone and zone not in available_timezones():
        wrong["zone"] = "me.not_a_choice"
    if not 0 < len(name) <= LONGEST_NAME or any(c < " " for c in name):
        wrong["name"] = "me.name_length"
    if wrong:
        return _page(visitor, status=422, wrong=wrong, given=given)
    chosen: dict[str, Any] = {key: given.get(key) or None for key in (*CHOICES, "zone")}
    with visitor.service.databases.system() as conn:
        sessions.keep_preferences(conn, visitor.session.account, chosen, name)
    _name_user(visitor, name)
    if visitor.actor.user is not None:
        with visitor.workspace.connection("write") as conn:
            telling.move(conn, visitor.workspace.schema, visitor.actor.user, zone or None)
    return see_other(visitor.url("me") + "?done=saved")


@router.post("/language")
def language(request: Request, workspace: str, form: FormData) -> Response:
    """Another language from the menu; one stays where one is."""
    visitor, given = _entered(request, workspace, form)
    if given.get("language") not in SPOKEN:
        raise NotFound("there is no such language")
    with visitor.service.databases.system() as conn:
        sessions.keep_preferences(conn, visitor.session.account, {"language": given["language"]})
    came = parts(request.headers.get("referer", ""))
    way = came.path + (f"?{came.query}" if came.query else "")
    own = way.startswith(visitor.url("")) and local_address(way)
    return see_other(way if own else visitor.url(""))


@router.post("/fold")
def fold(request: Request, workspace: str, form: FormData) -> Response:
    """Remembers which apps of the menu are folded."""
    visitor, given = _entered(request, workspace, form)
    app = given.get("app", "")[:60]
    kept = [name for name in visitor.preferences.get("folded", ()) if name != app][: FOLDED - 1]
    if given.get("folded") == "yes":
        kept.append(app)
    with visitor.service.databases.system() as conn:
        sessions.keep_preferences(conn, visitor.session.account, {"folded": kept})
    return Response(status_code=204)


@router.post("/password")
def password(request: Request, workspace: str, form: FormData) -> Response:
    """A new password for who knows the old one. Every other session ends; this one gets a new token."""
    visitor, given = _entered(request, workspace, form)
    old, new = given.get("current", ""), given.get("new", "")
    chosen = wrong_choice(given, visitor.session.email, visitor.session.name)
    wrong = dict([chosen]) if chosen else {"new": "me.password_same"} if new == old else {}
    if wrong or len(old) > passwords.LONGEST:
        return _page(visitor, status=422, wrong=wrong or {"current": "me.password_wrong"})
    place, account = client(request), visitor.session.account
    with visitor.service.databases.system() as conn:
        turn = attempts.begin(conn, visitor.session.email, place, cookies.token_in(request, cookies.DEVICE))
        if isinstance(turn, attempts.Wait):
            return _page(visitor, status=429, wrong={"current": "me.password_wait"})
        found = sessions.account_by_email(conn, visitor.session.email)
    if found is None or not passwords.fits(old, found[1]):
        return _page(visitor, status=422, wrong={"current": "me.password_wrong"})
    kept = passwords.hash_password(new, visitor.session.email, visitor.session.name)
    with visitor.service.databases.system() as conn, conn.transaction():
        attempts.succeed(conn, turn)
        change_password(conn, account, kept, keep=visitor.session.id)
        token = sessions.rotate(conn, visitor.session.id)
        note(conn, "password_changed", account=account, about=visitor.session.email, address=place)
    if token is None:
        raise NotSignedIn("nobody is signed in")
    made = see_other(visitor.url("me") + "?done=password")
    cookies.give(request, made, token)
    return made


@router.post("/sessions")
def end(request: Request, workspace: str, form: FormData) -> Response:
    """Ends one session, all others, or all."""
    visitor, given = _entered(request, workspace, form)
    account, which = visitor.session.account, given.get("which", "")
    with visitor.service.databases.system() as conn:
        if which in ("others", "all"):
            count = sessions.close_others(conn, account, visitor.session.id if which == "others" else None)
        else:
            count = int(sessions.close_one(conn, account, which))
        note(conn, "sessions_ended", account=account, address=client(request), detail={"count": count})
    if which in ("all", visitor.session.id):
        made = see_other("/login")
        cookies.take(request, made)
        return made
    return see_other(visitor.url("me") + "?done=ended#sessions")


def _entered(request: Request, workspace: str, form: FormData) -> tuple[Visitor, dict[str, str]]:
    visitor = enter(request, workspace)
    given = dict(forms_in.texts(form))
    csrf.check(request, visitor.session.id, given)
    return visitor, given


def _page(
    visitor: Visitor,
    *,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    done = visitor.request.query_params.get("done", "")
    with visitor.service.databases.system() as conn:
        rows = sessions.sessions_of(conn, visitor.session.account)
    chosen = {k: "" for k in (*CHOICES, "zone", "name")} | (
        given or {**{k: str(v) for k, v in visitor.preferences.items()}, "name": visitor.session.name}
    )
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        return page(
            visitor, call, "me.html", title=texts_in(visitor.languages[0])("shell.settings"), here="me",
            status=status, chosen=chosen, wrong={k: None for k in FIELDS} | (wrong or {}), rows=rows, choices=CHOICES, zones=_zones(),
            done=done if done in ("saved", "password", "ended") else "", shortest=passwords.SHORTEST, manages=manages_users(call.model, visitor.actor),
        )  # fmt: skip


def _zones() -> list[str]:
    """Zones people know: those of a continent and a city."""
    return sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/")))


def _name_user(visitor: Visitor, name: str) -> None:
    """Colleagues read the user record: it gets the name too where he may write it."""
    user = visitor.actor.user
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        may = user is not None and "name" in writable(call.model, visitor.actor, "user")
    if may and name != visitor.session.name:
        change = Change(action="update", object="user", id=user, set={"name": name})
        try:
            visitor.workspace.save(visitor.actor, [change], cause=visitor.cause)
        except PatronError:
            return  # a rule of the workspace keeps names as they are; the account has it
