"""Serve: the web server over an open service, one process or several, with the worker beside it.

In: settings. Out: a process that answers until it is told to stop (SIGTERM drains: what has begun is answered).
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

from patron_platform.app import create_app
from patron_platform.jobs.worker import work_until
from patron_platform.logs import configure_logs
from patron_platform.service import open_service
from patron_platform.settings import Settings, read_settings

DRAIN_SECONDS = 25
SETTINGS_VARIABLE = "PATRON_SERVING"  # hands the settings to further serving processes


def serve_forever(settings: Settings) -> None:
    """Returns when the server was told to stop."""
    common = {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "server_header": False,
        "date_header": False,
    }
    if settings.workers > 1:
        os.environ[SETTINGS_VARIABLE] = settings.model_dump_json()
        uvicorn.run("patron_platform.serve:process_app", factory=True, workers=settings.workers, **common)  # type: ignore[arg-type]
        return
    with ExitStack() as stack:
        uvicorn.run(_app(settings, stack), **common)  # type: ignore[arg-type]


def process_app() -> ASGIApp:
    """The application of one of several serving processes; the application keeps the stack, and closes it at its end."""
    return _app(Settings.model_validate_json(os.environ[SETTINGS_VARIABLE]), ExitStack())


def _app(settings: Settings, stack: ExitStack) -> ASGIApp:
    configure_logs(settings.log)
    service = stack.enter_context(open_service(settings))
    if settings.jobs:
        stop = Event()
        worker = Thread(target=work_until, args=(service, stop), name="patron-worker", daemon=True)
        worker.start()
        stack.callback(worker.join, DRAIN_SECONDS)
        stack.callback(stop.set)
    return create_app(service, stack.close)


__all__ = ["process_app", "read_settings", "serve_forever"]
