"""Figured: figures over all records of a list, within a time, and kept for a while where they took long.

In: what is asked (a key), and what asks the database. Out: the answer and of when it is; None where it took longer than `LONGEST`
seconds, which the page says in words. A figure that took t seconds is given again to the same person for `AGAIN` times t, unless he
sends a form meanwhile (`visitor.enter`), so that a list of millions takes a small share of the machine; a quick one is asked every time.
Kept in this process alone, under the person, what he may, the release and the day: nobody gets another's.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg

from patron_engine.access.grants import audience
from patron_engine.errors import LimitExceeded
from patron_engine.page.home import Within
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.store.session import bounded

T = TypeVar("T")
LONGEST: Final = 8  # seconds
LEAST: Final = 0.5  # seconds every figure of a page with several has
QUICK: Final = 0.25  # seconds; what takes less is not kept
AGAIN: Final = 20
MOST_KEPT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Figured:
    """`at` is None where the figures are of this moment."""

    found: Any
    at: datetime | None = None

    def said(self, reader: Reader) -> str:
        """The time of day the figures are of, or nothing."""
        return reader.clock(reader.local(self.at).time()) if self.at is not None else ""


class Kept:
    """Answers that took long. Thread-safe; the least used go first."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Hashable, ...], tuple[float, Figured]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Hashable, ...]) -> Figured | None:
        with self._lock:
            until, kept = self._found.get(key, (0.0, None))
            return kept if time.monotonic() < until else None

    def put(self, key: tuple[Hashable, ...], found: Any, at: datetime, took: float) -> None:
        with self._lock:
            self._found[key] = (time.monotonic() + AGAIN * took, Figured(found, at))
            self._found.move_to_end(key)
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)

    def forget(self, schema: str, user: str | None) -> None:
        """Whoever does something sees what became of it."""
        if not self._found:
            return
        with self._lock:
            for key in [k for k in self._found if k[:2] == (schema, user)]:
                del self._found[key]


KEPT: Final = Kept()


def figured(
    conn: psycopg.Connection[Any], call: Call, key: Hashable, ask: Callable[[], Any], longest: float = 0
) -> Figured | None:
    """What `ask` finds, or what it found a moment ago. None where it takes longer than `longest` seconds, or `LONGEST`."""
    whole = (call.schema, call.actor.user, call.model.release, audience(call.actor), call.today, key)
    kept = KEPT.get(whole)
    if kept is not None:
        return kept
    begun = time.monotonic()
    try:
        with bounded(conn, longest or LONGEST):
            found = ask()
    except LimitExceeded as late:
        if late.code != "query_time":
            raise
        return None
    took = time.monotonic() - begun
    if took > QUICK:
        KEPT.put(whole, found, call.now, took)
    return Figured(found)


def within(conn: psycopg.Connection[Any], call: Call, seconds: float) -> Within:
    """A page that asks for several figures before it is drawn: together they may take so long, each has `LEAST` all the same."""
    until = time.monotonic() + seconds

    def ask(key: Hashable, find: Callable[[], T], /) -> T | None:
        found = figured(conn, call, key, find, max(LEAST, until - time.monotonic()))
        return found.found if found is not None else None

    return ask
