"""Session: how a connection talks: which Python values it takes and gives, and the limits of its transactions.

In: a fresh connection and what it is for. Out: the same one, configured. Ids come as text, numbers as Decimal, moments
aware in UTC, JSON with exact numbers. Opens no connection and no transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal

import orjson
import psycopg
from psycopg.adapt import Buffer, Dumper, Loader, PyFormat
from psycopg.pq import Format
from psycopg.types.array import ListDumper

from patron_engine import jsonio

Purpose = Literal["read", "write", "publish", "job", "upkeep"]

PREPARE_AFTER = 5  # times a text is seen before it is prepared
PREPARED_MOST = 500  # texts prepared in one connection; each holds about 20 kB in the server

# Reading and saving share connections. A list must not wait for parallel workers to start; a count of a large table still may.
# What is asked by its key is in memory, or on a disk without heads: reading all of a table instead is seldom worth it.
_SERVING = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "parallel_setup_cost": "10000",
    "random_page_cost": "1.1",
}
_LONG = {"statement_timeout": "1h", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "10min"}
SETTINGS: Mapping[Purpose, Mapping[str, str]] = {
    "read": _SERVING,
    "write": _SERVING,
    "publish": {
        "statement_timeout": "10min",
        "lock_timeout": "60s",
        "idle_in_transaction_session_timeout": "10min",
    },
    "job": {**_LONG, "work_mem": "64MB"},  # the index of what is searched takes many new rows in one go
    "upkeep": _LONG,  # work on tables that goes on after a publication
}

# orjson gives floats, and for whole numbers past 64 bits too: such texts go the slow, exact way.
_NEEDS_DECIMAL = re.compile(rb"\d[.eE]|\d{19}")


def exact_json(data: Buffer) -> Any:
    """JSON with Decimal for every number that is not whole.

    >>> exact_json(b'{"a": 1.10, "b": 2}')
    {'a': Decimal('1.10'), 'b': 2}
    """
    text = bytes(data)
    if _NEEDS_DECIMAL.search(text):
        return json.loads(text, parse_float=Decimal)
    return orjson.loads(text)


class _IdText(Loader):
    def load(self, data: Buffer) -> str:
        return str(data, "ascii")


class _IdBinary(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        digits = bytes(data).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Json(Loader):
    def load(self, data: Buffer) -> Any:
        return exact_json(data)


class _JsonbBinary(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return exact_json(bytes(data)[1:])  # the first byte is the format's version


class _DictDumper(Dumper):
    oid = psycopg.adapters.types["jsonb"].oid

    def dump(self, obj: Any) -> bytes:
        return jsonio.dumps(obj)


class _TextList(Dumper):
    """A list of texts. Its type is left to the statement, as for one text."""

    def dump(self, obj: list[str]) -> bytes:
        joined = '","'.join(obj)
        if "\x00" in joined:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        if "\\" in joined or joined.count('"') != 2 * len(obj) - 2:
            joined = '","'.join(text.replace("\\", "\\\\").replace('"', '\\"') for text in obj)
        return f'{{"{joined}"}}'.encode()


class _ListDumper(ListDumper):
    """Lists as psycopg writes them; those of texts (ids above all) without looking at every element three times."""

    def get_key(self, obj: list[Any], format: PyFormat) -> Any:
        # A key of its own: psycopg calls a list of texts with gaps (list, str), too.
        return (list, str, "whole") if set(map(type, obj)) == {str} else super().get_key(obj, format)

    def upgrade(self, obj: list[Any], format: PyFormat) -> Any:
        if set(map(type, obj)) == {str}:
            return _TextList(list, self._tx)
        return super().upgrade(obj, format)


def configure(conn: psycopg.Connection[Any]) -> None:
    """Sets adapters and preparation. A dict is written as jsonb; lists are arrays."""
    adapters = conn.adapters
    adapters.register_loader("uuid", _IdText)
    adapters.register_loader("uuid", _IdBinary)
    for name in ("json", "jsonb"):
        adapters.register_loader(name, _Json)
    adapters.register_loader("jsonb", _JsonbBinary)
    adapters.register_dumper(dict, _DictDumper)
    adapters.register_dumper(list, _ListDumper)
    conn.prepare_threshold = PREPARE_AFTER
    conn.prepared_max = PREPARED_MOST


def limit(conn: psycopg.Connection[Any], purpose: Purpose) -> None:
    """Sets the time zone and the limits of time for what the connection is used for, for its whole life.

    One round trip; done once a connection. The connection must not be in a transaction (or must commit it).
    """
    settings = {"TimeZone": "UTC", "client_min_messages": "warning", **SETTINGS[purpose]}
    conn.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS given (name, value)",
        (list(settings), list(settings.values())),
    )


def open_session(conn: psycopg.Connection[Any], purpose: Purpose) -> psycopg.Connection[Any]:
    """`configure` and `limit`; returns the connection."""
    configure(conn)
    limit(conn, purpose)
    return conn


BY_CODE_POINT = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8"})  # collations that compare texts as Python does


def collation_of(conn: psycopg.Connection[Any]) -> str | None:
    """The collation to write where texts are compared: None where the database compares by code point anyway."""
    row = conn.execute(
        "SELECT datcollate, datlocprovider::text FROM pg_catalog.pg_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    own = row[1] == "b" or (row[1] == "c" and row[0] in BY_CODE_POINT)
    return None if own else "C"


@contextmanager
def bounded(conn: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """What is read inside sees one state of the database, and no statement of it may take longer."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        conn.execute("SELECT set_config('statement_timeout', %s, true)", (f"{seconds}s",))
        yield
