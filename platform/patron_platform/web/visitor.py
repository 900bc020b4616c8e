"""Visitor: who looks at a page: a session's account in one workspace, with what he chose for himself.

In: a request with the session's cookie. Out: a `Visitor`. NotSignedIn (answered by a way to the sign-in page) without a
session; NotFound for a workspace he does not belong to: the same as for one that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from patron_engine.actor import Actor, Cause
from patron_engine.errors import NotFound, PatronError, Refused
from patron_engine.model.model import Model
from patron_engine.page.reader import Reader
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague
from patron_platform.hosts import client
from patron_platform.identity import limits
from patron_platform.identity.cookies import session_of
from patron_platform.identity.sessions import Session
from patron_platform.identity.standing import standing_of
from patron_platform.languages import chosen_first
from patron_platform.service import Service
from patron_platform.viewing import seen_as
from patron_platform.web.figured import KEPT
from patron_platform.web.forms_in import chosen_in, form_of
from patron_platform.web.words import words_of

SCHEMES = ("auto", "light", "dark")
DENSITIES = ("comfortable", "compact")
PAGE_SIZES = ("25", "50", "100", "200")  # records in a part of a list


__all__ = [
    "DENSITIES",
    "PAGE_SIZES",
    "SCHEMES",
    "NotSignedIn",
    "Visitor",
    "arrived",
    "enter",
    "languages_for",
    "session_of",
]


class NotSignedIn(PatronError):
    """Nobody is signed in; the page answers with the way to the sign-in."""

    code = "not_signed_in"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who looks, where. `preferences` are his own; what he has not chosen comes from his browser and the workspace."""

    request: Request
    session: Session
    workspace: Workspace
    actor: Actor
    cause: Cause
    viewing: Colleague | None = None  # through whose eyes he looks, reading only

    def with_session(self, session: Session) -> Visitor:
        """The same visitor, whose session has a new token."""
        return replace(self, session=session)

    @property
    def name(self) -> str:
        return self.workspace.name

    @property
    def preferences(self) -> Mapping[str, Any]:
        return self.session.preferences

    @property
    def languages(self) -> tuple[str, ...]:
        return self.actor.languages

    @property
    def author(self) -> str:
        """Whose drafts of definitions are his, here and through the API."""
        return f"account:{self.session.account}"

    @cached_property
    def service(self) -> Service:
        found: Service = self.request.app.state.service
        return found

    @property
    def scheme(self) -> str:
        return str(self.preferences.get("scheme", "auto"))

    @property
    def density(self) -> str:
        return str(self.preferences.get("density", "comfortable"))

    def words(self, text: str) -> str:
        """What the engine says, in his language."""
        return words_of(text, self.languages)

    def reader(self, call: Call) -> Reader:
        """How values are written for him."""
        chosen = self.preferences.get("zone")
        zone = ZoneInfo(str(chosen)) if chosen else call.model.workspace.zone
        return Reader(
            languages=self.languages, zone=zone, currency=call.model.workspace.currency, now=call.now,
            words=self.words,
        )  # fmt: skip

    def url(self, *steps: str) -> str:
        """An address inside the workspace: `url("o", "account")` is /w/demo/o/account."""
        return "/".join(("", "w", self.name, *steps))


def enter(request: Request, workspace: str) -> Visitor:
    """The visitor of a page of a workspace, who has everything the workspace asks of whoever signs in."""
    visitor, signed_in, model = _seen(request, workspace)
    limits.demand_second_factor(model, signed_in, visitor.session)
    if request.method != "GET":
        KEPT.forget(visitor.workspace.schema, visitor.actor.user)
    return visitor


def arrived(request: Request, workspace: str) -> Visitor:
    """The visitor of a page, also where the second factor is still to be set up."""
    return _seen(request, workspace)[0]


def _seen(request: Request, workspace: str) -> tuple[Visitor, Actor, Model]:
    """The visitor, who signed in (somebody else, where he looks at the workspace as another does), and the release under which
    he was let in."""
    if any("\x00" in value for value in request.query_params.values()):
        raise Refused([Problem(code="bad_character", message="a parameter has the character NUL")])
    if "\x00" in request.scope["path"]:
        raise NotFound(
            "there is nothing at this address"
        )  # no name or id has it, and PostgreSQL cannot be asked
    session = session_of(request)
    if session is None:
        raise NotSignedIn("nobody is signed in")
    member = session.memberships.get(workspace)
    if member is None:
        raise NotFound("there is no such workspace, or it is not yours")
    service: Service = request.app.state.service
    place = service.runtime.workspace(workspace)
    standing = standing_of(place, member.user)
    if not standing.on:
        raise NotFound("there is no such workspace, or it is not yours")
    actor = Actor(
        user=member.user,
        name=session.email,
        administrator=member.administrator,
        languages=languages_for(request, session.preferences),
        roles=standing.roles,
        kind=standing.kind,
    )
    model = limits.model_of(place, actor)
    limits.check(model, actor, client(request), place.runtime.clock())
    seen = seen_as(request, session.id, place, actor)
    visitor = Visitor(
        request=request,
        session=session,
        workspace=place,
        actor=actor if seen is None else replace(seen.actor, languages=actor.languages),
        cause=Cause(
            kind="user",
            detail={} if seen is None else {"viewer": session.email},
            chosen=chosen_in(form_of(request)),
        ),
        viewing=seen,
    )
    return visitor, actor, model


def languages_for(request: Request, preferences: Mapping[str, Any]) -> tuple[str, ...]:
    """His own choice first, then what his browser asks for."""
    return chosen_first(preferences.get("language"), request.headers.get("accept-language", ""))
