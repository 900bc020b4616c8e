"""Packing: pages, scripts and styles go packed over the wire; files and the API as they are.

A plain ASGI wrapper around the application. Files are packed already, or asked for in ranges; tiles of
dashboards go one by one, and packing would hold the first back for the others; answers of the API are read by
programs on the same machine as often as not. Tokens of forms are new in every page, so that packing gives nothing away.
"""

from __future__ import annotations

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

SMALLEST = 1_000  # bytes worth packing
LEVEL = 5
PACKED = re.compile(r"/(?:w/[^/]+/(?!(?:files|tiles)(?:/|$))|static/|login|about)")


class Packed:
    """Packs what a browser loads as a page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.packing = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        packs = scope["type"] == "http" and PACKED.match(scope["path"])
        await (self.packing if packs else self.app)(scope, receive, send)
