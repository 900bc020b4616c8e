"""Statements: SQLAlchemy Core compiled once to the text and bind order psycopg executes.

In: Core expression objects. Out: `Statement` values, kept by the programs of a release. Executes nothing by itself but
what `run` is given a connection for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from patron_engine.store import wire

Conn = psycopg.Connection[Any]
Rows = list[tuple[Any, ...]]

_DIALECT = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """`names` says which bind stands at each `%s` of `text`; `constants` are binds whose value is part of the text's
    meaning (literals of the engine or of a definition)."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of the text."""
        return [given[n] if n in given else self.constants[n] for n in self.names]

    def run(self, conn: Conn, **given: Any) -> Rows:
        """Executes and fetches all rows."""
        return conn.execute(self.text, self.values(given)).fetchall()

    def do(self, conn: Conn, **given: Any) -> int:
        """Executes without fetching; the number of rows touched."""
        return conn.execute(self.text, self.values(given)).rowcount


@dataclass(frozen=True, slots=True)
class ByIds:
    """A question about records by their ids, as two texts. The server keeps the plan of the one about one record; that about
    any number it plans anew each time, since it takes a list it has not seen for ten records."""

    one: Statement
    many: Statement

    def about(self, ids: Sequence[str]) -> tuple[Statement, Mapping[str, str]]:
        """The statement for these ids, and its values."""
        return (self.one, {"ids": ids[0]}) if len(ids) == 1 else (self.many, {"ids": ids_text(ids)})

    def run(self, conn: Conn, ids: Sequence[str]) -> Rows:
        """Executes and fetches all rows."""
        statement, values = self.about(ids)
        return statement.run(conn, **values)


def by_ids(column: sa.ColumnElement[Any], make: Callable[[sa.ColumnElement[bool]], sa.Executable]) -> ByIds:
    """`make` gives the question under a condition; `column` is that of the ids."""
    one = column == sa.bindparam("ids", type_=column.type)
    return ByIds(compiled(make(one)), compiled(make(any_of(column))))


def compiled(statement: sa.Executable) -> Statement:
    """The text of a Core statement for psycopg. Constants marked `literal_execute` are written into the text."""
    done = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    order = tuple(done.positiontup or ())
    constants = {k: v for k, v in done.params.items() if v is not None or k in order}
    return Statement(str(done), order, constants)


def any_of(column: sa.ColumnElement[Any], name: str = "ids") -> sa.ColumnElement[bool]:
    """`column = ANY(:name)`: one text for any number of values."""
    return column == sa.any_(sa.bindparam(name, type_=sa.dialects.postgresql.ARRAY(column.type)))


def ids_text(ids: Iterable[str]) -> str:
    """Canonical ids as PostgreSQL reads a list of them: for thousands, at a fraction of what a general list costs."""
    return "{" + ",".join(ids) + "}"


def together(conn: Conn, asked: Sequence[tuple[Statement, Mapping[str, Any]]]) -> list[Rows]:
    """Runs independent queries in one round trip."""
    if len(asked) < 2:
        return [statement.run(conn, **given) for statement, given in asked]
    answers = wire.together(conn, [(statement.text, statement.values(given)) for statement, given in asked])
    return [answer.fetchall() for answer in answers]
