"""The way save on a real database: details and their master, figures over records below and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_testing.build import Records, Templates
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


def test_details_are_saved_with_their_master(r: Records) -> None:
    acme = r.create("account", name="Acme")
    pump = r.create("product", name="Pump", code="P1")
    r.create("tier", product=pump, min_quantity="0", price="10")
    r.create("tier", product=pump, min_quantity="5", price="8")
    deal = r.create(
        "opportunity", name="D", account=acme,
        lines=[{"product": {"code": "P1"}, "quantity": "2"}, {"product": pump, "quantity": "5"}],
    )  # fmt: skip
    lines = sorted(r.rows("line"), key=lambda row: row["quantity"])
    assert [(row["price"], row["subtotal"]) for row in lines] == [(10, 20), (8, 40)], "prices found by tier"
    assert r.row("opportunity", deal)["lines_sum"] == 60
    assert r.row("opportunity", deal)["double"] == 120
    assert r.row("account", acme)["lines_total"] == 60
    first = str(lines[0]["id"])
    outcome = r.update(
        "opportunity",
        deal,
        lines=[{"id": first, "quantity": "6"}, {"id": str(lines[1]["id"]), "delete": True}],
    )
    assert (outcome.action, outcome.version) == ("updated", 2)
    assert r.row("line", first)["price"] == 8, "found again: the quantity changed"
    assert r.row("opportunity", deal)["lines_sum"] == 48
    assert r.row("account", acme)["lines_total"] == 48
    with pytest.raises(Refused) as caught:
        r.update("opportunity", deal, lines=[{"product": pump}, {"quantity": "x"}])
    assert ("lines[1].product", "required") in codes(caught.value)
    assert any(p.path == "lines[1].quantity" for p in caught.value.problems)
    r.update("line", first, quantity="1")
    assert r.row("opportunity", deal)["version"] == 3, "a detail's change raises its master's version"


def test_a_rule_over_the_sum_of_details_sees_them(r: Records) -> None:
    acme = r.create("account", name="Acme")
    pump = r.create("product", name="Pump")
    lines = [{"product": pump, "quantity": "1", "price": "3"}]
    with pytest.raises(Refused) as caught:
        r.create("opportunity", name="D", account=acme, stage="won", lines=lines)
    assert [p.rule for p in caught.value.problems] == ["no_cheap"]
    r.create("opportunity", name="D", account=acme, stage="won", lines=[{**lines[0], "price": "11"}])


def test_rollups_follow_update_move_delete_restore_void(r: Records) -> None:
    one, two = r.create("account", name="One"), r.create("account", name="Two")
    a = r.create("opportunity", name="A", account=one, amount="100", stage="won", close_date="2026-06-01")
    b = r.create("opportunity", name="B", account=one, amount="300", close_date="2026-07-01")

    def figures(id: str) -> tuple[Any, ...]:
        row = r.row("account", id)
        names = (
            "deals_count",
            "won_total",
            "biggest",
            "smallest",
            "average",
            "stages",
            "latest",
            "won_share",
        )
        return tuple(row[n] for n in names)

    assert figures(one) == (2, 100, 300, 100, 200, 2, "B", 50)
    r.update("opportunity", b, amount="50", stage="won")
    assert figures(one) == (2, 150, 100, 50, 75, 1, "B", 75)
    r.update("opportunity", b, account=two)
    assert figures(one) == (1, 100, 100, 100, 100, 1, "A", 100)
    assert figures(two) == (1, 50, 50, 50, 50, 1, "B", 50)
    r.do("delete", "opportunity", a)
    assert figures(one) == (0, 0, None, None, None, 0, None, None)
    r.do("restore", "opportunity", a)
    assert figures(one) == (1, 100, 100, 100, 100, 1, "A", 100)
    r.do("void", "opportunity", b)
    assert figures(two) == (0, 0, None, None, None, 0, None, None)
    r.do("unvoid", "opportunity", b)
    assert figures(two) == (1, 50, 50, 50, 50, 1, "B", 50)
    assert r.row("account", one)["version"] == 1, "roll-ups do not touch the parent's version"
    assert len(r.rows("sys__history", "record = %s", one)) == 1


def test_rollups_over_trees_several_objects_and_many_links(r: Records) -> None:
    top, sub = r.create("account", name="Top"), r.create("account", name="Sub")
    deal = r.create("opportunity", name="A", account=sub, partners=[top])
    assert r.row("account", top)["family_deals"] == 0
    assert r.row("account", top)["partner_deals"] == 1
    r.update("account", sub, parent=top)
    assert r.row("account", top)["family_deals"] == 1
    r.create("opportunity", name="B", account=sub)
    assert r.row("account", top)["family_deals"] == 2
    r.update("account", sub, parent=None)
    assert r.row("account", top)["family_deals"] == 0
    note = r.create("note", text="Hello", about={"object": "account", "id": top})
    assert r.row("account", top)["notes_count"] == 1
    r.update("note", note, about={"object": "opportunity", "id": deal})
    assert r.row("account", top)["notes_count"] == 0
    r.update("opportunity", deal, partners=[sub])
    assert (r.row("account", top)["partner_deals"], r.row("account", sub)["partner_deals"]) == (0, 1)
    with pytest.raises(Refused) as caught:
        r.act(Change(action="update", object="account", id=top, set={"parent": top}))
    assert codes(caught.value) == {("parent", "tree_cycle")}


def test_payments_never_exceed_their_contract(r: Records) -> None:
    contract = r.create("contract", amount="100")
    r.create("payment", contract=contract, amount="60")
    with pytest.raises(Refused) as caught:
        r.create("payment", contract=contract, amount="60")
    assert [(p.rule, p.path) for p in caught.value.problems] == [("not_overpaid", "contract")]
    assert r.row("contract", contract)["paid"] == 60 and r.row("contract", contract)["open"] == 40
    with pytest.raises(Refused):
        r.update("contract", contract, amount="50")
    payment = r.create("payment", contract=contract, amount="40")
    with pytest.raises(Refused):
        r.update("payment", payment, amount="41")


def test_stock_is_made_when_it_is_missing_and_never_below_zero(r: Records) -> None:
    pump = r.create("product", name="Pump")
    r.create("move", product=pump, quantity="5")
    r.create("move", product=pump, quantity="-3")
    stock = r.rows("stock")
    assert len(stock) == 1 and stock[0]["quantity"] == 2
    with pytest.raises(Refused) as caught:
        r.create("move", product=pump, quantity="-3")
    assert [p.rule for p in caught.value.problems] == ["not_negative"]


def test_managers_and_departments_keep_their_closures(r: Records) -> None:
    boss, lead, rep = (r.create("user", name=n) for n in ("Boss", "Lead", "Rep"))
    r.update("user", rep, manager=lead)
    r.update("user", lead, manager=boss)

    def reports() -> set[tuple[str, str, int]]:
        names = {boss: "boss", lead: "lead", rep: "rep"}
        return {
            (names[str(x["boss"])], names[str(x["member"])], x["depth"])
            for x in r.rows("sys__reports", "depth > 0")
        }

    assert reports() == {("boss", "lead", 1), ("boss", "rep", 2), ("lead", "rep", 1)}
    with pytest.raises(Refused):
        r.update("user", boss, manager=rep)
    r.update("user", lead, manager=None)
    assert reports() == {("lead", "rep", 1)}
