"""What is worth observing of every request: how many, how long, with which answer; and the headers every answer has.

A plain ASGI wrapper, for it stands on the way of every request. Addresses are counted by their route, never by what a
person typed, so that the number of series stays small and no record's id stands in a metric.
"""

from __future__ import annotations

import time

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("patron_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "patron_http_request_seconds",
    "Time from a request to its answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
# What an answer has that says nothing else: it is kept nowhere, framed nowhere, and nothing in it runs.
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """Counts requests, adds the headers, answers HEAD as GET without a body. `prefix` is the API's.

    An error that has been answered (and logged, with its id) ends here: the server would only log it again, with all it says.
    """

    def __init__(self, app: ASGIApp, prefix: str = "") -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0
        method = scope["method"] if scope["method"] in METHODS else "other"
        if method == "HEAD":
            # a scope of our own: the server's must say HEAD, or it would send the body
            scope = {**scope, "method": "GET", "patron.head": True}

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in HEADERS if h[0] not in names)]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            if not status:
                raise
        finally:
            route = self._route(scope)
            REQUESTS.labels(method, route, str(status or 500)).inc()
            SECONDS.labels(method, route).observe(time.perf_counter() - begun)

    def _route(self, scope: Scope) -> str:
        """The route's whole path, whether or not the framework says it with the prefix of its router."""
        path = getattr(scope.get("route"), "path", None)
        if not isinstance(path, str):
            return "other"
        within = (
            self.prefix and scope["path"].startswith(f"{self.prefix}/") and not path.startswith(self.prefix)
        )
        return f"{self.prefix}{path}" if within else path
