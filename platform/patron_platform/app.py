"""App: the ASGI application over an open service: routers, error answers, headers, metrics. Nothing else happens here.

In: a `Service`. Out: an ASGI application. A workspace's OpenAPI is at /api/v1/openapi.json.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from patron_platform.api import (
    access,
    audit,
    definitions,
    errors,
    exports,
    files,
    giving,
    imports,
    objects,
    packs,
    personal,
    records,
    releases,
    search,
)
from patron_platform.api.door import Door
from patron_platform.health import router as health
from patron_platform.hosts import Hosts
from patron_platform.observe import Observed
from patron_platform.routes import Addresses
from patron_platform.service import Service
from patron_platform.web import pages
from patron_platform.web.errors import error_page
from patron_platform.web.packing import Packed

API = "/api/v1"
API_MODULES = (
    access, objects, search, definitions, releases, packs, files, giving, records, imports, exports, personal, audit,
)  # fmt: skip


def create_app(service: Service, ending: Callable[[], None] = lambda: None) -> Observed:
    """The application. What observes it stands outside of everything, so that it sees every answer. `ending` is called
    when the server stops, after the last answer: a server that was told to stop ends its process right after it."""

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(ending)

    routes = [route for module in API_MODULES for route in module.router.under(API)]
    routes += health.under()
    routes += [route for module in pages.PAGES for route in module.router.under()]
    app = Starlette(routes=[Addresses(routes)], exception_handlers=errors.handlers(error_page), lifespan=life)
    app.state.service = service
    app.state.door = Door(service)
    return Observed(Packed(Hosts(app, service.settings.base_url)))
