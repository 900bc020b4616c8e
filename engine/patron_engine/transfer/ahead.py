"""Ahead: while one piece of an import is written, the next one is read and its cells become values, in a thread and over a
connection of its own.

In: a carrier and the file of rows. Out: for the piece whose turn it is, its rows and items, or nothing: then the piece does
it all itself. It writes nothing and decides nothing; whatever goes wrong here goes wrong again, and is told, in its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from threading import Thread
from typing import Any

import psycopg

from patron_engine.query.call import Call
from patron_engine.transfer import staged
from patron_engine.transfer.carry import Carrier, Prepared

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


class Ahead:
    """One piece at most."""

    def __init__(self, connect: Connect, call: Call, carrier: Carrier, file: str) -> None:
        self._connect = connect
        self._call = call
        self._carrier = carrier
        self._file = file
        self._thread: Thread | None = None
        self._piece = -1
        self._prepared: Prepared | None = None

    def prepare(self, piece: int) -> None:
        """Begins with a piece, unless it is the one that is under way or ready."""
        if piece == self._piece:
            return
        self._wait()
        self._piece, self._prepared = piece, None
        self._thread = Thread(target=self._work, args=(piece,), name="patron-import-ahead", daemon=True)
        self._thread.start()

    def take(self, piece: int) -> Prepared | None:
        """A piece, if it was prepared. It is handed out once: its items change when they are carried."""
        self._wait()
        found = self._prepared if self._piece == piece else None
        self._piece, self._prepared = -1, None
        return found

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self, piece: int) -> None:
        with suppress(Exception), self._connect() as conn:
            rows = staged.piece(conn, self._call.schema, self._file, piece)
            self._prepared = self._carrier.prepare(conn, self._call, rows)
