"""Copying: many new rows as COPY takes them. The text is made column by column: what is the same in every row is written
once, what is text already is only joined.

In: a table's columns with a value for each row. Out: the text in blocks, and rows in the table. Values it does not know go through
psycopg's own dumpers, so that they arrive as they would in a statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import abc, sql
from psycopg.adapt import PyFormat, Transformer
from psycopg.copy import LibpqWriter

from patron_engine.record.statements import Conn

BLOCK = 5_000  # rows of one block
NULL: Final = "\\N"
AS_THEY_PRINT: Final = frozenset({int, Decimal, datetime, date, time})
SAME_IF_EQUAL: Final = frozenset(
    {str, int, bool, datetime, date}
)  # Decimals may be equal and print differently
_NOTHING: Final = type(None)
_SPECIAL = re.compile("[\\\\\t\n\r\x00]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Columns = Mapping[str, Sequence[Any]]


def copy_in(conn: Conn, table: sa.Table, columns: Columns) -> None:
    """New rows of a table."""
    begin_copy(conn, table, tuple(columns), rows_text(conn, columns))()


def begin_copy(
    conn: Conn, table: sa.Table, names: Sequence[str], blocks: Sequence[bytes]
) -> Callable[[], None]:
    """COPY … FROM STDIN of texts made by `rows_text`, handed over without waiting: the database takes them while the caller
    goes on. What is returned waits for its end; until then the connection serves nothing else."""
    into = sql.Identifier(table.schema or "public", table.name)
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(into, sql.SQL(", ").join(map(sql.Identifier, names)))
    with ExitStack() as stack:
        cursor = stack.enter_context(conn.cursor())
        writer = LibpqWriter(cursor, flush_threshold=sum(map(len, blocks)) + 1)
        copy = stack.enter_context(cursor.copy(query, writer=writer))
        for block in blocks:
            copy.write(block)
        return stack.pop_all().close


def rows_text(conn: Conn, columns: Columns) -> list[bytes]:
    """The rows of some columns of one length, in blocks."""
    dumpers = Transformer(conn)
    texts = [_texts(dumpers, values) for values in columns.values()]
    return list(_blocks(map("\t".join, zip(*texts, strict=True))))


def _blocks(lines: Iterator[str]) -> Iterator[bytes]:
    while block := list(islice(lines, BLOCK)):
        block.append("")
        yield "\n".join(block).encode()


def _texts(dumpers: abc.Transformer, values: Sequence[Any]) -> Sequence[str]:
    """One column."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= SAME_IF_EQUAL and values.count(values[0]) == len(values):
        return [_text(dumpers, values[0])] * len(values)
    empty = _NOTHING in kinds
    kinds.discard(_NOTHING)
    if kinds == {str}:
        if not _SPECIAL.search("".join(filter(None, values) if empty else values)):
            return [NULL if v is None else v for v in values] if empty else values
        return [NULL if v is None else _escaped(v) for v in values]
    if kinds <= AS_THEY_PRINT:
        return [NULL if v is None else str(v) for v in values] if empty else list(map(str, values))
    return [_text(dumpers, v) for v in values]


def _text(dumpers: abc.Transformer, value: Any) -> str:
    """One value."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return _escaped(value)
    written = dumpers.get_dumper(value, PyFormat.TEXT).dump(value)
    return NULL if written is None else _escaped(bytes(written).decode())


def _escaped(text: str) -> str:
    if "\x00" in text:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return text.translate(_ESCAPED) if _SPECIAL.search(text) else text
