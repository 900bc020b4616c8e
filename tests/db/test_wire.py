"""A connection that costs less answers as psycopg's does, and survives what psycopg's survives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.pq import PipelineStatus, TransactionStatus

from patron_engine.store.session import configure
from patron_engine.store.wire import Wire, together
from patron_testing.pg import Server

ADD = "SELECT %s::int + 1"
DIVIDE = "SELECT 1 / %s::int"


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    url = server.make()
    yield url
    server.drop(url)


@pytest.fixture
def conn(url: str) -> Iterator[Wire]:
    with Wire.connect(url, autocommit=True) as conn:
        configure(conn)
        conn.execute("CREATE TEMP TABLE one (id bigint PRIMARY KEY)")
        yield conn


def prepared(conn: psycopg.Connection[Any], text: str) -> int:
    """How many prepared statements have this text in them."""
    found = conn.execute(
        "SELECT count(*) FROM pg_prepared_statements WHERE position(%(text)s IN statement) > 0",
        {"text": text},
    )
    return int((found.fetchone() or (0,))[0])


def ids(conn: psycopg.Connection[Any]) -> list[int]:
    return [row[0] for row in conn.execute("SELECT id FROM one ORDER BY id")]


def test_values_come_and_go_as_over_a_plain_connection(conn: Wire, url: str) -> None:
    given = [
        "a %s b", 7, 2**40, Decimal("1.10"), True, None, datetime(2026, 11, 27, 3, 4, 5, 6, UTC), ["x", 'y"'],
        {"a": [1]}, "0192f0c1-7d3c-7000-8000-000000000000",
    ]  # fmt: skip
    text = (
        "SELECT %s::text, %s::bigint, %s::bigint, %s::numeric, %s::bool, %s::text, %s::timestamptz, %s::text[],"
        " %s::jsonb, %s::uuid, '100%%'"
    )
    with psycopg.connect(url) as plain:
        configure(plain)
        expected = plain.execute(text, given).fetchall()
    for _ in range(8):  # also once it is prepared
        assert conn.execute(text, given).fetchall() == expected


def test_rows_are_read_one_by_one_and_all_at_once(conn: Wire) -> None:
    found = conn.execute("SELECT generate_series(1, %s)", (5,))
    assert found.fetchone() == (1,)
    assert found.fetchmany(2) == [(2,), (3,)]
    assert list(found) == [(4,), (5,)]
    assert found.fetchone() is None
    assert conn.execute("INSERT INTO one SELECT generate_series(1, %s)", (3,)).rowcount == 3
    with pytest.raises(psycopg.ProgrammingError):
        conn.execute("INSERT INTO one VALUES (%s)", (4,)).fetchall()


def test_each_sees_what_those_before_it_did(conn: Wire) -> None:
    _, found, _, more = conn.together(
        [
            ("INSERT INTO one VALUES (%s)", (1,)),
            ("SELECT count(*) FROM one", ()),
            ("INSERT INTO one VALUES (%s)", (2,)),
            ("SELECT count(*) FROM one", ()),
        ]
    )
    assert (found.fetchone(), more.fetchone()) == ((1,), (2,))


def test_the_first_that_fails_is_told_and_nothing_stays(conn: Wire) -> None:
    asked = [
        ("INSERT INTO one VALUES (%s)", (1,)),
        (DIVIDE, (0,)),
        ("INSERT INTO one VALUES (%s)", (1,)),
    ]
    with pytest.raises(psycopg.errors.DivisionByZero):
        conn.together(asked)
    assert conn.pgconn.pipeline_status == PipelineStatus.OFF
    assert ids(conn) == []
    with pytest.raises(psycopg.errors.DivisionByZero):
        conn.together([("BEGIN", ()), *asked])
    assert conn.info.transaction_status == TransactionStatus.INERROR
    conn.rollback()
    assert ids(conn) == []


def test_a_collision_names_its_constraint(conn: Wire) -> None:
    conn.execute("INSERT INTO one VALUES (%s)", (1,))
    with pytest.raises(psycopg.errors.UniqueViolation) as told:
        conn.execute("INSERT INTO one VALUES (%s)", (1,))
    assert told.value.diag.constraint_name == "one_pkey"


def test_a_text_is_prepared_once_it_is_often_asked(conn: Wire) -> None:
    for _ in range(5):
        conn.execute(ADD, (1,))
    assert prepared(conn, "$1::int + 1") == 0
    conn.together([(ADD, (1,)), (ADD, (2,))])
    assert prepared(conn, "$1::int + 1") == 1


def test_the_least_used_text_goes_first(conn: Wire) -> None:
    conn.prepared_max = 3
    for number in range(5):
        for _ in range(6):
            conn.execute(f"SELECT {number}00 + %s::int", (1,))
    assert [prepared(conn, f"{n}00 + $1") for n in range(5)] == [0, 0, 1, 1, 1]
    assert conn.execute("SELECT 000 + %s::int", (1,)).fetchone() == (1,)


def test_what_psycopg_throws_away_is_prepared_anew(conn: Wire) -> None:
    """After a rollback it throws away everything that is prepared in the session."""
    for _ in range(8):
        conn.execute(ADD, (1,))
        conn.execute("SELECT %(a)s::int", {"a": 1})  # prepared by psycopg
    assert prepared(conn, "$1::int + 1") == 1
    conn.execute("BEGIN")
    conn.rollback()
    assert prepared(conn, "$1::int + 1") == 0
    for _ in range(8):
        assert conn.execute(ADD, (1,)).fetchone() == (2,)
    with pytest.raises(ZeroDivisionError), conn.transaction():
        raise ZeroDivisionError
    assert conn.execute(ADD, (1,)).fetchone() == (2,)


def test_inside_of_a_block_and_a_pipeline_of_psycopg(conn: Wire) -> None:
    with conn.transaction(), conn.transaction(force_rollback=True):
        conn.execute("INSERT INTO one VALUES (%s)", (1,))
    with conn.pipeline():
        found = [conn.execute(ADD, (n,)) for n in range(3)]
    assert [f.fetchone() for f in found] == [(1,), (2,), (3,)]
    assert ids(conn) == []


def test_a_lost_connection_is_told_as_such(conn: Wire, url: str) -> None:
    def lose(conn: Wire) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))

    with Wire.connect(url, autocommit=True) as second:
        lose(second)
        with pytest.raises(psycopg.OperationalError):
            second.together([(ADD, (1,)), (ADD, (2,))])
    lose(conn)
    with pytest.raises(psycopg.OperationalError):
        conn.execute(ADD, (1,))
    with pytest.raises(psycopg.OperationalError):
        conn.execute(ADD, (1,))


def test_a_wrong_number_of_values_is_told_before_anything_is_sent(conn: Wire) -> None:
    with pytest.raises(psycopg.ProgrammingError):
        conn.together([("INSERT INTO one VALUES (%s)", (1,)), (ADD, ())])
    assert conn.pgconn.pipeline_status == PipelineStatus.OFF
    assert ids(conn) == []


def test_more_than_the_network_holds_at_once(conn: Wire) -> None:
    """Long questions and long answers, more than either side takes before the other reads."""
    text = "x" * 100_000
    answers = conn.together([("SELECT %s::text || %s", (text, n)) for n in map(str, range(200))])
    assert [a.fetchone() for a in answers] == [(f"{text}{n}",) for n in range(200)]


def test_several_go_together_over_a_plain_connection_too(url: str) -> None:
    with psycopg.connect(url) as plain:
        found = together(plain, [(ADD, (1,)), (ADD, (2,))])
        assert [f.fetchone() for f in found] == [(2,), (3,)]
