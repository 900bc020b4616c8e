"""CSRF: a request that changes something comes from a page of ours.

In: a request, a session. Out: nothing, or Forbidden. The token is made of the session's id with the service's secret, so it
dies with the session and needs no place of its own; each page has another one, so that its length when packed tells nothing
(BREACH); beside it the browser's own word (Sec-Fetch-Site, Origin) is heard.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from starlette.requests import Request

from patron_engine.errors import Forbidden
from patron_platform.hosts import host, parts
from patron_platform.service import Service

FIELD, HEADER = "_csrf", "x-csrf-token"
SALT = 16  # bytes


def token_for(service: Service, session: str) -> str:
    """A token of a session: any of them is good as long as it lasts."""
    return _token(service, session, secrets.token_hex(SALT))


def _token(service: Service, session: str, salt: str) -> str:
    made = hmac.new(service.runtime.secret, f"csrf:{session}:{salt}".encode(), sha256).hexdigest()
    return f"{salt}{made}"


def check(request: Request, session: str, form: Mapping[str, Any] | None = None) -> None:
    """Forbidden unless the request carries the session's token and was not sent by another site."""
    same_site(request)
    given = request.headers.get(HEADER) or (form or {}).get(FIELD) or ""
    service: Service = request.app.state.service
    salt = given[: 2 * SALT] if isinstance(given, str) and given.isascii() else ""
    if not salt or not hmac.compare_digest(given, _token(service, session, salt)):
        raise Forbidden(
            "this page is too old to be sent", code="csrf", hint="load the page again and repeat what you did"
        )


def same_site(request: Request) -> None:
    """Forbidden when the browser says that another site sent this."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none"):
        raise Forbidden("another site sent this request", code="csrf")
    if origin is not None and parts(origin).netloc != host(request):
        raise Forbidden("another site sent this request", code="csrf")
