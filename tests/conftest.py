"""Fixtures of all tests: a server, a fresh database, a connection. A test that asks for none needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from patron_engine.store.migrations import make_schema
from patron_engine.store.session import open_session
from patron_platform.database.migrate import open_system
from patron_platform.database.pools import Databases
from patron_testing.cheap import cheap_passwords
from patron_testing.holding import watched
from patron_testing.order import Order
from patron_testing.pg import Server, running_server
from patron_testing.statements import shared


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Order(config))


@pytest.fixture(scope="session", autouse=True)
def no_request_waits_for_itself() -> Iterator[None]:
    """Whatever a test asks for, on every page and in every job."""
    with watched():
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_are_made_once() -> Iterator[None]:
    """However many copies of a workspace are opened."""
    with shared():
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_cost_little() -> Iterator[None]:
    """Signing in is what most tests of pages begin with."""
    with cheap_passwords():
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server, one for the whole run."""
    with running_server() as running:
        yield running


@pytest.fixture
def database_url(server: Server) -> Iterator[str]:
    """An empty database of this test's own."""
    url = server.make()
    yield url
    server.drop(url)


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to this test's database with the engine's adapters, not in autocommit: the test commits or is rolled
    back."""
    with psycopg.connect(database_url) as connection:
        open_session(connection, "job")
        connection.commit()
        yield connection
        connection.rollback()


@pytest.fixture
def schema(conn: psycopg.Connection[Any]) -> str:
    """The schema of an empty workspace (release 0) in this test's database, committed."""
    make_schema(conn, "w_test")
    conn.commit()
    return "w_test"


@pytest.fixture
def databases(database_url: str) -> Iterator[Databases]:
    """Pools over this test's database with the system's own tables, no workspace yet; behind the second wall."""
    with Databases(database_url, connections=4) as opened:
        open_system(opened)
        yield opened
