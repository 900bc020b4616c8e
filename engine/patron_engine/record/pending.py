"""Pending: what a save has decided to write and not sent yet. Effect stage: it goes when somebody reads, or at the end.

In: statements with the values of their rows, in the order they are meant. Out: one round trip for all of them. A save that is
refused before anything was sent has written nothing.

Many new rows are handed over without waiting (`copy`): the database takes them while the next stage computes. Whoever asks for
the connection waits until they have arrived, and is told what went wrong there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa

from patron_engine.record.copying import Columns, begin_copy, rows_text
from patron_engine.record.statements import Conn, Statement
from patron_engine.store.wire import Answer, Asked, together

COPY_FROM = 40  # rows; fewer go as statements


class NotYet(Exception):
    """A save that is prepared before its turn needs its connection: a lock, or what an earlier one may still change."""


Values = Sequence[Any]


class Pending:
    """What one save writes through one connection. Left (`with`), nothing of it is under way any more."""

    def __init__(self, conn: Conn) -> None:
        self._conn: Conn | None = conn
        self._groups: list[tuple[Statement, list[Values]]] = []
        self._under_way: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._arrive()
        else:
            with suppress(psycopg.Error):  # what stopped the save is told
                self._arrive()

    @property
    def conn(self) -> Conn:
        """The connection for everybody who reads: what was written before stands in the database by then."""
        if self._groups:
            self.send()
        return self.ahead

    @property
    def ahead(self) -> Conn:
        """For questions whose answer what is pending cannot change."""
        self._arrive()
        return self._own

    @property
    def _own(self) -> Conn:
        if self._conn is None:
            raise NotYet
        return self._conn

    def shut(self) -> None:
        """No connection from now on."""
        self._conn = None

    def copy(self, table: sa.Table, columns: Columns) -> None:
        """Many new rows of a table, after everything that was added before."""
        self.copy_text(table, tuple(columns), rows_text(self._own, columns))

    def copy_text(self, table: sa.Table, names: Sequence[str], blocks: Sequence[bytes]) -> None:
        """The same, of rows that are text already."""
        self._under_way = begin_copy(self.conn, table, names, blocks)

    def _arrive(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way()

    def add(self, statement: Statement, rows: Iterable[Values]) -> None:
        """One execution of `statement` for each of `rows`."""
        values = list(rows)
        if values:
            self._groups.append((statement, values))

    def send(self, questions: Sequence[Asked] = ()) -> Sequence[Answer]:
        """Sends what is pending, and questions about what is there then, in one round trip. Answers the questions."""
        groups, self._groups = self._groups, []
        asked = [(s.text, values) for s, rows in groups for values in rows]
        answers = together(self.ahead, [*asked, *questions]) if asked or questions else ()
        return answers[len(asked) :]


def run_many(conn: Conn, statement: Statement, rows: Sequence[Values]) -> None:
    """One execution for each of `rows`, in one round trip."""
    together(conn, [(statement.text, values) for values in rows])
