"""What a save writes travels together, in the order it is meant, and not before it has to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from patron_engine.errors import Refused
from patron_engine.record.change import Change
from patron_engine.record.pending import Pending
from patron_engine.record.statements import Statement, compiled
from patron_engine.store.session import configure
from patron_engine.store.wire import Asked, Rows, Wire
from patron_engine.ways.read import Reading, read_one
from patron_engine.ways.save import save, write_transaction
from patron_testing.build import Records, Templates
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

ONE = sa.Table("one", sa.MetaData(), sa.Column("id", sa.BigInteger()), sa.Column("name", sa.Text()))
TWO = sa.Table("two", sa.MetaData(), sa.Column("id", sa.BigInteger()), sa.Column("name", sa.Text()))


def insert(table: sa.Table) -> Statement:
    return compiled(table.insert().values({c.name: sa.bindparam(c.name, type_=c.type) for c in table.c}))


def rename(table: sa.Table) -> Statement:
    name = sa.bindparam("new", type_=sa.Text())
    return compiled(
        table.update().values(name=name).where(table.c.id == sa.bindparam("which", type_=sa.BigInteger()))
    )


class Counted(Wire):
    """Says what went together."""

    sent: list[list[str]]

    def together(self, asked: Sequence[Asked]) -> list[Rows]:
        self.sent.append([query for query, _ in asked])
        return super().together(asked)


@pytest.fixture
def conn(server: Server, templates: Templates) -> Iterator[psycopg.Connection[Any]]:
    url, _ = templates.fresh(DOCUMENTS)
    with Counted.connect(url, autocommit=True) as conn:
        configure(conn)
        conn.execute("CREATE TEMP TABLE one (id bigint PRIMARY KEY, name text)")
        conn.execute("CREATE TEMP TABLE two (id bigint PRIMARY KEY, name text)")
        conn.sent = []
        yield conn
    server.drop(url)


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def names(conn: psycopg.Connection[Any], table: str) -> list[str]:
    return [row[0] for row in conn.execute(f"SELECT name FROM {table} ORDER BY id")]


def test_rows_of_several_tables_go_in_one_round_trip(conn: Any) -> None:
    pending = Pending(conn)
    pending.add(insert(ONE), [(1, "100 %")])
    pending.add(insert(TWO), [(2, 'b"\\')])
    assert conn.sent == []
    pending.send()
    assert [len(texts) for texts in conn.sent] == [2]
    assert names(conn, "one") == ["100 %"] and names(conn, "two") == ['b"\\']


def test_what_is_written_twice_is_written_in_order(conn: Any) -> None:
    """Each statement sees what those before it did."""
    pending = Pending(conn)
    pending.add(insert(ONE), [(1, "first")])
    pending.add(rename(ONE), [("second", 1)])
    pending.add(insert(TWO), [(n, f"t{n}") for n in range(3)])
    pending.add(rename(ONE), [("third", 1)])
    pending.send()
    assert names(conn, "one") == ["third"] and names(conn, "two") == ["t0", "t1", "t2"]


def test_who_reads_sees_what_was_written(conn: Any) -> None:
    pending = Pending(conn)
    pending.add(insert(ONE), [(1, "there")])
    assert names(pending.ahead, "one") == []
    assert names(pending.conn, "one") == ["there"]
    pending.send()
    assert names(conn, "one") == ["there"]


def test_nothing_is_no_statement(conn: Any) -> None:
    pending = Pending(conn)
    pending.add(insert(ONE), [])
    pending.send()
    assert conn.sent == []


def test_the_record_is_read_in_the_round_trip_that_writes_it(server: Server, templates: Templates) -> None:
    url, call = templates.fresh(DOCUMENTS)
    with Counted.connect(url, autocommit=True) as conn:
        configure(conn)
        conn.sent, id = [], None
        for change in (
            Change(action="create", object="account", set={"name": "Acme"}),
            Change(action="update", object="account", set={"name": "Acme Ltd"}),
            Change(action="update", object="account", set={"name": "Acme Ltd"}),  # changes nothing
        ):
            reading = Reading(call)
            with write_transaction(conn, call):
                outcome = save(conn, call, [replace(change, id=id)], reading=reading)[0]
                id = str(outcome.id)
                assert reading.found == read_one(conn, call, "account", id)
        begin, written, *_ = conn.sent
        assert begin[0] == "BEGIN"
        assert written[0].startswith("INSERT") and "row_to_json" in written[-1]
    server.drop(url)


def test_a_parent_rule_that_refuses_leaves_nothing_behind(r: Records) -> None:
    account = r.create("account", name="Full")
    table = f"{r.call.schema}.{r.call.model.objects['account'].table}"
    with r.conn.transaction():
        r.conn.execute(f"UPDATE {table} SET deals_count = 50 WHERE id = %s", (account,))
    with pytest.raises(Refused):
        r.create("opportunity", name="One more", account=account)
    assert r.row("account", account)["deals_count"] == 50
    assert r.rows("opportunity") == []


def test_a_refused_save_leaves_what_was_prepared(r: Records) -> None:
    """Or each refusal would make the saves after it several times as slow: their statements planned anew."""

    def change(name: str | None) -> None:
        with write_transaction(r.conn, r.call):
            save(r.conn, r.call, [Change(action="update", object="account", id=account, set={"name": name})])

    def prepared() -> set[str]:
        with r.conn.transaction():
            return {
                row[0] for row in r.conn.execute("SELECT name FROM pg_prepared_statements", prepare=False)
            }

    account = r.create("account", name="Acme")
    for n in range(10):
        change(f"Acme {n}")
    before = prepared()
    assert before
    with pytest.raises(Refused):
        change(None)
    assert r.conn.info.transaction_status == TransactionStatus.IDLE
    assert prepared() >= before
    assert r.row("account", account)["name"] == "Acme 9"
    change("Acme again")
    assert r.row("account", account)["name"] == "Acme again"


@pytest.mark.parametrize(
    "texts", [["a", 'b"c', "d\\e", "", "{x,y}", "NULL", " é\n\t"], [], [None, "a"], ["only"]]
)
def test_lists_of_texts_come_back_as_they_went(conn: Any, texts: list[str | None]) -> None:
    """Beside a single text, which is written another way."""
    row = conn.execute("SELECT %s::text[], %s::text, %s::text[]", (texts, "one", texts)).fetchone()
    assert row == (texts, "one", texts)


def test_a_list_with_the_character_nul_is_refused(conn: Any) -> None:
    with pytest.raises(psycopg.DataError):
        conn.execute("SELECT %s::text[]", (["a\x00"],))
