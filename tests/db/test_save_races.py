"""Saves at the same time: what must hold whoever is first. Real threads, real connections, a barrier at the start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.errors import PatronError, Refused, StaleVersion
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.store.session import configure
from patron_engine.ways.save import begin_write, retrying, save
from patron_testing.build import Records, Templates
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

WRITERS = 8


class Crowd:
    """Several people with a connection each, who begin at one moment."""

    def __init__(self, url: str, call: Call) -> None:
        self.url = url
        self.call = call

    def together(self, acts: list[Callable[[psycopg.Connection[Any]], Any]]) -> list[Any]:
        barrier = threading.Barrier(len(acts))

        def run(act: Callable[[psycopg.Connection[Any]], Any]) -> Any:
            with psycopg.connect(self.url) as conn:
                configure(conn)
                barrier.wait(timeout=30)
                try:
                    return act(conn)
                except PatronError as error:
                    return error

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(run, acts))

    def save(self, conn: psycopg.Connection[Any], *changes: Change) -> list[Outcome]:
        def attempt() -> list[Outcome]:
            with conn.transaction():
                begin_write(conn, self.call)
                return save(conn, self.call, changes)

        return retrying(attempt)


@pytest.fixture
def crowd(server: Server, templates: Templates) -> Iterator[Crowd]:
    url, call = templates.fresh(DOCUMENTS)
    yield Crowd(url, call)
    server.drop(url)


@pytest.fixture
def r(crowd: Crowd) -> Iterator[Records]:
    with psycopg.connect(crowd.url) as conn:
        configure(conn)
        yield Records(conn, crowd.call)


def test_eight_people_pay_one_contract(r: Records, crowd: Crowd) -> None:
    contract = r.create("contract", amount="100")
    pay = Change(action="create", object="payment", set={"contract": contract, "amount": "30"})
    answers = crowd.together([lambda conn: [_try(crowd, conn, pay) for _ in range(3)]] * WRITERS)
    done = [a for one in answers for a in one]
    assert sum(a == "created" for a in done) == 3
    assert all(a in ("created", "refused") for a in done)
    row = r.row("contract", contract)
    assert (row["paid"], row["open"]) == (90, 10)
    assert sorted(p["number"] for p in r.rows("payment")) == ["P-001", "P-002", "P-003"], (
        "gapless under refusals"
    )


def _try(crowd: Crowd, conn: psycopg.Connection[Any], change: Change) -> str:
    try:
        return crowd.save(conn, change)[0].action
    except Refused:
        return "refused"


def test_paying_one_by_one_and_several_at_once_lock_in_one_order(r: Records, crowd: Crowd) -> None:
    """Payments are numbered and counted by their contract: counter and contract, always the one before the other."""
    contract = r.create("contract", amount="100000")
    pay = Change(action="create", object="payment", set={"contract": contract, "amount": "1"})

    def lost() -> int:
        with psycopg.connect(crowd.url, autocommit=True) as conn:
            conn.execute("SELECT pg_stat_force_next_flush()")
            query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            return int((conn.execute(query).fetchone() or (0,))[0])

    before = lost()
    one = [lambda conn: [crowd.save(conn, pay) for _ in range(40)]] * 2
    several = [lambda conn: [crowd.save(conn, pay, pay) for _ in range(40)]] * 2
    for answer in crowd.together([*one, *several]):
        assert not isinstance(answer, PatronError), answer
    assert r.row("contract", contract)["paid"] == 240
    assert lost() == before


def test_eight_people_take_from_one_shelf(r: Records, crowd: Crowd) -> None:
    pump = r.create("product", name="Pump")
    r.create("move", product=pump, quantity="5")
    take = Change(action="create", object="move", set={"product": pump, "quantity": "-1"})
    answers = crowd.together([lambda conn: _try(crowd, conn, take)] * WRITERS)
    assert sorted(answers) == ["created"] * 5 + ["refused"] * 3
    assert [s["quantity"] for s in r.rows("stock")] == [0]


def test_the_same_stock_is_made_once(r: Records, crowd: Crowd) -> None:
    pump = r.create("product", name="Pump")
    put = Change(action="create", object="move", set={"product": pump, "quantity": "1"})
    assert crowd.together([lambda conn: _try(crowd, conn, put)] * WRITERS) == ["created"] * WRITERS
    assert [s["quantity"] for s in r.rows("stock")] == [WRITERS]


@pytest.mark.parametrize("by", [("code", "A1"), ("external_ids.erp", "1")])
def test_upserts_of_one_value_make_one_record(r: Records, crowd: Crowd, by: tuple[str, str]) -> None:
    acts = [
        lambda conn, n=n: crowd.save(
            conn, Change(action="upsert", object="account", by=by, set={"name": f"N{n}"})
        )[0]
        for n in range(WRITERS)
    ]
    outcomes = crowd.together(acts)
    assert {type(o) for o in outcomes} == {Outcome}
    assert len({o.id for o in outcomes}) == 1
    assert sorted(o.action for o in outcomes) == ["created"] + ["updated"] * (WRITERS - 1)
    assert len(r.rows("account")) == 1


def test_numbers_are_unique_and_gapless_when_saves_are_undone(r: Records, crowd: Crowd) -> None:
    make = Change(action="create", object="contract", set={"amount": "1"})

    def act(conn: psycopg.Connection[Any]) -> None:
        for n in range(6):
            with conn.transaction(force_rollback=n % 2 == 1):
                begin_write(conn, crowd.call)
                save(conn, crowd.call, [make])

    crowd.together([act] * 4)
    numbers = sorted(c["number"] for c in r.rows("contract"))
    assert numbers == [f"C-202605-{n:04}" for n in range(1, 13)]


def test_moves_in_both_directions_keep_the_figures(r: Records, crowd: Crowd) -> None:
    """Deadlocks are possible here; they are repeated, and nothing is lost."""
    one, two = r.create("account", name="One"), r.create("account", name="Two")
    deals = [
        r.create("opportunity", name=f"D{n}", account=(one, two)[n % 2], amount=str(n + 1))
        for n in range(WRITERS)
    ]

    def act(n: int) -> Callable[[psycopg.Connection[Any]], None]:
        def move(conn: psycopg.Connection[Any]) -> None:
            for step in range(6):
                target = (one, two)[(n + step) % 2]
                crowd.save(
                    conn, Change(action="update", object="opportunity", id=deals[n], set={"account": target})
                )

        return move

    answers = crowd.together([act(n) for n in range(WRITERS)])
    assert answers == [None] * WRITERS
    for account in (one, two):
        mine = r.rows("opportunity", "account = %s", account)
        row = r.row("account", account)
        assert row["deals_count"] == len(mine)
        assert row["biggest"] == max((m["amount"] for m in mine), default=None)


def test_versions_rise_by_one_each(r: Records, crowd: Crowd) -> None:
    account = r.create("account", name="Acme", city="0")

    def act(conn: psycopg.Connection[Any]) -> int:
        done, version = 0, 1
        for n in range(10):
            change = Change(
                action="update",
                object="account",
                id=account,
                version=version,
                set={"city": f"{id(conn)}-{n}"},
            )
            try:
                version = crowd.save(conn, change)[0].version or 0
                done += 1
            except StaleVersion as stale:
                version = stale.values["version"]
        return done

    acknowledged = sum(crowd.together([act] * 4))
    assert r.row("account", account)["version"] == 1 + acknowledged
    assert len(r.rows("sys__history", "record = %s", account)) == 1 + acknowledged


def test_a_link_to_a_record_that_goes_at_the_same_moment(r: Records, crowd: Crowd) -> None:
    """Either the deal is there and the deletion was refused, or the other way round."""
    for n in range(8):
        account = r.create("account", name=f"A{n}")
        deal = Change(action="create", object="opportunity", set={"name": "D", "account": account})
        answers = crowd.together([
            lambda conn, c=deal: _try(crowd, conn, c),
            lambda conn, a=account: _try(crowd, conn, Change(action="delete", object="account", id=a)),
        ])  # fmt: skip
        gone = r.row("account", account)["deleted_at"] is not None
        deals = r.rows("opportunity", "account = %s AND deleted_at IS NULL", account)
        assert len(deals) == (0 if gone else 1), answers


def test_a_write_of_an_older_release_is_told(r: Records, crowd: Crowd) -> None:
    from patron_engine.errors import ReleaseChanged

    older = replace(crowd.call, model=replace(crowd.call.model, release=0))
    with pytest.raises(ReleaseChanged), r.conn.transaction():
        begin_write(r.conn, older)
