"""Rooms: parts of the application that are loaded when their first address is asked for, or when the process has a moment.

A process answers its first request earlier by what it does not load before: the pages, where a program asks; most of the API,
where a person does. In: the beginnings of addresses and what loads the part behind them. Out: the request goes on when its part is
there. The rest follows by itself after the first answer, in a thread of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import Lock, Thread

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from patron_platform.starting import loading

Room = tuple[str, Callable[[], None]]


class Rooms:
    """`here` are addresses that need nothing more; of `rooms` the first whose beginning fits is the one."""

    def __init__(self, app: ASGIApp, here: re.Pattern[str], rooms: Sequence[Room]) -> None:
        self.app = app
        self._here = here
        self._rooms = rooms
        self._open = [False] * len(rooms)
        self._lock = Lock()
        self._following = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not all(self._open):
            number = self._of(scope["path"])
            if number is not None and not self._open[number]:
                await run_in_threadpool(self._load, number)
            try:
                await self.app(scope, receive, send)
            finally:
                self._follow()
            return
        await self.app(scope, receive, send)

    def _of(self, path: str) -> int | None:
        if self._here.fullmatch(path):
            return None
        return next((n for n, (begins, _) in enumerate(self._rooms) if path.startswith(begins)), None)

    def _load(self, number: int) -> None:
        with self._lock:
            if not self._open[number]:
                with loading():
                    self._rooms[number][1]()
                self._open[number] = True

    def _follow(self) -> None:
        """What is still missing, once somebody was answered."""
        if not self._following:
            self._following = True
            Thread(target=self._load_all, name="patron-rooms", daemon=True).start()

    def _load_all(self) -> None:
        for number in range(len(self._rooms)):
            self._load(number)
