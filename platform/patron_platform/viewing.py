"""Viewing: looking at a workspace as somebody else sees it. Read only, and never as somebody who may do more than oneself.

In: a request with the cookie that a person who manages people got for it. Out: whom he looks through, or None. The cookie is
sealed for one session, one workspace and one person, and what the viewer may do is asked again with every request. While it
lasts every request that would change something is Forbidden, whatever it is; without the cookie one is oneself again.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.contain import contains
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, NotFound
from patron_engine.model.model import Model
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague, colleague, manages
from patron_platform.hosts import secure
from patron_platform.identity.cookies import named, token_in
from patron_platform.service import Service

COOKIE = "patron_view"
LASTS = 3_600  # viewing_lasts: seconds
SAFE = ("GET", "HEAD", "OPTIONS")
END = "/admin/viewing/end"  # the one request that is no reading


def _seal(service: Service, session: str, workspace: str, user: str) -> str:
    text = f"view:{session}:{workspace}:{user}".encode()
    return hmac.new(service.runtime.secret, text, sha256).hexdigest()


def may_view(model: Model, viewer: Actor, other: Actor) -> bool:
    return manages(model, viewer) and viewer.user != other.user and contains(model, viewer, other)


def begin(request: Request, answer: Response, session: str, workspace: str, user: str) -> None:
    """The cookie of an answer. The caller has asked `may_view`."""
    service: Service = request.app.state.service
    value = f"{workspace}.{user}.{_seal(service, session, workspace, user)}"
    answer.set_cookie(
        named(request, COOKIE), value, max_age=LASTS, path="/", httponly=True, samesite="lax",
        secure=secure(request),
    )  # fmt: skip


def end(request: Request, answer: Response) -> None:
    answer.delete_cookie(
        named(request, COOKIE), path="/", httponly=True, samesite="lax", secure=secure(request)
    )


def seen_as(request: Request, session: str, workspace: Workspace, viewer: Actor) -> Colleague | None:
    """Whom this request looks through. Forbidden for one that would change something."""
    parts = token_in(request, COOKIE).split(".")
    if len(parts) != 3 or parts[0] != workspace.name:
        return None
    service: Service = request.app.state.service
    if not hmac.compare_digest(parts[2], _seal(service, session, workspace.name, parts[1])):
        return None
    try:
        other, model = workspace.reading(
            viewer, lambda conn, call: (colleague(conn, call, parts[1]), call.model)
        )
    except NotFound:
        return None
    if not may_view(model, viewer, other.actor):
        return None
    if request.scope["method"] not in SAFE and not request.url.path.endswith(END):
        raise Forbidden(
            "nothing can be changed while you look at the workspace as somebody else", code="viewing",
            hint="end the view first",
        )  # fmt: skip
    return other
