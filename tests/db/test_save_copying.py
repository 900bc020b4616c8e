"""Many new rows arrive as they were given, whatever stands in them, and what goes wrong on their way is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from patron_engine.record.copying import BLOCK, copy_in
from patron_engine.record.pending import Pending
from patron_engine.store.session import configure
from patron_testing.build import Templates
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

TYPES: dict[str, Any] = {
    "id": sa.BigInteger(), "name": sa.Text(), "amount": sa.Numeric(), "at": sa.DateTime(timezone=True), "day": sa.Date(),
    "hour": sa.Time(), "yes": sa.Boolean(), "tags": pg.ARRAY(sa.Text()), "body": pg.JSONB(),
}  # fmt: skip
MANY = sa.Table("many", sa.MetaData(schema="pg_temp"), *(sa.Column(n, t) for n, t in TYPES.items()))


@pytest.fixture
def conn(server: Server, templates: Templates) -> Iterator[psycopg.Connection[Any]]:
    url, _ = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        conn.execute(
            "CREATE TEMP TABLE many (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz, day date, hour time,"
            " yes boolean, tags text[], body jsonb)"
        )
        yield conn
        conn.rollback()
    server.drop(url)


def column(conn: psycopg.Connection[Any], name: str) -> list[Any]:
    return [row[0] for row in conn.execute(f"SELECT {name} FROM many ORDER BY id")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("name", ["plain", "", "\\N", "\\.", "a\tb", "a\nb", "a\r\nb", 'q"\\', "汉字 𠀀", None]),
        ("name", ["the same\\"] * 3),
        ("name", [None, None]),
        ("amount", [Decimal("1.50"), Decimal("1.5"), Decimal("1E+3"), Decimal("-0.001"), 7, None]),
        ("amount", [Decimal("2.0"), Decimal("2.00")]),
        ("at", [datetime(2026, 1, 2, 3, 4, 5, 6, UTC), datetime(1999, 1, 1, tzinfo=timezone(timedelta(hours=8))), None]),
        ("day", [date(1, 1, 1), date(9999, 12, 31), None]),
        ("hour", [time(1, 2, 3), None]),
        ("yes", [True, False, None]),
        ("yes", [True, True]),
        ("tags", [["a", 'b"c', "d\\e", "f\tg"], [], None]),
        ("body", [Jsonb({"a": 'x\\"\n', "b": [1, None]}), {"c": 1}, None]),
    ],
)  # fmt: skip
def test_values_arrive_as_in_a_statement(conn: Any, name: str, values: list[Any]) -> None:
    copy_in(conn, MANY, {"id": list(range(len(values))), name: values})
    copied = column(conn, f"{name}::text")
    conn.execute("DELETE FROM many")
    for n, value in enumerate(values):
        conn.execute(f"INSERT INTO many (id, {name}) VALUES (%s, %s)", (n, value))
    assert copied == column(conn, f"{name}::text")


def test_more_rows_than_one_block(conn: Any) -> None:
    count = BLOCK + 1
    copy_in(conn, MANY, {"id": range(count), "name": [f"row {n}" for n in range(count)]})
    assert conn.execute("SELECT count(*), max(name) FROM many").fetchone() == (count, "row 999")


def test_a_zero_byte_is_refused_before_anything_is_sent(conn: Any) -> None:
    with pytest.raises(psycopg.DataError):
        copy_in(conn, MANY, {"id": [1], "name": ["a\x00b"]})
    assert column(conn, "id") == []


def test_who_asks_for_the_connection_waits_for_the_rows(conn: Any) -> None:
    with Pending(conn) as pending:
        pending.copy(MANY, {"id": [1, 2], "name": ["a", "b"]})
        assert column(pending.ahead, "name") == ["a", "b"]
        pending.copy(MANY, {"id": [3], "name": ["c"]})
        pending.copy(MANY, {"id": [4], "name": ["d"]})
    assert column(conn, "name") == ["a", "b", "c", "d"]


def test_what_goes_wrong_on_the_way_is_told_to_who_comes_next(conn: Any) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), conn.transaction(), Pending(conn) as pending:
        pending.copy(MANY, {"id": [1, 1]})
        _ = pending.conn
        raise AssertionError("it went on")
    with pytest.raises(psycopg.errors.UniqueViolation), conn.transaction(), Pending(conn) as pending:
        pending.copy(MANY, {"id": [1, 1]})
    assert column(conn, "id") == []


def test_a_save_that_stops_meanwhile_leaves_the_connection_usable(conn: Any) -> None:
    for rows in ([1, 2], [1, 1]):
        with pytest.raises(ValueError, match="stopped"), conn.transaction(), Pending(conn) as pending:
            pending.copy(MANY, {"id": rows})
            raise ValueError("stopped")
        assert column(conn, "id") == []
