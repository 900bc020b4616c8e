"""App: the ASGI application over an open service: routers, error answers, headers, metrics. Nothing else happens here.

In: a `Service`. Out: a FastAPI application. FastAPI's own OpenAPI is off: the workspace's is at /api/v1/openapi.json.
Records are there at once; what else there is comes when it is asked for, or when the process has a moment (`rooms`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError
from patron_platform.api import errors, records
from patron_platform.api.door import Door
from patron_platform.health import router as health
from patron_platform.hosts import Hosts
from patron_platform.observe import Observed
from patron_platform.rooms import Rooms
from patron_platform.service import Service
from patron_platform.web.packing import Packed

API = "/api/v1"
HERE = re.compile(rf"{API}/records/[^/]+(/[0-9a-fA-F-]{{36}})?|/health/.*|/metrics.*")


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
    errors.install(app, _error_page)
    app.include_router(records.router, prefix=API)
    app.include_router(health)

    def rest_of_api() -> None:
        from patron_platform.api import rest

        more = APIRouter()
        for module in rest.MODULES:
            more.include_router(module.router, prefix=API)
        app.router.routes = [*more.routes, *app.router.routes]  # theirs are the longer addresses

    def pages() -> None:
        from patron_platform.web.pages import PAGES

        # Their addresses are whole, so their routes serve as they are: to include them would make each a second time.
        for module in PAGES:
            app.router.routes.extend(module.router.routes)

    rooms = Rooms(
        app,
        here=HERE,
        rooms=((f"{API}/", rest_of_api), ("/", pages)),
    )
    return Observed(Packed(Hosts(rooms, service.settings.base_url)), API)


def _error_page(request: Request, error: PatronError, number: str | None = None) -> Response | None:
    from patron_platform.web.errors import error_page

    return error_page(request, error, number)
