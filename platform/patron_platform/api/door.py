"""The door: every endpoint begins with `enter`, which says who asks, in which workspace, for how long that is known.

In: a request with `Authorization: Bearer KEY`, or with the cookie of a session. Out: a `Caller`. Unauthenticated (401)
without either, TooManyRequests (429) for an address that keeps guessing keys. A cookie is sent by the browser whoever asked
for it: what changes something needs the session's token in `X-CSRF-Token` too. `Patron-Workspace` names the workspace of a
session's call; without it, it is that of the page the call was made from, else the one chosen last.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

from starlette.requests import Request

from patron_engine.actor import Actor, Cause
from patron_engine.errors import Forbidden, NotFound
from patron_engine.runtime import Workspace
from patron_platform.api.errors import TooManyRequests, Unauthenticated
from patron_platform.hosts import client, host, parts
from patron_platform.identity import limits
from patron_platform.identity.cookies import session_of
from patron_platform.identity.keys import KeyHolder, find_key, key_hash
from patron_platform.identity.sessions import Session
from patron_platform.identity.standing import standing_of
from patron_platform.languages import chosen_first, languages_of, remember
from patron_platform.service import Service
from patron_platform.viewing import seen_as
from patron_platform.web import csrf

KNOWN_SECONDS = 3.0  # a revoked key is refused after at most this long
KNOWN_KEYS = 10_000
FAILURES = 20  # wrong keys an address may send in FAILURE_SECONDS
FAILURE_SECONDS = 60.0
DESIGN = ("/definitions", "/drafts", "/releases", "/packs")  # where definitions are changed
SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `principal` is stable for one key, whatever address it comes from."""

    principal: str
    actor: Actor
    workspace: Workspace
    cause: Cause


class Door:
    """Keeps for a few seconds what a key opens. One a process; thread-safe."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._known: OrderedDict[bytes, tuple[float, KeyHolder]] = OrderedDict()
        self._failures: dict[str, list[float]] = {}
        self._lock = Lock()

    def enter(self, request: Request) -> Caller:
        if "authorization" not in request.headers:
            session = session_of(request)
            if session is not None:
                return self._seated(request, session)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Unauthenticated(
                "send an API key", hint="Authorization: Bearer KEY; `patron key create` makes one"
            )
        digest = key_hash(token.strip())
        now = time.monotonic()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return _spoken(self._caller(request, known[1]), request)
        return _spoken(self._look_up(request, digest, now), request)

    def _seated(self, request: Request, session: Session) -> Caller:
        """The caller whose browser sent its session. Nothing is kept: a session that was ended is refused at once."""
        if request.scope["method"] not in SAFE:
            csrf.check(request, session.id)
        named = request.headers.get("patron-workspace") or _page_of(request)
        member = session.memberships.get(named or session.workspace or next(iter(session.memberships), ""))
        if member is None:
            raise NotFound("there is no such workspace, or it is not yours", code="workspace_not_found")
        workspace = self.service.runtime.workspace(member.workspace)
        standing = standing_of(workspace, member.user)
        if not standing.on:
            raise NotFound("there is no such workspace, or it is not yours", code="workspace_not_found")
        languages = chosen_first(
            session.preferences.get("language"), request.headers.get("accept-language", "")
        )
        actor = Actor(
            user=member.user, name=session.email, administrator=member.administrator, languages=languages,
            roles=standing.roles, kind=standing.kind,
        )  # fmt: skip
        model = limits.model_of(workspace, actor)
        limits.check(model, actor, client(request), workspace.runtime.clock())
        limits.demand_second_factor(model, actor, session)
        remember(request, languages)
        seen = seen_as(request, session.id, workspace, actor)
        if seen is not None:
            actor = replace(seen.actor, languages=languages)
        return Caller(
            principal=f"account:{session.account}", actor=actor, workspace=workspace, cause=Cause(kind="user")
        )

    def _look_up(self, request: Request, digest: bytes, now: float) -> Caller:
        address = request.client.host if request.client else ""
        self._refuse_guessing(address, now)
        with self.service.databases.system() as conn:
            holder = find_key(conn, digest)
        if holder is None:
            with self._lock:
                self._failures.setdefault(address, []).append(now)
                if len(self._failures) > KNOWN_KEYS:
                    self._failures = {
                        a: ts for a, ts in self._failures.items() if ts[-1] > now - FAILURE_SECONDS
                    }
            raise Unauthenticated(
                "this API key is not valid", hint="it may have been revoked or have expired"
            )
        caller = self._caller(request, holder)
        with self._lock:
            self._known[digest] = (now + KNOWN_SECONDS, holder)
            self._known.move_to_end(digest)
            while len(self._known) > KNOWN_KEYS:
                self._known.popitem(last=False)
        return caller

    def _caller(self, request: Request, holder: KeyHolder) -> Caller:
        """Who a key speaks for, as his own record says now. Forbidden for what the key is not meant for."""
        if not holder.holds(scope_of(request), client(request)):
            raise Forbidden(
                "this API key may not be used for this, or not from this address", code="key_limit",
                hint="`patron key list` shows its scopes and addresses",
            )  # fmt: skip
        workspace = self.service.runtime.workspace(holder.workspace)
        standing = standing_of(workspace, holder.user)
        if not standing.on:
            raise Unauthenticated(
                "this API key is not valid", hint="it may have been revoked or have expired"
            )
        actor = Actor(
            user=holder.user, name=holder.email, administrator=holder.administrator, roles=standing.roles,
            kind=standing.kind,
        )  # fmt: skip
        cause = Cause(kind="key", detail={"key": holder.key_name})
        return Caller(principal=f"key:{holder.key}", actor=actor, workspace=workspace, cause=cause)

    def _refuse_guessing(self, address: str, now: float) -> None:
        with self._lock:
            recent = [t for t in self._failures.get(address, ()) if t > now - FAILURE_SECONDS]
            if recent:
                self._failures[address] = recent
            else:
                self._failures.pop(address, None)
        if len(recent) >= FAILURES:
            raise TooManyRequests("too many wrong keys from this address", hint="wait a minute")


def scope_of(request: Request) -> str:
    """What a key must be meant for: reading, changing records, changing definitions."""
    path = request.url.path.removeprefix("/api/v1")
    if request.scope["method"] in SAFE or (path.startswith("/records/") and path.endswith("/query")):
        return "read"
    return "design" if path.startswith(DESIGN) else "write"


def _page_of(request: Request) -> str | None:
    """The workspace of the page of ours that a script's call came from."""
    came = parts(request.headers.get("referer", ""))
    steps = came.path.split("/")
    return steps[2] if came.netloc == host(request) and len(steps) > 2 and steps[1] == "w" else None


def _spoken(caller: Caller, request: Request) -> Caller:
    """The caller in the languages of this request: a key is kept for a few seconds, what it asks in is not."""
    languages = languages_of(request.headers.get("accept-language", ""))
    remember(request, languages)
    if languages == caller.actor.languages:
        return caller
    return replace(caller, actor=replace(caller.actor, languages=languages))


def enter(request: Request) -> Caller:
    """The caller of a request. NotFound for an address with characters that stand in no name."""
    if any(character < " " for value in request.path_params.values() for character in str(value)):
        raise NotFound("there is nothing at this address")
    door: Door = request.app.state.door
    return door.enter(request)
