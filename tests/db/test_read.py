"""The way read: what comes back for a list, one record, a search, a set; and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.query.counts import counts
from patron_engine.query.history import external_ids, history
from patron_engine.query.spec import Ask, Within
from patron_engine.record.change import Change
from patron_engine.ways.read import read, read_one, rows, walk
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

SECRET = b"a key of the tests"
NOBODY = Actor(user="0198c0de-0000-7000-8000-000000000001", name="rep")


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    """The workspace, built once; every test undoes what it did."""
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.fixture
def r(built: Records) -> Iterator[Records]:
    with built.conn.transaction(force_rollback=True):
        yield built


def page(r: Records, object: str, **more: Any) -> list[dict[str, Any]]:
    return read(r.conn, r.call, Ask(object=object, **more), secret=SECRET).rows()


def names(r: Records, object: str, **more: Any) -> list[Any]:
    return [row["name"] for row in page(r, object, fields=("name",), **more)]


def deals(r: Records, n: int = 5) -> str:
    """An account with n deals: deal 1 … deal n, amounts 10, 20 …, one without an amount."""
    account = r.create("account", name="Acme", city="Shanghai", grade="a")
    for i in range(1, n + 1):
        r.create(
            "opportunity",
            name=f"deal {i}",
            account=account,
            amount=str(i * 10),
            stage="won" if i % 2 else "open",
        )
    r.create("opportunity", name="no amount", account=account)
    return account


def test_a_record_answers_links_with_id_and_title(r: Records) -> None:
    account = r.create("account", name="Acme", tags=["vip"])
    id = r.create("opportunity", name="Pumps", account=account, amount="12.50", partners=[account])
    found = read_one(r.conn, r.call, "opportunity", id)
    record = found.record()
    assert record["account"] == {"id": account, "title": "Acme"}
    assert record["amount"] == "12.5" and record["expected"] == "1.25"
    assert record["partners"] == [{"id": account, "title": "Acme"}]
    assert record["contact"] is None and record["stage"] == "open"
    assert record["created_at"] == "2026-05-20T04:00:00Z"
    assert found.version == record["version"] == 1
    assert read_one(r.conn, r.call, "account", account).record()["tags"] == ["vip"]


def test_a_page_names_the_next_until_there_is_none(r: Records) -> None:
    deals(r, 7)
    seen: list[str] = []
    after = None
    while True:
        found = read(
            r.conn, r.call, Ask(object="opportunity", sort=("-amount",), limit=3, after=after), secret=SECRET
        )
        seen += [row["name"] for row in found.rows()]
        if found.next is None:
            break
        after = found.next
    assert seen == [f"deal {i}" for i in range(7, 0, -1)] + ["no amount"]


@pytest.mark.parametrize(
    "sort", ["amount", "-amount", "-stage", "name", "account", "close_date", "-created_at", "id"]
)
def test_pages_strung_together_are_the_whole_list(r: Records, sort: str) -> None:
    deals(r, 6)
    whole = names(r, "opportunity", sort=(sort,))
    parts: list[str] = []
    after = None
    for _ in range(10):
        found = read(
            r.conn,
            r.call,
            Ask(object="opportunity", fields=("name",), sort=(sort,), limit=2, after=after),
            secret=SECRET,
        )
        parts += [row["name"] for row in found.rows()]
        after = found.next
        if after is None:
            break
    assert parts == whole and len(whole) == 7


def test_empties_come_last_both_ways(r: Records) -> None:
    deals(r, 2)
    assert names(r, "opportunity", sort=("amount",)) == ["deal 1", "deal 2", "no amount"]
    assert names(r, "opportunity", sort=("-amount",)) == ["deal 2", "deal 1", "no amount"]


def test_choices_sort_by_the_order_of_their_options_and_titles_as_they_are_read(r: Records) -> None:
    for name, grade in (("张三", "c"), ("李四", "a"), ("Acme", "b")):
        r.create("account", name=name, grade=grade)
    assert names(r, "account", sort=("grade",)) == ["李四", "Acme", "张三"]
    assert names(r, "account", sort=("name",)) == ["Acme", "李四", "张三"]


def test_where_speaks_the_expression_language(r: Records) -> None:
    account = deals(r)
    assert names(r, "opportunity", where="amount > 20 and stage == 'won'", sort=("amount",)) == [
        "deal 3",
        "deal 5",
    ]
    assert names(r, "opportunity", where="account.city == 'Shanghai' and amount is none") == ["no amount"]
    assert names(r, "opportunity", where=f"account == '{account}' and amount in (10, 40)") == [
        "deal 1",
        "deal 4",
    ]
    assert names(r, "account", where="COUNT(deals, amount > 40) > 0") == ["Acme"]
    assert names(r, "account", where="COUNT(deals, amount > 50) > 0") == []
    assert names(r, "opportunity", where="CONTAINS(name, 'DEAL 3')") == ["deal 3"]


def test_the_same_shape_with_other_values_is_one_text(r: Records) -> None:
    from patron_engine.query.statement import kept

    deals(r)
    assert names(r, "opportunity", where="amount > 20 and stage == 'won'") == ["deal 3", "deal 5"]
    texts = {s.statement.text for s in kept(r.call.tables)._items.values() if hasattr(s, "statement")}
    assert names(r, "opportunity", where="amount > 40 and stage == 'won'") == ["deal 5"]
    assert {s.statement.text for s in kept(r.call.tables)._items.values() if hasattr(s, "statement")} == texts


def test_paths_follow_links(r: Records) -> None:
    account = deals(r, 1)
    row = page(r, "opportunity", fields=("name", "account.name", "account.id", "account.grade"))[0]
    assert row == {"name": "deal 1", "account.name": "Acme", "account.id": account, "account.grade": "a"}


def test_a_star_is_everything_readable_and_may_stand_beside_a_path(r: Records) -> None:
    deals(r, 1)
    row = page(r, "opportunity", fields=("*", "account.city"))[0]
    assert row["account.city"] == "Shanghai" and row["name"] == "deal 1"


def test_what_lies_behind_a_deleted_record_is_empty_and_the_id_stays(r: Records) -> None:
    account = r.create("account", name="Acme", city="X")
    r.create("contact", name="Li", account=account)
    parent = r.create("account", name="Group")
    child = r.create("account", name="Branch", parent=parent)
    r.do("delete", "account", parent)
    row = page(r, "account", fields=("name", "parent", "parent.name"), where="name == 'Branch'")[0]
    assert row["parent.name"] is None
    assert row["parent"] is None or row["parent"]["title"] is None
    assert child in {x["id"] for x in page(r, "account", fields=("id",))}
    assert parent not in {x["id"] for x in page(r, "account", fields=("id",))}
    assert [x["name"] for x in page(r, "account", fields=("name",), deleted=True)] == ["Group"]


def test_deleted_records_are_not_there(r: Records) -> None:
    id = r.create("account", name="Acme")
    r.do("delete", "account", id)
    with pytest.raises(NotFound):
        read_one(r.conn, r.call, "account", id)
    assert (
        read_one(r.conn, r.call, "account", id, deleted=True).record()["deleted_at"] == "2026-05-20T04:00:00Z"
    )


def test_voided_records_are_left_out_unless_asked(r: Records) -> None:
    kept, gone = r.create("account", name="Kept"), r.create("account", name="Void")
    r.do("void", "account", gone)
    assert names(r, "account") == ["Kept"]
    assert names(r, "account", voided="yes") == ["Kept", "Void"]
    assert names(r, "account", voided="only") == ["Void"]
    assert read_one(r.conn, r.call, "account", gone).record()["name"] == "Void"
    assert kept


def test_counts(r: Records) -> None:
    deals(r)
    asked = Ask(object="opportunity", where="amount > 20", limit=1, count="exact")
    assert read(r.conn, r.call, asked, secret=SECRET).count == 3
    r.conn.execute("ANALYZE w_test.opportunity")
    estimate = read(r.conn, r.call, replace(asked, where=None, count="estimate"), secret=SECRET).count
    assert estimate == 6
    found = counts(r.conn, r.call)
    assert (found["opportunity"], found["account"], found["contract"]) == (6, 1, 0)


def test_a_set_of_one_record(r: Records) -> None:
    account = deals(r, 2)
    other = r.create("account", name="Other")
    r.create("opportunity", name="elsewhere", account=other, partners=[account])
    r.create("note", text="about acme", about={"object": "account", "id": account})
    within = Within(object="account", id=account, set="deals")
    assert names(r, "opportunity", within=within) == ["deal 1", "deal 2", "no amount"]
    assert names(r, "", within=within, sort=("-name",)) == ["no amount", "deal 2", "deal 1"]
    assert names(r, "", within=replace(within, set="partner_deals_set")) == ["elsewhere"]
    assert [x["text"] for x in page(r, "", fields=("text",), within=replace(within, set="notes"))] == [
        "about acme"
    ]
    with pytest.raises(NotFound):
        page(r, "", within=replace(within, set="nothing"))
    with pytest.raises(NotFound):
        page(r, "", within=replace(within, id="0198c0de-0000-7000-8000-000000000009"))


def test_details_come_with_their_master_when_asked(r: Records) -> None:
    account = r.create("account", name="Acme")
    pump = r.create("product", name="Pump", price="5")
    id = r.create(
        "opportunity", name="Deal", account=account, lines=[{"product": pump, "quantity": 2, "price": "3"}]
    )
    record = read_one(r.conn, r.call, "opportunity", id, expand=("lines",)).record()
    assert [(x["product"]["title"], x["quantity"], x["subtotal"]) for x in record["lines"]] == [
        ("Pump", "2", "6")
    ]
    with pytest.raises(Refused, match="no details"):
        read_one(r.conn, r.call, "opportunity", id, expand=("notes",))


def test_several_object_links_and_paths_through_them(r: Records) -> None:
    account = r.create("account", name="Acme", city="Xi'an")
    r.create("note", text="hello", about={"object": "account", "id": account})
    row = page(r, "note", fields=("about", "about[account].city", "about[opportunity].name"))[0]
    assert row["about"] == {"object": "account", "id": account, "title": "Acme"}
    assert row["about[account].city"] == "Xi'an" and row["about[opportunity].name"] is None


@pytest.mark.parametrize("q", ["华为", "为技", "huawei", "hw", "8000", "138 华为", "hua wei", "HUAWEI"])
def test_search_finds_chinese_pinyin_and_the_end_of_a_phone_number(r: Records, q: str) -> None:
    r.create("account", name="华为技术有限公司", phone="13800138000")
    r.create("account", name="Acme", phone="13912345678")
    assert names(r, "account", q=q) == ["华为技术有限公司"]


def test_search_finds_words_by_their_beginning_and_nothing_else(r: Records) -> None:
    r.create("account", name="Acme Corporation")
    assert names(r, "account", q="corp") == ["Acme Corporation"]
    assert names(r, "account", q="acme corporation") == ["Acme Corporation"]
    assert names(r, "account", q="acme limited") == []


def test_typed_rows_are_values_in_python(r: Records) -> None:
    account = deals(r, 1)
    row = rows(
        r.conn, r.call, Ask(object="opportunity", fields=("name", "amount", "account", "account.name"))
    )[0]
    assert row == {"name": "deal 1", "amount": Decimal(10), "account": account, "account.name": "Acme"}


def test_walk_gives_every_record_in_parts(r: Records) -> None:
    deals(r, 6)
    with r.conn.transaction():
        parts = list(
            walk(r.conn, r.call, Ask(object="opportunity", fields=("name",), sort=("name",), limit=1), size=3)
        )
    assert [len(p) for p in parts] == [3, 3, 1]
    assert parts[0][0] == {"name": "deal 1"}


def test_a_cursor_is_good_for_its_question_only(r: Records) -> None:
    deals(r)
    asked = Ask(object="opportunity", sort=("name",), limit=2)
    after = read(r.conn, r.call, asked, secret=SECRET).next
    assert after is not None
    for other in (
        replace(asked, after=after, sort=("-name",)),
        replace(asked, after=after, where="amount > 1"),
        replace(asked, after=after[:-2] + "AA"),
        replace(asked, after="x" * 9),
    ):
        with pytest.raises(Conflict) as error:
            read(r.conn, r.call, other, secret=SECRET)
        assert error.value.code == "cursor_outdated"
    with pytest.raises(Conflict):
        read(r.conn, r.call, replace(asked, after=after), secret=b"another process's key")
    assert len(read(r.conn, r.call, replace(asked, after=after, limit=4), secret=SECRET).rows()) == 4


def test_whoever_has_nothing_sees_nothing_not_even_names(r: Records) -> None:
    deals(r, 1)
    call = replace(r.call, actor=NOBODY)
    with pytest.raises(NotFound) as hidden:
        read(r.conn, call, Ask(object="opportunity"), secret=SECRET)
    with pytest.raises(NotFound) as missing:
        read(r.conn, call, Ask(object="opportunitx"), secret=SECRET)
    assert str(hidden.value).replace("opportunity", "X") == str(missing.value).replace("opportunitx", "X")
    assert hidden.value.hint is missing.value.hint is None
    assert counts(r.conn, call) == {}


def test_history_tells_what_was_there_before(r: Records) -> None:
    id = r.create("account", name="Acme", city="A")
    r.update("account", id, city="B")
    found = history(r.conn, r.call, "account", id)
    assert [(h["action"], h["version"], h["old"]) for h in found] == [
        ("updated", 2, {"city": "A"}),
        ("created", 1, {}),
    ]
    with pytest.raises(NotFound):
        history(r.conn, r.call, "account", "0198c0de-0000-7000-8000-000000000009")


def test_external_ids_of_a_record(r: Records) -> None:
    id = r.act(Change(action="create", object="account", set={"name": "Acme"}, external_ids={"erp": "K-1"}))[
        0
    ].id
    assert external_ids(r.conn, r.call, "account", str(id)) == {"erp": "K-1"}
