"""Rooms: what an address needs is loaded before it is answered, once, and the rest after the first answer."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from patron_platform.api import records, rest
from patron_platform.app import API, HERE
from patron_platform.rooms import Rooms


def asked(rooms: Rooms, path: str) -> None:
    async def nothing(*_: Any) -> Any:
        return None

    # A thread of its own: a browser that other tests of this process left open runs a loop in this one.
    with ThreadPoolExecutor(1) as one:
        one.submit(lambda: asyncio.run(rooms({"type": "http", "path": path}, nothing, nothing))).result()


def test_a_room_is_loaded_once_before_its_address_is_answered() -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope["path"])

    hold = threading.Event()

    def pages() -> None:
        hold.wait(5)
        told.append("pages")

    rooms = Rooms(
        app, here=re.compile("/api/records/.*"), rooms=(("/api/", lambda: told.append("api")), ("/", pages))
    )
    asked(rooms, "/api/records/x")
    assert told[0] == "/api/records/x"  # needed nothing
    asked(rooms, "/api/objects")
    assert told.index("api") < told.index("/api/objects")
    hold.set()
    asked(rooms, "/w/acme/")
    assert told.index("pages") < told.index("/w/acme/")
    time.sleep(0.05)
    assert (told.count("api"), told.count("pages")) == (1, 1)


def test_no_address_of_a_room_is_taken_for_one_that_needs_nothing() -> None:
    """Else a process that has just begun would not know it."""
    id = "0192f0c1-7d3c-7000-8000-000000000000"

    def filled(path: str) -> str:
        return API + re.sub(r"\{\w+(:\w+)?\}", "x", path.replace("{id}", id).replace("{task}", id))

    here = [route.path for module in rest.MODULES for route in module.router.routes]  # type: ignore[attr-defined]
    assert len(here) > 50
    assert [path for path in here if HERE.fullmatch(filled(path))] == []
    assert HERE.fullmatch(filled("/records/{object}")) and HERE.fullmatch(filled("/records/{object}/{id}"))
    assert {filled(r.path) for r in records.router.routes} > {filled("/records/{object}/{id}")}  # type: ignore[attr-defined]
