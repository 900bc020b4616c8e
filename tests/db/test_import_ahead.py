"""The next piece of an import is prepared while the present one is written, and nobody can tell by what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import current_thread
from typing import Any

import psycopg
import pytest

from patron_engine.store import tasks
from patron_engine.store.session import configure
from patron_engine.transfer import carry, pieces, staged
from patron_testing.build import NOON, Records, Templates
from patron_testing.desk import Desk, counts
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

FAMILY = "name,city,parent\n" + "".join(
    f"Child {n},{'Bonn' if n % 2 else 'Köln'},{f'Child {n - 1}' if n else ''}\n" for n in range(9)
)
MAPPING = {"columns": {"name": "name", "city": "city", "parent": {"field": "parent", "by": "title"}}}


@pytest.fixture
def i(server: Server, templates: Templates, tmp_path: Path) -> Iterator[Desk]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Desk(url, Records(conn, call), tmp_path)
    server.drop(url)


@pytest.fixture(autouse=True)
def one_row_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "AT_ONCE", 1)


def test_a_row_finds_what_an_earlier_piece_made(i: Desk) -> None:
    """It was looked for already, before that piece had written it."""
    made = i.run("account", FAMILY, MAPPING)
    assert (made.state, counts(made)) == ("done", (9, 0, 0, 0))
    rows = i.live("account")
    assert [row["parent"] for row in rows] == [None, *(row["id"] for row in rows[:-1])]


def test_the_next_piece_is_read_beside_the_present_one(i: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    convert = carry.Converter.convert

    def seen(self: Any, rows: Any) -> Any:
        threads.append(current_thread().name)
        return convert(self, rows)

    monkeypatch.setattr(carry.Converter, "convert", seen)
    i.run("account", FAMILY, MAPPING)
    assert threads.count("patron-import-ahead") == 8 and len(threads) == 9, (
        "each piece once, all but the first ahead"
    )


def test_without_a_connection_to_spare_the_piece_does_it_itself(i: Desk) -> None:
    def none() -> AbstractContextManager[psycopg.Connection[Any]]:
        raise psycopg.OperationalError("too many connections")

    batch = i.begin("account", FAMILY, MAPPING)
    model = i.r.call.model
    context = tasks.Context(
        model=lambda _: model, current=lambda: model, handlers=pieces.handlers(lambda: NOON, None, none)
    )
    tasks.run_all(i.connect, i.r.call.schema, context)
    assert counts(i.status(batch)) == (9, 0, 0, 0)
