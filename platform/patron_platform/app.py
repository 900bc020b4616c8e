"""App: the ASGI application over an open service: routers, error answers, headers, metrics. Nothing else happens here.

In: a `Service`. Out: a FastAPI application. FastAPI's own OpenAPI is off: the workspace's is at /api/v1/openapi.json.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from patron_platform.api import (
    access,
    approvals,
    approvals_admin,
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
    privacy,
    records,
    releases,
    runs,
    search,
)
from patron_platform.api.door import Door
from patron_platform.health import router as health
from patron_platform.hosts import Hosts
from patron_platform.observe import Observed
from patron_platform.service import Service
from patron_platform.web import pages
from patron_platform.web.errors import error_page
from patron_platform.web.packing import Packed

API = "/api/v1"


def create_app(service: Service, ending: Callable[[], None] = lambda: None) -> Observed:
    """The application. What observes it stands outside of everything, so that it sees every answer. `ending` is called
    when the server stops, after the last answer: a server that was told to stop ends its process right after it."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(ending)

    app = FastAPI(title="Patron", openapi_url=None, docs_url=None, redoc_url=None, lifespan=life)
    app.state.service = service
    app.state.door = Door(service)
    errors.install(app, error_page)
    for module in (
        access,
        objects,
        search,
        definitions,
        releases,
        packs,
        files,
        giving,
        approvals_admin,
        approvals,
        records,
        imports,
        exports,
        personal,
        privacy,
        audit,
        runs,
    ):
        app.include_router(module.router, prefix=API)
    app.include_router(health)
    for module in pages.PAGES:
        app.include_router(module.router)
    return Observed(Packed(Hosts(app, service.settings.base_url)), API)
