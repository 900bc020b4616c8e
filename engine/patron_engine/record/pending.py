"""Pending: what a save has decided to write and not sent yet. Effect stage: it goes when somebody reads, or at the end.

In: statements with the values of their rows, in the order they are meant. Out: one round trip for all of them; where each
writes one row of a table of its own, one statement. A save that is refused before anything was sent has written nothing.

What is written for many rows goes beside the caller (`Beside`): the database takes it while the next stage computes. Whoever
asks for the connection waits until all of it has arrived, and is told what went wrong there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from patron_engine.record.copying import Columns, rows_text, send
from patron_engine.record.statements import Conn, Statement

COPY_FROM = 40  # rows; fewer go as statements

Values = Sequence[Any]


class Pending:
    """What one save writes through one connection. Left (`with`), nothing of it is under way any more."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn
        self._groups: list[tuple[Statement, list[Values]]] = []
        self._beside = Beside()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.end()
        if error is None:
            self._beside.wait()

    @property
    def conn(self) -> Conn:
        """The connection for everybody who reads: what was written before stands in the database by then."""
        if self._groups:
            self.send()
        return self.ahead

    @property
    def ahead(self) -> Conn:
        """For questions whose answer what is pending cannot change."""
        self._beside.wait()
        return self._conn

    def copy(self, table: sa.Table, columns: Columns) -> None:
        """Many new rows of a table, after everything that was added before."""
        blocks = rows_text(self._conn, columns)
        if self._groups:
            self.send()
        self._beside.do(partial(send, self._conn, table, tuple(columns), blocks))

    def run_beside(self, statement: Statement, values: Values) -> None:
        """One statement over many rows, after everything that was added before."""
        if self._groups:
            self.send()
        self._beside.do(partial(run_many, self._conn, statement, [values]))

    def add(self, statement: Statement, rows: Iterable[Values]) -> None:
        """One execution of `statement` for each of `rows`."""
        values = list(rows)
        if values:
            self._groups.append((statement, values))

    def send(self) -> None:
        """Sends what is pending, in one round trip."""
        groups, self._groups = self._groups, []
        if len(groups) > 1 and _apart(groups):
            _run_as_one(self.ahead, [(statement, rows[0]) for statement, rows in groups])
        elif len(groups) > 1:
            with self.ahead.pipeline():
                for statement, rows in groups:
                    run_many(self.ahead, statement, rows)
        elif groups:
            run_many(self.ahead, *groups[0])


def _apart(groups: Sequence[tuple[Statement, list[Values]]]) -> bool:
    """One row each, of different tables: parts of one statement do not see what the others write."""
    return all(len(rows) == 1 for _, rows in groups) and len({s.writes for s, _ in groups}) == len(groups)


def _run_as_one(conn: Conn, parts: Sequence[tuple[Statement, Values]]) -> None:
    *first, (last, _) = parts
    with_ = ", ".join(f"w{n} AS ({statement.text})" for n, (statement, _) in enumerate(first))
    conn.execute(f"WITH {with_} {last.text}", [value for _, values in parts for value in values])


def run_many(conn: Conn, statement: Statement, rows: Sequence[Values]) -> None:
    """One execution, or all in a pipeline."""
    if len(rows) == 1:
        conn.execute(statement.text, rows[0])
        return
    with conn.cursor() as cursor:
        cursor.executemany(statement.text, rows)


class Beside:
    """Work on the connection in a thread of its own, one after the other; the thread is there from the first to the end."""

    def __init__(self) -> None:
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._under_way = 0
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begins it, or puts it behind what is under way."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="patron-beside", daemon=True)
            self._thread.start()
        self._under_way += 1
        self._todo.put(work)

    def wait(self) -> None:
        """Until everything is done. Raises what the first that failed has raised."""
        while self._under_way:
            error = self._done.get()
            self._under_way -= 1
            self._error = self._error or error
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Waits, raises nothing, and lets the thread go."""
        if self._thread is not None:
            self._todo.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        failed = False
        while (work := self._todo.get()) is not None:
            error: BaseException | None = None
            if not failed:  # after an error of the database the transaction takes nothing more
                try:
                    work()
                except BaseException as raised:  # noqa: BLE001 - handed over to who waits
                    error, failed = raised, True
            self._done.put(error)
