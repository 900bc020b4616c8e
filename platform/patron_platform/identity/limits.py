"""Limits: what the roles of a person and the workspace ask of who signs in: hours, addresses, a second factor.

In: a workspace, an actor, the address a request came from. Out: nothing, or Barred or SecondFactorNeeded. Looked at with every
request, so that a session ends working when the hours do. Administrators have no hours and addresses: a wrong rule would lock
out whoever can mend it.
"""

from __future__ import annotations

from datetime import datetime

from patron_engine.access.hours import bars
from patron_engine.access.roles import given_of
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.runtime import Workspace
from patron_platform.identity.sessions import Session
from patron_platform.identity.standing import standing_of
from patron_platform.service import Service

_SAID = {
    "hours": Phrase("your role does not let you work at this time"),
    "addresses": Phrase("your role does not let you work from this address"),
}


class Barred(Forbidden):
    """His roles let nobody in now, or from there."""

    code = "login_limit"


class SecondFactorNeeded(Forbidden):
    """The workspace asks for a second factor, and the account has none."""

    code = "second_factor_needed"


def model_of(workspace: Workspace, actor: Actor) -> Model:
    """The release whose roles are asked."""
    with workspace.connection("read") as conn:
        return workspace.call(conn, actor).model


def check(model: Model, actor: Actor, address: str, now: datetime) -> None:
    """Barred when no role of his that says something about it lets him in."""
    if actor.administrator or not actor.roles:
        return
    roles = given_of(model).roles
    found = [role.login for name in actor.roles if (role := roles.get(name)) and role.for_users == actor.kind]
    reason = bars(found, now.astimezone(model.workspace.zone), address)
    if reason is not None:
        raise Barred(_SAID[reason])


def demand_second_factor(model: Model, actor: Actor, session: Session) -> None:
    """SecondFactorNeeded where the workspace wants one for one of his roles and he has none."""
    wanted = model.workspace.second_factor
    if not session.second_factor and ("*" in wanted or not wanted.isdisjoint(actor.roles)):
        raise SecondFactorNeeded(
            Phrase("this workspace asks for two-step sign-in"), hint=Phrase("set it up under My settings")
        )


def everywhere(service: Service, session: Session, address: str) -> Barred | None:
    """What keeps him out of every workspace he belongs to; None when one of them lets him in, or he belongs to none."""
    last: Barred | None = None
    for member in session.memberships.values():
        workspace = service.runtime.workspace(member.workspace)
        standing = standing_of(workspace, member.user)
        actor = Actor(
            user=member.user, administrator=member.administrator, roles=standing.roles, kind=standing.kind
        )
        try:
            check(model_of(workspace, actor), actor, address, service.runtime.clock())
        except Barred as barred:
            last = barred
        else:
            return None
    return last
