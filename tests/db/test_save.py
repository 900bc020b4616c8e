"""The way save on a real database: one record and many: what is filled in, checked, found, numbered, removed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Cause
from patron_engine.errors import NeedsConfirmation, NotFound, Refused, StaleVersion
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_testing.build import NOON, Records, Templates
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def codes(error: Refused) -> set[tuple[str | None, str]]:
    return {(p.path, p.code) for p in error.problems}


def test_create_fills_in_what_the_platform_knows(r: Records) -> None:
    account = r.create("account", name=" Acme ", city="Hangzhou", tags=["vip"])
    row = r.row("account", account)
    assert row["name"] == "Acme"
    assert row["grade"] == "b"
    assert row["tags"] == ["vip"]
    assert row["version"] == 1
    assert row["created_at"] == row["updated_at"] == NOON
    assert row["deals_count"] == 0 and row["won_total"] == 0 and row["biggest"] is None
    deal = r.row("opportunity", r.create("opportunity", name="Pumps", account=account, amount="200"))
    assert deal["city"] == "Hangzhou", "filled from the account"
    assert deal["close_date"].isoformat() == "2026-06-19", "a default that is an expression"
    assert deal["expected"] == Decimal(20)


def test_everything_wrong_is_told_at_once(r: Records) -> None:
    with pytest.raises(Refused) as caught:
        r.create("opportunity", amount="-1", stage="maybe", nothing=1, expected="5", close_date="2026-02-30")
    assert codes(caught.value) >= {
        ("name", "required"), ("account", "required"), ("nothing", "unknown_field"), ("expected", "computed_field"),
    }  # fmt: skip
    assert {p.path for p in caught.value.problems} >= {"amount", "stage", "close_date"}
    assert r.rows("opportunity") == []


def test_update_changes_what_was_given_and_nothing_else(r: Records) -> None:
    account = r.create("account", name="Acme")
    outcome = r.update("account", account, city="Ningbo", code=None)
    assert (outcome.action, outcome.version, outcome.changed) == ("updated", 2, ("city",))
    again = r.update("account", account, city="Ningbo")
    assert (again.action, again.version) == ("unchanged", 2)
    history = r.rows("sys__history", "record = %s ORDER BY version", account)
    assert [(h["version"], h["action"], h["old"]) for h in history] == [
        (1, "created", {}), (2, "updated", {"city": None}),
    ]  # fmt: skip
    assert history[1]["cause"] == {"kind": "user"}


def test_two_people_change_one_record(r: Records) -> None:
    account = r.create("account", name="Acme", city="A")
    r.update("account", account, city="B")
    with pytest.raises(StaleVersion) as caught:
        r.act(Change(action="update", object="account", id=account, version=1, set={"city": "C"}))
    assert caught.value.values == {"city": {"mine": "C", "theirs": "B"}, "version": 2}


def test_a_record_that_is_not_there(r: Records) -> None:
    with pytest.raises(NotFound):
        r.update("account", "018f0000-0000-7000-8000-000000000001", city="X")
    with pytest.raises(NotFound):
        r.update("account", "no id", city="X")


def test_links_by_id_unique_field_and_external_id(r: Records) -> None:
    acme = r.act(
        Change(
            action="create", object="account", set={"name": "Acme", "code": "A1"}, external_ids={"erp": "77"}
        )
    )[0].id
    for written in (acme, {"code": "A1"}, {"external_ids.erp": "77"}, {"id": acme, "title": "Acme"}):
        contact = r.create("contact", name="Li", account=written)
        assert r.row("contact", contact)["account"] == acme
    with pytest.raises(Refused) as caught:
        r.create("contact", name="Li", account={"name": "Acme"})
    assert codes(caught.value) == {("account", "not_unique_field")}
    with pytest.raises(Refused) as caught:
        r.create("contact", name="Li", account={"code": "A2"})
    assert codes(caught.value) == {("account", "link_not_found")}
    by_title = r.act(
        Change(action="create", object="contact", set={"name": "Li", "account": "Acme"}, source="text")
    )[0]
    assert r.row("contact", by_title.id or "")["account"] == acme


def test_a_lookup_condition_is_enforced(r: Records) -> None:
    acme, other = r.create("account", name="Acme"), r.create("account", name="Other")
    li = r.create("contact", name="Li", account=acme)
    deal = r.create("opportunity", name="D", account=acme, contact=li)
    with pytest.raises(Refused) as caught:
        r.update("opportunity", deal, account=other)
    assert codes(caught.value) == {("contact", "link_not_allowed")}


def test_conditions_of_fields(r: Records) -> None:
    acme = r.create("account", name="Acme")
    deal = r.create("opportunity", name="D", account=acme)
    with pytest.raises(Refused) as caught:
        r.update("opportunity", deal, stage="lost")
    assert codes(caught.value) == {("lost_reason", "required")}
    r.update("opportunity", deal, stage="won", locked=True)
    with pytest.raises(Refused) as caught:
        r.update("opportunity", deal, locked=False)
    assert codes(caught.value) == {("locked", "readonly_field")}


def test_warnings_ask_and_are_taken_when_named(r: Records) -> None:
    acme = r.create("account", name="Acme")
    change = {"name": "D", "account": acme, "amount": "2000000"}
    with pytest.raises(NeedsConfirmation) as caught:
        r.create("opportunity", **change)
    assert [p.rule for p in caught.value.problems] == ["big"]
    taken = r.act(Change(action="create", object="opportunity", set=change, confirm=frozenset({"big"})))[0]
    assert taken.action == "created" and [p.rule for p in taken.problems] == ["big"]
    rules = Records(r.conn, replace_cause(r, Cause(kind="import")))
    outcome = rules.act(Change(action="create", object="opportunity", set={**change, "name": "E"}))[0]
    assert outcome.action == "created" and [p.level for p in outcome.problems] == ["warning"]


def replace_cause(r: Records, cause: Cause) -> Any:
    from dataclasses import replace

    return replace(r.call, cause=cause)


def test_numbers_count_without_gaps(r: Records) -> None:
    first = r.create("contract", amount="1")
    with pytest.raises(Refused):
        r.create("contract")
    with pytest.raises(RuntimeError), r.conn.transaction():
        r.create("contract", amount="1")
        raise RuntimeError("the caller gives up")
    second = r.create("contract", amount="1")
    assert r.row("contract", first)["number"] == "C-202605-0001"
    assert r.row("contract", second)["number"] == "C-202605-0002"


def test_unique_values_are_taken_by_live_records_only(r: Records) -> None:
    first = r.create("account", name="Acme", code="A1")
    with pytest.raises(Refused) as caught:
        r.create("account", name="Acme", code="A1")
    assert codes(caught.value) == {("code", "taken")}
    r.do("delete", "account", first)
    r.create("account", name="Acme", code="A1")
    with pytest.raises(Refused) as caught:
        r.do("restore", "account", first)
    assert codes(caught.value) == {("code", "taken")}
    acme = r.create("account", name="B")
    r.create("opportunity", name="D", account=acme)
    with pytest.raises(Refused):
        r.create("opportunity", name="D", account=acme)
    r.create("opportunity", name="D", account=acme, stage="lost", lost_reason="price")


def test_upsert_by_unique_field_and_external_id(r: Records) -> None:
    def upsert(by: tuple[str, str], **values: Any) -> Any:
        return r.act(Change(action="upsert", object="account", by=by, set=values))[0]

    made = upsert(("code", "A1"), name="Acme")
    again = upsert(("code", "A1"), name="Acme Ltd")
    assert (made.action, again.action, made.id == again.id) == ("created", "updated", True)
    assert r.row("account", made.id)["code"] == "A1"
    made = upsert(("external_ids.erp", "5"), name="Bolt")
    again = upsert(("external_ids.erp", "5"), name="Bolt Ltd")
    assert (made.action, again.action, made.id == again.id) == ("created", "updated", True)


def test_deletion_takes_along_and_brings_back(r: Records) -> None:
    acme = r.create("account", name="Acme")
    li = r.create("contact", name="Li", account=acme)
    note = r.create("note", text="N", about={"object": "account", "id": acme})
    deal = r.create("opportunity", name="D", account=acme)
    with pytest.raises(Refused) as caught:
        r.do("delete", "account", acme)
    assert [p.code for p in caught.value.problems] == ["referenced"]
    assert "1 Opportunity" in caught.value.problems[0].message
    r.do("delete", "opportunity", deal)
    r.do("delete", "account", acme)
    assert all(r.row(o, i)["deleted_at"] for o, i in (("account", acme), ("contact", li), ("note", note)))
    with pytest.raises(NotFound):
        r.update("contact", li, name="X")
    r.do("restore", "contact", li)
    assert not any(r.row(o, i)["deleted_at"] for o, i in (("account", acme), ("contact", li), ("note", note)))
    assert r.row("opportunity", deal)["deleted_at"], "it was deleted by itself, before"
    history = [h["action"] for h in r.rows("sys__history", "record = %s ORDER BY version", acme)]
    assert history == ["created", "deleted", "restored"]


def test_purge_clears_what_pointed_there(r: Records) -> None:
    top = r.create("account", name="Top")
    sub = r.create("account", name="Sub", parent=top)
    note = r.create("note", text="N", about={"object": "account", "id": top})
    r.do("delete", "account", top)
    assert str(r.row("account", sub)["parent"]) == top, (
        "kept until the purge, so that restoring brings it back"
    )
    r.do("purge", "account", top)
    assert r.row("account", sub)["parent"] is None
    assert r.rows("account", "id = %s", top) == [] and r.rows("note", "id = %s", note) == []
    assert r.rows("sys__search", "record = %s", top) == []
    assert [h["action"] for h in r.rows("sys__history", "record = %s", top)][-1] == "purged"


def test_bulk_all_or_nothing_and_each(r: Records) -> None:
    changes = [
        Change(action="create", object="account", set={"name": "A", "code": "1"}),
        Change(action="create", object="account", set={"code": "2"}),
        Change(action="create", object="account", set={"name": "C", "code": "1"}),
    ]
    with pytest.raises(Refused) as caught:
        r.act(*changes)
    assert codes(caught.value) == {("[1].name", "required"), ("[2].code", "taken")}
    assert r.rows("account") == []
    outcomes = r.act(*changes, mode="each")
    assert [o.action for o in outcomes] == ["created", "refused", "refused"]
    assert [p.code for p in outcomes[2].problems] == ["taken"]
    contract = r.create("contract", amount="100")
    payments = [
        Change(action="create", object="payment", set={"contract": contract, "amount": a})
        for a in ("60", "50", "40")
    ]
    outcomes = r.act(*payments, mode="each")
    assert (
        sorted(o.action for o in outcomes) == ["created", "refused", "refused"]
        or r.row("contract", contract)["paid"] <= 100
    )
    assert r.row("contract", contract)["paid"] <= 100


def test_many_at_once_are_like_one_after_the_other(r: Records) -> None:
    acme = r.create("account", name="Acme")
    outcomes = r.act(
        *[
            Change(
                action="create",
                object="opportunity",
                set={"name": f"D{n}", "account": acme, "amount": str(n)},
            )
            for n in range(50)
        ]
    )
    assert {o.action for o in outcomes} == {"created"}
    row = r.row("account", acme)
    assert (row["deals_count"], row["biggest"], row["smallest"]) == (50, 49, 0)
    assert len(r.rows("sys__history", "object = 'opportunity'")) == 50
    with pytest.raises(Refused) as caught:
        r.create("opportunity", name="one more", account=acme)
    assert [p.rule for p in caught.value.problems] == ["few_deals"]


def test_search_finds_what_was_saved(r: Records) -> None:
    acme = r.create("account", name="海湾机械", phone="13800001111")
    li = r.create("contact", name="Li", account=acme)

    def tokens(record: str) -> set[str]:
        return {t for row in r.rows("sys__search", "record = %s", record) for t in row["tokens"]}

    assert "海湾" in tokens(acme) and "hai" in tokens(acme)
    assert "海湾" in tokens(li), "a contact is found by its account's name"
    r.update("account", acme, name="Bay Works")
    assert "海湾" not in tokens(acme) | tokens(li) and "bay" in tokens(li)


def test_a_trial_leaves_nothing(r: Records) -> None:
    outcome = r.act(Change(action="create", object="account", set={"name": "A"}), trial=True)[0]
    assert outcome.action == "created"
    assert r.rows("account") == []
