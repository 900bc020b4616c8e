"""Fixtures of the tests with a database: workspaces made once a run and copied for each test, a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from patron_engine.store.session import open_session
from patron_testing.build import Templates
from patron_testing.day import Day
from patron_testing.pg import Server
from patron_testing.shops import Shops


@pytest.fixture(scope="session")
def templates(server: Server) -> Iterator[Templates]:
    """Databases that hold a workspace, by its definitions."""
    made = Templates(server)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def shops(server: Server) -> Iterator[Shops]:
    """Shops, orders and payments; who writes takes back what he wrote."""
    url = server.make()
    with psycopg.connect(url) as conn:
        open_session(conn, "job")
        conn.commit()
        made = Shops(conn)
        conn.commit()
        yield made
    server.drop(url)


@pytest.fixture
def day() -> Day:
    """The clock of this test."""
    return Day()
