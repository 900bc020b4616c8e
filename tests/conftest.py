"""Fixtures of all tests: a server, a fresh database, a connection. A test that asks for none needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from patron_testing.pg import Server, running_server


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
    """A connection to this test's database, as psycopg makes it: the test commits or is rolled back."""
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()
