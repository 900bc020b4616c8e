"""Pending: what a save has decided to write and not sent yet. Effect stage: it goes when somebody reads, or at the end.

In: statements with the values of their rows, in the order they are meant. Out: one round trip for all of them; where each
writes one row of a table of its own, one statement. A save that is refused before anything was sent has written nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from patron_engine.record.statements import Conn, Statement

COPY_FROM = 40  # rows; fewer go as statements

Values = Sequence[Any]


class Pending:
    """What one save writes through one connection."""

    def __init__(self, conn: Conn) -> None:
        self.ahead = conn  # for questions whose answer what is pending cannot change
        self._groups: list[tuple[Statement, list[Values]]] = []

    @property
    def conn(self) -> Conn:
        """The connection for everybody who reads: what was written before stands in the database by then."""
        if self._groups:
            self.send()
        return self.ahead

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


def copy_in(conn: Conn, table: sa.Table, columns: Sequence[str], rows: Iterable[Values]) -> None:
    """COPY … FROM STDIN of rows in the order of `columns`."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    into = sql.Identifier(table.schema or "public", table.name)
    with conn.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into, names)) as copy:
        for row in rows:
            copy.write_row(row)
