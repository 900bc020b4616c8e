"""Blobs: where the bytes people send are kept: pieces of one size in sys__file_chunk. The one module that knows it.

In: a connection, the workspace's schema, the id of a file. Out: pieces written and read, never a whole file. What a file is
called and who may have it is not known here; a row of sys__file must be there before its first piece, and takes all of them
along when it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

CHUNK_BYTES = 1024 * 1024  # of a piece; the last one may be shorter


def put(conn: Connection, schema: str, file: str, n: int, data: bytes) -> None:
    """Keeps the nth piece, in the caller's transaction."""
    query = sql.SQL("INSERT INTO {}.sys__file_chunk (file, n, data) VALUES (%s, %s, %b)")
    conn.execute(query.format(sql.Identifier(schema)), (file, n, data))


def piece_size(conn: Connection, schema: str, file: str) -> int:
    """How long the pieces of this file are, whatever the size was when it came."""
    query = sql.SQL("SELECT octet_length(data) FROM {}.sys__file_chunk WHERE file = %s AND n = 0")
    row = conn.execute(query.format(sql.Identifier(schema)), (file,)).fetchone()
    return int(row[0]) if row is not None and row[0] else CHUNK_BYTES


def piece(conn: Connection, schema: str, file: str, n: int, start: int, length: int) -> bytes | None:
    """Bytes of the nth piece; None when the file is no longer there."""
    query = sql.SQL(
        "SELECT substring(data FROM %s FOR %s) FROM {}.sys__file_chunk WHERE file = %s AND n = %s"
    )
    given = (start + 1, length, file, n)
    row = conn.execute(query.format(sql.Identifier(schema)), given, binary=True).fetchone()
    return None if row is None else bytes(row[0])


def pieces(size: int, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(n, start within the piece, length) of the bytes `first` to `last`, both included, of pieces of `size` bytes.

    >>> list(pieces(10, 8, 21))
    [(0, 8, 2), (1, 0, 10), (2, 0, 2)]
    """
    at = first
    while at <= last:
        n, start = divmod(at, size)
        length = min(size - start, last - at + 1)
        yield n, start, length
        at += length
