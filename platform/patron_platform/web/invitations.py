"""Invitations: who was invited and has not come yet; inviting, sending again, withdrawing.

In: a signed-in request of who has `manage_users`; forms of the page. Out: an invitation and its letter; where no letter can be sent,
the page with the link, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.roles import given_of
from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound, PatronError
from patron_engine.query.spec import Ask
from patron_platform.hosts import client, host, secure
from patron_platform.identity import invitations, letters
from patron_platform.identity.audit import note
from patron_platform.identity.managing import demand
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/invitations", include_in_schema=False)
MOST_DEPARTMENTS = 200  # offered in the form


@router.get("")
def waiting(request: Request, workspace: str) -> Response:
    return _page(_managing(request, workspace), given=request.query_params)


@router.post("")
def invite(request: Request, workspace: str, form: FormData) -> Response:
    """Invites; what is wrong is told above the form, which keeps what was typed."""
    visitor = _managing(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    guest = invitations.Guest(
        email=given.get("email", "").strip(),
        name=given.get("name", ""),
        department=given.get("department") or None,
        roles=forms_in.several(form, "roles"),
        kind="portal" if given.get("account") else "internal",
        account=given.get("account") or None,
    )
    try:
        token = invitations.invite(
            visitor.service.databases, visitor.workspace, guest, by=visitor.session.email, giver=visitor.actor
        )
    except PatronError as error:
        said = "; ".join(p.message for p in getattr(error, "problems", ())) or error.detail
        return _page(visitor, given=given, roles=guest.roles, status=422, wrong=visitor.words(said))
    return _sent(visitor, guest.email, token)


@router.post("/again")
def again(request: Request, workspace: str, form: FormData) -> Response:
    """Another link for an invitation that is still open or is too old; the one before opens nothing."""
    visitor, account = _chosen(request, workspace, form)
    email, token = invitations.again(visitor.service.databases, visitor.workspace, account, visitor.actor)
    return _sent(visitor, email, token)


@router.post("/withdraw")
def withdraw(request: Request, workspace: str, form: FormData) -> Response:
    visitor, account = _chosen(request, workspace, form)
    invitations.withdraw(visitor.service.databases, visitor.workspace, account)
    with visitor.service.databases.system() as conn:
        note(
            conn, "invitation_withdrawn", account=visitor.session.account, workspace=visitor.name,
            address=client(request), detail={"account": account},
        )  # fmt: skip
    return see_other(visitor.url("invitations") + "?done=withdrawn")


def _managing(request: Request, workspace: str) -> Visitor:
    """The visitor, who looks after the people of the workspace."""
    visitor = enter(request, workspace)
    with visitor.workspace.connection("read") as conn:
        demand(visitor.workspace.call(conn, visitor.actor).model, visitor.actor)
    return visitor


def _chosen(request: Request, workspace: str, form: FormData) -> tuple[Visitor, str]:
    """The visitor and the invitation a button stands beside."""
    visitor = _managing(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    if not given.get("invited"):
        raise NotFound("there is no such invitation", code="invitation_not_found")
    return visitor, given["invited"]


def _sent(visitor: Visitor, email: str, token: str) -> Response:
    """Sends the letter; without one the page shows the link, which is kept nowhere."""
    request, service = visitor.request, visitor.service
    with service.databases.system() as conn:
        note(
            conn, "invited", account=visitor.session.account, about=email, workspace=visitor.name, address=client(request)
        )  # fmt: skip
    if letters.send_invitation(
        service, email, token, by=visitor.session.name, workspace=visitor.name, language=visitor.languages[0]
    ):
        return _page(visitor, sent_to=email)
    link = letters.invitation_link(service, token)
    if not service.settings.base_url:
        link = f"{'https' if secure(request) else 'http'}://{host(request)}{link}"
    return _page(visitor, sent_to=email, link=link)


def _page(
    visitor: Visitor,
    *,
    given: Mapping[str, str] | None = None,
    roles: Sequence[str] = (),
    status: int = 200,
    wrong: str = "",
    sent_to: str = "",
    link: str = "",
) -> Response:
    given = given or {}
    portal = _account(visitor, given.get("account", ""))
    kind = "portal" if portal else "internal"
    with visitor.service.databases.system() as conn:
        rows = invitations.waiting(conn, visitor.name)
    departments = _rows(visitor, "department", sort=("name",)) if not portal else []
    done = visitor.request.query_params.get("done") == "withdrawn"
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        offered = [role for role in given_of(call.model).roles.values() if role.for_users == kind]
        return page(
            visitor, call, "invitations.html", title=texts_in(visitor.languages[0])("signin.invitations"), status=status,
            given={k: given.get(k, "") for k in ("email", "name", "department")}, chosen=roles, rows=rows, wrong=wrong,
            departments=departments, roles=offered, portal=portal, sent_to=sent_to, link=link, done=done,
        )  # fmt: skip


def _account(visitor: Visitor, id: str) -> dict[str, Any] | None:
    """The account somebody is invited to the portal of, where the address of the page names one that may be read."""
    found = _rows(visitor, "account", ids=(id,), mine=True) if id else []
    return found[0] if found else None


def _rows(visitor: Visitor, object: str, *, mine: bool = False, **more: Any) -> list[dict[str, Any]]:
    """Ids and names. Departments are offered to whoever invites, whether or not his roles read them."""
    actor = visitor.actor if mine else SYSTEM
    with visitor.workspace.connection("read") as conn:
        known = visitor.workspace.call(conn, actor).model.object(object)
    if known is None:
        return []
    ask = Ask(object=object, fields=("id", "name"), limit=MOST_DEPARTMENTS, **more)
    return [dict(row) for row in visitor.workspace.read(actor, ask).rows()]
