"""Fixtures of the tests with a database: workspaces made once a run and copied for each test, a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_testing.build import Templates
from patron_testing.day import Day
from patron_testing.pg import Server


@pytest.fixture(scope="session")
def templates(server: Server) -> Iterator[Templates]:
    """Databases that hold a workspace, by its definitions."""
    made = Templates(server)
    yield made
    made.drop()


@pytest.fixture
def day() -> Day:
    """The clock of this test."""
    return Day()
