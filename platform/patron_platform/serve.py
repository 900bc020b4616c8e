"""Serve: the web server over an open service, one process or several, with the worker beside it.

In: settings. Out: a process that answers until it is told to stop (SIGTERM drains: what has begun is answered).
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

from patron_engine.errors import Conflict, WrongUse
from patron_platform.app import create_app
from patron_platform.logs import configure_logs
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings, read_settings
from patron_platform.starting import loading

FIRST_SECONDS = 1.0  # in which a process answers before it loads and does what nobody waits for
DRAIN_SECONDS = 25
SETTINGS_VARIABLE = "PATRON_SERVING"  # hands the settings to further serving processes


def check_address(settings: Settings) -> None:
    """Conflict when somebody listens there already, WrongUse when this machine has no such address. A command asks this
    before it does anything: nobody is told an address at which somebody else answers."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except PermissionError:
        raise WrongUse(
            f"this account may not listen on port {settings.port}", code="port_closed", hint="--port 8000"
        ) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise WrongUse(
                f"{settings.host!r} is no address of this machine",
                code="host_unknown",
                hint="--host 127.0.0.1",
            ) from None
        raise Conflict(
            f"port {settings.port} of {settings.host} is taken",
            code="port_taken",
            hint=f"stop what listens there, or choose another: --port {settings.port + 1}",
        ) from None


def serve_forever(settings: Settings) -> None:
    """Returns when the server was told to stop. Raises what `check_address` raises."""
    check_address(settings)
    common = {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "server_header": False,
        "date_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
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
        worker = Thread(target=_work, args=(service, stop), name="patron-worker", daemon=True)
        worker.start()
        stack.callback(worker.join, DRAIN_SECONDS)
        stack.callback(stop.set)
    return create_app(service, stack.close)


def _work(service: Service, stop: Event) -> None:
    """What goes on without a request, once the first one had its chance."""
    if stop.wait(FIRST_SECONDS):
        return
    with loading():
        from patron_platform.jobs.worker import work_until
    work_until(service, stop)


__all__ = ["check_address", "process_app", "read_settings", "serve_forever"]
