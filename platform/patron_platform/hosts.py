"""Hosts: under which name the service is asked. A name that is none is refused, and any but the one that was set.

In: the `Host` header. Out: the request goes on, or is answered with 400. A plain ASGI wrapper, before anything reads a path:
what a header says never reaches a link, a cookie or a rule. Probes ask by address and are let through.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from patron_platform.api.errors import problem
from patron_platform.languages import asked

NAME = re.compile(rb"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
LONGEST = 4_000  # characters of an address in a header that are looked at
PROBES = ("/health/", "/metrics")


class Hosts:
    """`base_url` is the address people use; without one every well-formed name is taken."""

    def __init__(self, app: ASGIApp, base_url: str | None) -> None:
        self.app = app
        self.wanted = urlsplit(base_url).netloc.lower().encode() if base_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(PROBES):
            given = [value for name, value in scope["headers"] if name == b"host"]
            if len(given) != 1 or not NAME.fullmatch(given[0]):
                await problem(
                    400, "host", "the Host header is not the name of a host", asked(Request(scope))
                )(scope, receive, send)
                return
            if self.wanted is not None and given[0].lower() != self.wanted:
                hint = "a proxy in front must pass the Host header on"
                await problem(
                    400, "host", "this service has another address", asked(Request(scope)), hint=hint
                )(scope, receive, send)
                return
        await self.app(scope, receive, send)


def secure(request: Request) -> bool:
    """Whether people reach the service over https: what was set says so, else the connection."""
    base: str | None = request.app.state.service.settings.base_url
    return base.startswith("https://") if base else request.url.scheme == "https"


def host(request: Request) -> str:
    """The name a form's Origin must have: the one that was set, else the one that was asked for."""
    base: str | None = request.app.state.service.settings.base_url
    return urlsplit(base).netloc if base else request.headers.get("host", "")


def client(request: Request) -> str:
    """The address a request came from; behind a trusted proxy the one it tells."""
    return request.client.host if request.client else ""


def parts(address: str) -> SplitResult:
    """An address a header holds, in its parts; empty ones for what is none."""
    try:
        return urlsplit(address[:LONGEST])
    except ValueError:
        return urlsplit("")
