"""Cookies: the session's token and the mark of a known device, as a browser keeps them.

In: a request or an answer. Out: tokens; cookies that scripts cannot read and other sites do not send. Over https their names
begin with `__Host-`, so that no other host and no path can have set them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from patron_platform.hosts import secure
from patron_platform.identity import sessions
from patron_platform.identity.attempts import DEVICE_LASTS
from patron_platform.identity.tickets import STEP_LASTS
from patron_platform.service import Service

SESSION, DEVICE, STEP = "patron_session", "patron_device", "patron_step"
LONGEST = 200  # characters of a token


def named(request: Request, cookie: str) -> str:
    """The cookie's name on this connection."""
    return f"__Host-{cookie}" if secure(request) else cookie


def token_in(request: Request, cookie: str = SESSION) -> str:
    """What the browser sent; "" for nothing and for what can be no token."""
    token = request.cookies.get(named(request, cookie), "")
    return token if len(token) <= LONGEST and token.isascii() else ""


def session_of(request: Request) -> sessions.Session | None:
    """Who is signed in, or None. Looked up at every request: a session that was ended opens nothing more."""
    token = token_in(request)
    if not token:
        return None
    service: Service = request.app.state.service
    with service.databases.system() as conn:
        return sessions.find_session(conn, token)


def give(request: Request, answer: Response, token: str) -> None:
    """The session's cookie of an answer."""
    _set(request, answer, SESSION, token, int(sessions.LASTS.total_seconds()))


def give_device(request: Request, answer: Response, token: str) -> None:
    _set(request, answer, DEVICE, token, int(DEVICE_LASTS.total_seconds()))


def give_step(request: Request, answer: Response, token: str) -> None:
    """The cookie of a sign-in that is not whole yet."""
    _set(request, answer, STEP, token, int(STEP_LASTS.total_seconds()))


def take(request: Request, answer: Response, cookie: str = SESSION) -> None:
    """Takes a cookie away: the session's unless another is named."""
    answer.delete_cookie(
        named(request, cookie), path="/", httponly=True, samesite="lax", secure=secure(request)
    )


def _set(request: Request, answer: Response, cookie: str, token: str, seconds: int) -> None:
    answer.set_cookie(
        named(request, cookie), token, max_age=seconds, path="/", httponly=True, samesite="lax",
        secure=secure(request),
    )  # fmt: skip
