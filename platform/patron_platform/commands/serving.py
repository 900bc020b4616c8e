"""`patron serve`, `patron worker`, `patron demo`: processes that stay."""

from __future__ import annotations

from typing import Annotated

import typer

from patron_platform.commands.frame import Data, DatabaseUrl, Json, opened
from patron_platform.starting import loading

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on.", show_default="8000")]


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)
    app.command("serve")(serve)
    app.command("worker")(worker)


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Serving processes.", show_default="1")
    ] = None,
    show: Annotated[str | None, typer.Option("--show", help="Workspace the first page shows.")] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Serves the API (and runs events, jobs and timers)."""
    with loading():
        from patron_platform.serve import serve_forever
        from patron_platform.settings import read_settings

    serve_forever(
        read_settings(data=data, database=database, host=host, port=port, workers=workers, show=show)
    )


def worker(data: Data = None, database: DatabaseUrl = None) -> None:
    """Runs only events, jobs and timers."""
    from patron_platform.jobs.worker import work_forever

    with opened(data, database) as service:
        work_forever(service)


def demo(
    host: Host = None,
    port: Port = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Make the workspace and stop.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Starts everything with a workspace `demo`: packs, sample data, an administrator and a key."""
    from patron_platform.demo import prepare_demo, say_welcome
    from patron_platform.serve import check_address, serve_forever
    from patron_platform.settings import read_settings

    settings = read_settings(data=data, database=database, host=host, port=port, show="demo")
    if not prepare:
        check_address(settings)
    with opened(data, database) as service:
        made = prepare_demo(service)
    say_welcome(made, settings, json, serving=not prepare)
    if not prepare:
        serve_forever(settings)
