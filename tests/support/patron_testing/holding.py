"""Holding: no thread takes a connection of a pool while it holds one of the same pool, or of one that others hold while they wait
for this one. As many requests at once as the pool has connections would wait for each other until their time is over.

with watched():
    …                    # AssertionError where somebody does, with what he holds
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from patron_engine.store.session import Purpose
from patron_platform.database.pools import Databases, Kind, Role

ORDER: Final[tuple[Kind, ...]] = ("long", "serving", "owner", "system")  # who holds one takes those after it
AT_A_TERMINAL: Final[tuple[Kind, ...]] = (
    "owner",
    "system",
)  # a command or a test by itself holds what it likes
TERMINAL: Final = "terminal"  # a thread with such a name stands for a command in a process of its own


@contextmanager
def watched() -> Iterator[None]:
    """Every connection that is taken while this lasts, whichever `Databases` it comes from."""
    taken = Databases._taken
    mine = threading.local()

    @contextmanager
    def watching(
        self: Databases, url: str, kind: Kind, purpose: Purpose, role: Role | None = None
    ) -> Iterator[psycopg.Connection[Any]]:
        held: list[tuple[Databases, Kind]] = mine.__dict__.setdefault("held", [])
        thread = threading.current_thread()
        alone = thread is threading.main_thread() or thread.name.startswith(TERMINAL)
        others = [k for d, k in held if d is self and not (alone and k in AT_A_TERMINAL)]
        late = [k for k in others if ORDER.index(k) >= ORDER.index(kind)]
        assert not late, f"a connection of the pool {kind} is taken while one of {late} is held"
        held.append((self, kind))
        try:
            with taken(self, url, kind, purpose, role) as conn:
                yield conn
        finally:
            held.remove((self, kind))

    Databases._taken = watching  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Databases._taken = taken  # type: ignore[method-assign]
