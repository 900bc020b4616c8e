"""Two saves in every order: the second begins while the first has not committed. What is stored of other records (roll-ups,
formulas behind links, search rows, what a deletion takes along) is right once both are through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from patron_engine.errors import PatronError
from patron_engine.query.tokens import tokens_of
from patron_engine.record.change import Change
from patron_engine.record.drift import find_drift
from patron_engine.store.session import configure
from patron_engine.ways.save import begin_write, retrying, save
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: region
label: Region
title: name
owner: none
fields:
  - {name: name, type: text, label: Name}
  - {name: parent, type: lookup, to: region, tree: true, on_delete: clear, label: Part of, reverse: parts}
  - {name: size, type: decimal, label: Size}
  - {name: accounts_count, type: rollup, of: accounts, function: count, label: Accounts}
  - {name: all_size, type: rollup, of: parts, function: sum, field: size, deep: true, label: All}
---
kind: object
name: account
label: Account
title: name
owner: none
fields:
  - {name: name, type: text, label: Name}
  - {name: region, type: lookup, to: region, label: Region, reverse: accounts, on_delete: clear}
  - {name: total, type: rollup, of: deals, function: sum, field: amount, label: Total}
---
kind: object
name: deal
label: Deal
title: name
owner: none
search: [name, account.name]
fields:
  - {name: name, type: text, label: Name}
  - {name: account, type: lookup, to: account, label: Account, reverse: deals, on_delete: cascade}
  - {name: amount, type: decimal, label: Amount}
  - {name: client, type: formula, stored: true, expression: "account.name", label: Client}
  - {name: place, type: formula, stored: true, expression: "account.region.name", label: Place}
---
kind: object
name: item
label: Item
title: name
search: [name, deal.account.name]
fields:
  - {name: deal, type: master, to: deal, reverse: items, label: Deal}
  - {name: name, type: text, label: Name}
---
kind: object
name: memo
label: Memo
title: name
fields:
  - {name: name, type: text, label: Name}
  - {name: account, type: lookup, to: account, reverse: memos, on_delete: cascade, label: Account}
"""
WAITS = 0.25  # seconds the second save gets to come through, or to meet a lock


class World:
    """Two regions, one with a part and its part; two accounts; a deal with an item."""

    def __init__(self, url: str, records: Records) -> None:
        self.url = url
        self.r = records
        make = records.create
        self.north, self.south = (
            make("region", name="North", size="1"),
            make("region", name="South", size="2"),
        )
        self.part = make("region", name="Part", parent=self.north, size="4")
        self.corner = make("region", name="Corner", parent=self.part, size="8")
        self.acme = make("account", name="Acme", region=self.north)
        self.beta = make("account", name="Beta", region=self.south)
        self.deal = make("deal", name="Deal", account=self.acme, amount="10", items=[{"name": "Item"}])

    def after_each_other(self, first: Change, second: Change) -> list[PatronError]:
        """`first` is saved, `second` begins, `first` commits; what `second` was refused with."""
        refused: list[PatronError] = []
        through = threading.Event()

        def other() -> None:
            with psycopg.connect(self.url) as conn:
                configure(conn)

                def attempt() -> None:
                    with conn.transaction():
                        begin_write(conn, self.r.call)
                        save(conn, self.r.call, [second])

                try:
                    retrying(attempt)
                except PatronError as error:
                    refused.append(error)
                through.set()

        thread = threading.Thread(target=other)
        with self.r.conn.transaction():
            begin_write(self.r.conn, self.r.call)
            save(self.r.conn, self.r.call, [first])
            thread.start()
            through.wait(WAITS)
        thread.join(30)
        return refused

    def faults(self) -> list[str]:
        """Stored figures that are not what their definitions say, and search rows under another record's name."""
        conn, call = self.r.conn, self.r.call
        with conn.transaction():
            found = [
                f"{d.object}.{d.field} is {d.stored}, not {d.right}"
                for object in call.model.objects for d in find_drift(conn, call, object)
            ]  # fmt: skip
            shown = conn.execute(
                "SELECT s.object, s.tokens, a.name FROM w_test.sys__search s LEFT JOIN w_test.item i ON i.id = s.record"
                " JOIN w_test.deal d ON d.id = coalesce(i.deal, s.record) JOIN w_test.account a ON a.id = d.account"
                " WHERE s.field LIKE '%%account.name' AND d.deleted_at IS NULL"
            ).fetchall()
        found += [
            f"{o} is found by {t}, not by {name}" for o, t, name in shown if set(t) != set(tokens_of([name]))
        ]
        return found


@pytest.fixture(scope="module")
def place(server: Server) -> Iterator[tuple[str, Records]]:
    templates = Templates(server)
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield url, Records(conn, call)
    server.drop(url)
    templates.drop()


@pytest.fixture
def world(place: tuple[str, Records]) -> World:
    return World(*place)


def update(object: str, id: str, **values: Any) -> Change:
    return Change(action="update", object=object, id=id, set=values)


def create(object: str, **values: Any) -> Change:
    return Change(action="create", object=object, set=values)


Pair = Callable[[World], tuple[Change, Change]]
PAIRS: dict[str, Pair] = {
    "renamed | deal made": lambda w: (update("account", w.acme, name="New"), create("deal", name="x", account=w.acme, amount="1")),
    "renamed | deal comes": lambda w: (update("account", w.beta, name="New"), update("deal", w.deal, account=w.beta)),
    "renamed | deal goes": lambda w: (update("account", w.acme, name="New"), update("deal", w.deal, account=w.beta)),
    "renamed | item made": lambda w: (update("account", w.acme, name="New"), create("item", name="x", deal=w.deal)),
    "renamed | item made in its deal": lambda w: (
        update("account", w.acme, name="New"), update("deal", w.deal, items=[{"name": "x"}]),
    ),
    "region renamed | account comes": lambda w: (update("region", w.south, name="New"), update("account", w.acme, region=w.south)),
    "region renamed | deal made": lambda w: (
        update("region", w.north, name="New"), create("deal", name="x", account=w.acme, amount="1"),
    ),
    "account moves | deal made": lambda w: (
        update("account", w.acme, region=w.south), create("deal", name="x", account=w.acme, amount="1"),
    ),
    "account moves | deal comes": lambda w: (update("account", w.beta, region=w.north), update("deal", w.deal, account=w.beta)),
    "part moves | corner grows": lambda w: (update("region", w.part, parent=w.south), update("region", w.corner, size="80")),
    "part to the top | corner grows": lambda w: (update("region", w.part, parent=None), update("region", w.corner, size="80")),
    "part moves | corner gets a part": lambda w: (
        update("region", w.part, parent=w.south), create("region", name="x", parent=w.corner, size="80"),
    ),
    "part deleted | corner grows": lambda w: (
        Change(action="delete", object="region", id=w.part), update("region", w.corner, size="80"),
    ),
    "two moves": lambda w: (update("region", w.north, parent=w.south), update("region", w.south, parent=w.north)),
    "account deleted | deal comes": lambda w: (
        Change(action="delete", object="account", id=w.beta), update("deal", w.deal, account=w.beta),
    ),
    "deal paid | deal goes": lambda w: (update("deal", w.deal, amount="11"), update("deal", w.deal, account=w.beta)),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("order", [1, -1], ids=["so", "the other way round"])
def test_what_is_stored_of_others_is_right_after_both(world: World, name: str, order: int) -> None:
    first, second = PAIRS[name](world)[::order]
    world.after_each_other(first, second)
    assert world.faults() == []
    circle = "SELECT 1 FROM w_test.region a JOIN w_test.region b ON a.parent = b.id AND b.parent = a.id"
    with world.r.conn.transaction():
        assert world.r.conn.execute(circle).fetchall() == []


def test_a_record_that_just_moved_away_does_not_go_along(world: World) -> None:
    """A memo leaves the account that is being deleted with its memos."""
    memo = world.r.create("memo", name="Memo", account=world.acme)
    refused = world.after_each_other(
        update("memo", memo, account=world.beta), Change(action="delete", object="account", id=world.acme)
    )
    assert refused == []
    assert world.r.row("account", world.acme)["deleted_at"] is not None
    row = world.r.row("memo", memo)
    assert (row["deleted_at"], row["account"]) == (None, world.beta)
    assert world.faults() == []


@pytest.mark.parametrize("order", [1, -1], ids=["renamed first", "restored first"])
def test_what_comes_out_of_the_bin_knows_what_changed_meanwhile(world: World, order: int) -> None:
    world.r.do("delete", "deal", world.deal)
    world.r.update("account", world.acme, name="While it was away")
    assert world.r.do("restore", "deal", world.deal).action == "restored"
    assert world.faults() == []
    world.r.do("delete", "deal", world.deal)
    pair = (update("account", world.acme, name="New"), Change(action="restore", object="deal", id=world.deal))
    world.after_each_other(*pair[::order])
    assert world.faults() == []
