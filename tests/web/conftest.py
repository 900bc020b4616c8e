"""Fixtures of the tests over HTTP: the workspace is made once, each file gets a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_testing.house import Furnished, House, make_house, open_house
from patron_testing.pg import Server
from patron_testing.web import Api, Opened, Person, Template, make_template, serving


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[Template]:
    made = make_template(server)
    yield made
    server.drop(made.url)


@pytest.fixture(scope="module")
def opened(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as running:
        yield running


@pytest.fixture(scope="session")
def furnished(server: Server) -> Iterator[Furnished]:
    made = make_house(server)
    yield made
    server.drop(made.url)


@pytest.fixture(scope="module")
def home(server: Server, furnished: Furnished) -> Iterator[House]:
    """A workspace with people of real roles, none of them an administrator."""
    with open_house(server, furnished) as made:
        yield made


@pytest.fixture
def admin(opened: Opened) -> Api:
    return opened.admin


@pytest.fixture
def rep(opened: Opened) -> Api:
    return opened.rep


@pytest.fixture
def stranger(opened: Opened) -> Api:
    return opened.stranger


@pytest.fixture
def me(opened: Opened) -> Person:
    """The administrator, signed in."""
    return opened.person()
