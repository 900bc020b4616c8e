"""A publication must get its tables without making others wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Unavailable
from patron_engine.store import catalog
from patron_engine.store.apply import apply
from patron_engine.store.locks import acquire, shared
from patron_engine.store.migrations import make_schema
from patron_testing.shapes import SCHEMA, bring, column, planned, schema, table

Connection = psycopg.Connection[Any]

NARROW = schema(table("account", column("name", "text")))
WIDE = schema(table("account", column("name", "text"), column("net", "numeric")))
READ = f"SELECT count(*) FROM {SCHEMA}.account"


@pytest.fixture
def store(conn: Connection) -> Connection:
    make_schema(conn, SCHEMA)
    bring(conn, NARROW)
    return conn


@contextmanager
def reading(url: str, stop: threading.Event) -> Iterator[list[float]]:
    """Reads all the time in another connection; gives the seconds each read took."""
    took: list[float] = []

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as conn:
            while not stop.is_set():
                began = time.monotonic()
                conn.execute(READ)
                took.append(time.monotonic() - began)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join(timeout=30)


def test_readers_do_not_wait_while_a_publication_waits_for_an_open_reader(
    store: Connection, database_url: str
) -> None:
    made = planned(store, WIDE)
    tried = threading.Event()
    with psycopg.connect(database_url) as report, reading(database_url, threading.Event()) as took:
        report.execute(READ)  # and stays open
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 4:
                report.rollback()
                tried.set()

        apply(store, made, sleep=pause)
        store.commit()
    assert tried.is_set()
    assert len(waits) >= 4
    assert len(took) > 10
    assert max(took) < 2, "a reader waited for more than one try"
    assert catalog.read(store, SCHEMA) == WIDE


def test_writers_that_hold_the_workspace_are_waited_for_and_new_ones_wait(
    store: Connection, database_url: str
) -> None:
    with psycopg.connect(database_url) as writer:
        shared(writer, SCHEMA)
        with pytest.raises(Unavailable) as busy:
            acquire(store, SCHEMA, ["account"], budget=0.2)
        assert busy.value.code == "tables_busy"
        writer.rollback()
        acquire(store, SCHEMA, ["account"], budget=5)
        writer.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            shared(writer, SCHEMA)


def test_nothing_is_held_after_giving_up(store: Connection, database_url: str) -> None:
    with psycopg.connect(database_url) as report, psycopg.connect(database_url) as other:
        report.execute(READ)
        with pytest.raises(Unavailable):
            acquire(store, SCHEMA, ["account"], budget=0.1)
        other.execute("SET lock_timeout = '50ms'")
        other.execute(READ)
        shared(other, SCHEMA)


def test_what_the_transaction_wrote_before_survives_the_tries(store: Connection, database_url: str) -> None:
    store.execute("CREATE TEMP TABLE said (what text) ON COMMIT DROP")
    store.execute("INSERT INTO said VALUES ('before')")
    with psycopg.connect(database_url) as report:
        report.execute(READ)

        def pause(_: float) -> None:
            report.rollback()

        assert acquire(store, SCHEMA, ["account"], sleep=pause) == 2
    assert store.execute("SELECT what FROM said").fetchall() == [("before",)]


def test_the_sessions_limits_are_put_back(store: Connection) -> None:
    store.execute("SET lock_timeout = '7s'")
    store.execute("SET statement_timeout = '9s'")
    acquire(store, SCHEMA, ["account"])
    row = store.execute(
        "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    ).fetchone()
    assert row == ("7s", "9s")
