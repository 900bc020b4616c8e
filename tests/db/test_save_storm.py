"""A storm: eight people at once create, change, move, delete, restore, pay in bulk, upsert and import over few parents, at
random. Afterwards no rule over sums is broken, every stored figure is exact, and nobody was shown a deadlock."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict, NotFound, PatronError, Refused
from patron_engine.record.change import Change
from patron_engine.record.drift import find_drift
from patron_engine.store import tasks
from patron_engine.store.session import configure
from patron_engine.transfer import imports, pieces
from patron_engine.transfer.reading import read_mapping
from patron_engine.transfer.sheet import open_sheet
from patron_engine.ways.save import begin_write, retrying, save
from patron_testing.build import NOON, Records, Templates
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

PEOPLE = 8
SECONDS = float(os.environ.get("PATRON_TEST_STORM", "6"))
SEED = int(os.environ.get("PATRON_TEST_SEED", random.randrange(10**6)))


class Storm:
    """What people do, each with a connection and dice of his own."""

    def __init__(self, url: str, r: Records, folder: Path) -> None:
        self.url, self.r, self.call, self.folder = url, r, r.call, folder
        self.contracts = [r.create("contract", amount="100") for _ in range(3)]
        self.products = [r.create("product", name=f"P{n}") for n in range(2)]
        top = r.create("account", name="Top")
        self.accounts = [top, *(r.create("account", name=f"A{n}", parent=top) for n in range(2))]
        self.accounts.append(r.create("account", name="Deep", parent=self.accounts[1]))
        for product in self.products:
            r.create("move", product=product, quantity="10")
        self.known: dict[str, list[str]] = {"payment": [], "move": [], "opportunity": [], "line": []}
        self.heard: Counter[str] = Counter()

    def act(self, conn: psycopg.Connection[Any], dice: random.Random) -> None:
        name, make = dice.choice(ACTS)
        changes = make(self, dice)
        if not changes:
            return

        def attempt() -> Any:
            with conn.transaction():
                begin_write(conn, self.call)
                return save(conn, self.call, changes)

        try:
            for outcome in retrying(attempt):
                if outcome.action == "created" and outcome.object in self.known:
                    self.known[outcome.object].append(str(outcome.id))
            self.heard[f"{name} done"] += 1
        except (Refused, NotFound) as error:
            self.heard[f"{name} {error.code}"] += 1
        except Conflict as error:
            assert error.code in ("stale_version", "release_changed"), error
        except PatronError as error:
            self.heard[f"SHOWN {error.code}"] += 1

    def person(self, number: int) -> None:
        dice, end = random.Random(SEED + number), time.monotonic() + SECONDS
        with psycopg.connect(self.url) as conn:
            configure(conn)
            while time.monotonic() < end:
                self.act(conn, dice)

    def importer(self, number: int) -> None:
        """Imports files of payments, some of which are too much, again and again."""
        end, n = time.monotonic() + SECONDS, 0
        model = self.call.model
        context = tasks.Context(
            model=lambda _: model, current=lambda: model, handlers=pieces.handlers(lambda: NOON)
        )

        @contextmanager
        def connect() -> Iterator[psycopg.Connection[Any]]:
            with psycopg.connect(self.url) as conn:
                configure(conn)
                yield conn

        while time.monotonic() < end:
            n += 1
            path = self.folder / f"payments-{number}.csv"
            rows = [f"{number}-{n}-{i},{self.contracts[i % 3]},{i + 1}" for i in range(12)]
            path.write_text("\n".join(["key,contract,amount", *rows]), encoding="utf-8")
            sheet = open_sheet(path)
            columns = {
                "key": "external_ids.bank",
                "contract": {"field": "contract", "by": "id"},
                "amount": "amount",
            }
            mapping = read_mapping(
                {"object": "payment", "match": "external_ids.bank", "columns": columns},
                model,
                self.call.actor,
                sheet.headings,
            )
            with connect() as conn, conn.transaction():
                begin_write(conn, self.call)
                imports.begin(conn, self.call, sheet, mapping, name=path.name)
            tasks.run_all(connect, self.call.schema, context)
            self.heard["import done"] += 1


Act = Callable[[Storm, random.Random], list[Change]]


def _one(storm: Storm, dice: random.Random, object: str) -> str | None:
    known = storm.known[object]
    return dice.choice(known) if known else None


def _pay(storm: Storm, dice: random.Random) -> list[Change]:
    values = {"contract": dice.choice(storm.contracts), "amount": str(dice.randrange(1, 60))}
    return [Change(action="create", object="payment", set=values)]


def _bulk_pay(storm: Storm, dice: random.Random) -> list[Change]:
    return [change for _ in range(5) for change in _pay(storm, dice)]


def _upsert_pay(storm: Storm, dice: random.Random) -> list[Change]:
    by = ("external_ids.bank", f"same-{dice.randrange(6)}")
    return [Change(action="upsert", object="payment", by=by, set=_pay(storm, dice)[0].set)]


def _change(object: str, make: Callable[[Storm, random.Random], dict[str, Any]]) -> Act:
    def act(storm: Storm, dice: random.Random) -> list[Change]:
        id = _one(storm, dice, object)
        return [Change(action="update", object=object, id=id, set=make(storm, dice))] if id else []

    return act


def _do(object: str, action: Any) -> Act:
    def act(storm: Storm, dice: random.Random) -> list[Change]:
        id = _one(storm, dice, object)
        return [Change(action=action, object=object, id=id)] if id else []

    return act


def _take(storm: Storm, dice: random.Random) -> list[Change]:
    values = {"product": dice.choice(storm.products), "quantity": str(dice.choice((-4, -2, -1, 1, 2)))}
    return [Change(action="create", object="move", set=values)]


def _deal(storm: Storm, dice: random.Random) -> list[Change]:
    lines = [
        {"product": dice.choice(storm.products), "price": str(dice.randrange(1, 50))}
        for _ in range(dice.randrange(3))
    ]
    values = {
        "name": f"D{dice.random()}", "account": dice.choice(storm.accounts), "amount": str(dice.randrange(100)), "lines": lines,
        "stage": dice.choice(("open", "won")),
    }  # fmt: skip
    return [Change(action="create", object="opportunity", set=values)]


ACTS: list[tuple[str, Act]] = [
    ("pay", _pay),
    ("pay in bulk", _bulk_pay),
    ("pay by upsert", _upsert_pay),
    ("change a payment", _change("payment", lambda s, d: {"amount": str(d.randrange(1, 60))})),
    ("move a payment", _change("payment", lambda s, d: {"contract": d.choice(s.contracts)})),
    ("delete a payment", _do("payment", "delete")),
    ("restore a payment", _do("payment", "restore")),
    ("lower a contract", lambda s, d: [
        Change(action="update", object="contract", id=d.choice(s.contracts), set={"amount": str(d.randrange(60, 120))})
    ]),
    ("take", _take),
    ("take in bulk", lambda s, d: [c for _ in range(4) for c in _take(s, d)]),
    ("change a move", _change("move", lambda s, d: {"quantity": str(d.randrange(-5, 6))})),
    ("move a move", _change("move", lambda s, d: {"product": d.choice(s.products), "stock": None})),
    ("delete a move", _do("move", "delete")),
    ("restore a move", _do("move", "restore")),
    ("deal", _deal),
    ("move a deal", _change("opportunity", lambda s, d: {"account": d.choice(s.accounts), "contact": None})),
    ("change a deal", _change("opportunity", lambda s, d: {"amount": str(d.randrange(100))})),
    ("add lines", _change("opportunity", lambda s, d: {"lines": [{"product": d.choice(s.products), "price": "3"}]})),
    ("delete a deal", _do("opportunity", "delete")),
    ("restore a deal", _do("opportunity", "restore")),
    ("move an account", lambda s, d: [
        Change(action="update", object="account", id=s.accounts[3], set={"parent": d.choice([*s.accounts[:3], None])})
    ]),
]  # fmt: skip


@pytest.fixture
def storm(server: Server, tmp_path: Path) -> Iterator[Storm]:
    templates = Templates(server)
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Storm(url, Records(conn, call), tmp_path)
    server.drop(url)
    templates.drop()


def test_figures_are_exact_and_no_rule_is_broken_after_a_storm(storm: Storm) -> None:
    print(f"PATRON_TEST_SEED={SEED}")
    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(lambda n: storm.importer(n) if n == 0 else storm.person(n), range(PEOPLE)))
    print(dict(storm.heard))
    assert not [what for what in storm.heard if what.startswith("SHOWN")]
    assert sum(n for what, n in storm.heard.items() if what.endswith("done")) > 20
    r = storm.r
    with r.conn.transaction():
        for object in storm.call.model.objects:
            assert find_drift(r.conn, storm.call, object) == [], f"seed {SEED}"
    for contract in r.rows("contract"):
        assert (contract["paid"] or 0) <= contract["amount"], f"seed {SEED}"
    stocks = r.rows("stock", "deleted_at IS NULL")
    assert all(stock["quantity"] >= 0 for stock in stocks), f"seed {SEED}"
    assert len({stock["product"] for stock in stocks}) == len(stocks)
    numbers = sorted(int(p["number"].removeprefix("P-")) for p in r.rows("payment"))
    assert numbers == list(range(1, len(numbers) + 1)), (
        f"seed {SEED}: numbers are given once and without a gap"
    )
    external = [row["external_id"] for row in r.rows("sys__external_id")]
    assert len(external) == len(set(external))
