"""Staged: the rows of a file kept in the workspace, in pieces, so that any worker can go on where another stopped.

In: a Sheet, read once. Out: a file of the workspace (sys__file, sys__file_chunk) whose nth chunk is the nth piece of rows
as JSON; beside it files of the same form for refused rows and for links left to the end. Rows are texts as they stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import orjson
import psycopg
from psycopg import sql

from patron_engine.clock import new_id
from patron_engine.errors import LimitExceeded
from patron_engine.phrases import Phrase
from patron_engine.transfer.sheet import Sheet

OWNER = "sys__import"  # what these files belong to, in place of an object
MIME = "application/vnd.patron.rows+json"
AT_ONCE = 2_000  # rows of a piece
PIECE_BYTES = 16 * 1024 * 1024  # or fewer, when they are long
MAX_ROWS = 5_000_000  # import_rows
Connection = psycopg.Connection[Any]


def stage(
    conn: Connection,
    schema: str,
    owner: str,
    name: str,
    sheet: Sheet,
    look: Callable[[Sequence[str]], None] | None = None,
) -> tuple[str, int, int]:
    """Keeps the rows of a sheet. Returns the file's id, its pieces, its rows. `look` sees every row."""
    file = new_file(conn, schema, owner, name, "rows")
    digest, size, pieces, count = sha256(), 0, 0, 0
    for rows in in_pieces(sheet.rows()):
        for _, cells in rows:
            if look is not None:
                look(cells)
        data = orjson.dumps(rows)
        _put(conn, schema, file, pieces, data)
        digest.update(data)
        size, pieces, count = size + len(data), pieces + 1, count + len(rows)
        if count > MAX_ROWS:
            raise LimitExceeded(
                Phrase("a file has at most {most:,} rows", most=MAX_ROWS), code="import_rows", hint="split it"
            )
    query = _q("UPDATE {}.sys__file SET size = %s, sha256 = %s, chunks = %s WHERE id = %s", schema)
    conn.execute(query, (size, digest.hexdigest(), pieces, file))
    return file, pieces, count


def in_pieces(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Rows, each with its cells second, as the pieces they are kept in."""
    piece: list[Any] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(map(len, row[1]))
        if len(piece) >= AT_ONCE or size > PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def new_file(conn: Connection, schema: str, owner: str, name: str, field: str) -> str:
    """An empty file of rows."""
    id = new_id()
    query = _q(
        "INSERT INTO {}.sys__file (id, object, record, field, name, mime, size, sha256, chunks)"
        " VALUES (%s, %s, %s, %s, %s, %s, 0, '', 0)",
        schema,
    )
    conn.execute(query, (id, OWNER, owner, field, name, MIME))
    return id


def append(conn: Connection, schema: str, file: str, n: int, rows: Sequence[Any]) -> None:
    """Keeps a piece under its number; an empty one is left out."""
    if not rows:
        return
    data = orjson.dumps(rows)
    _put(conn, schema, file, n, data)
    query = _q(
        "UPDATE {}.sys__file SET size = size + %s, chunks = greatest(chunks, %s) WHERE id = %s", schema
    )
    conn.execute(query, (len(data), n + 1, file))


def _put(conn: Connection, schema: str, file: str, n: int, data: bytes) -> None:
    conn.execute(
        _q("INSERT INTO {}.sys__file_chunk (file, n, data) VALUES (%s, %s, %s)", schema), (file, n, data)
    )


def piece(conn: Connection, schema: str, file: str, n: int) -> list[Any]:
    """The nth piece; empty where there is none."""
    query = _q("SELECT data FROM {}.sys__file_chunk WHERE file = %s AND n = %s", schema)
    row = conn.execute(query, (file, n)).fetchone()
    return orjson.loads(bytes(row[0])) if row is not None else []


def everything(
    conn: Connection, schema: str, file: str, first: int = 0, end: int | None = None
) -> Iterator[Any]:
    """All rows of a file, or of its pieces from `first` up to `end`, in order; one piece at a time is in memory."""
    query = _q(
        "SELECT n FROM {}.sys__file_chunk WHERE file = %s AND n >= %s AND (%s::int IS NULL OR n < %s) ORDER BY n",
        schema,
    )
    for (n,) in conn.execute(query, (file, first, end, end)).fetchall():
        yield from piece(conn, schema, file, n)


def drop(conn: Connection, schema: str, file: str) -> None:
    conn.execute(_q("DELETE FROM {}.sys__file WHERE id = %s", schema), (file,))


def _q(text: str, schema: str) -> sql.Composed:
    return sql.SQL(text).format(*([sql.Identifier(schema)] * text.count("{}")))
