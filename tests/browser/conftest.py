"""Fixtures of the tests in a browser: one browser and one served workspace for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from patron_testing.browser import Site, chromium, launched, served_site
from patron_testing.pg import Server

expect.set_options(timeout=15_000)  # a machine that does other things at the same time


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with launched() as running:
        yield running


@pytest.fixture(scope="session")
def site(server: Server, browser: Browser) -> Iterator[Site]:
    with served_site(server, browser) as running:
        yield running
