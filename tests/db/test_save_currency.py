"""Documents of one currency: what is tied by `same_currency` adds up as it stands, and stays together."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_engine.record.drift import find_drift, repair
from patron_engine.store.session import configure
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: currency
label: Currency
title: code
owner: none
fields:
  - {name: code, type: text, required: true, unique: true}
---
kind: object
name: rate
label: Rate
title: currency.code
owner: none
fields:
  - {name: currency, type: lookup, to: currency, required: true}
  - {name: day, type: date, required: true}
  - {name: rate, type: decimal, required: true}
---
kind: object
name: account
label: Account
title: name
fields:
  - {name: name, type: text}
  - {name: outstanding, type: rollup, of: contracts, function: sum, field: outstanding}
---
kind: object
name: item
label: Item
title: name
fields:
  - {name: name, type: text}
  - {name: list_price, type: money}
---
kind: object
name: price
label: Price
title: name
currency: record
fields:
  - {name: name, type: text}
  - {name: amount, type: money}
---
kind: object
name: contract
label: Contract
title: name
currency: record
rate_date: signed_on
features: [void]
fields:
  - {name: name, type: text}
  - {name: account, type: lookup, to: account, reverse: contracts}
  - {name: signed_on, type: date}
  - {name: amount, type: money}
  - {name: received, type: rollup, of: payments, function: sum, field: amount}
  - {name: outstanding, type: formula, expression: "amount - received", returns: money}
  - {name: fee, type: money}
  - {name: item, type: lookup, to: item, fill: {fee: list_price}}
  - {name: price, type: lookup, to: price, fill: {fee: amount}}
rules:
  - {name: not_overpaid, when: "received > amount", at: amount, message: {en: Too much}}
---
kind: object
name: contract_line
label: Line
title: name
currency: record
fields:
  - {name: contract, type: master, to: contract, reverse: lines}
  - {name: name, type: text}
  - {name: price, type: money}
---
kind: object
name: payment
label: Payment
title: name
currency: record
rate_date: paid_on
features: [void]
fields:
  - {name: name, type: text}
  - {name: contract, type: lookup, to: contract, same_currency: true, reverse: payments}
  - {name: paid_on, type: date}
  - {name: amount, type: money}
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        records = Records(conn, call)
        euro = records.create("currency", code="EUR")
        records.create("rate", currency=euro, day="2026-01-01", rate="8")
        records.create("rate", currency=euro, day="2026-04-01", rate="7.5")
        yield records
    server.drop(url)


def codes(error: Refused) -> set[tuple[str | None, str]]:
    return {(p.path, p.code) for p in error.problems}


def contract(r: Records, **more: object) -> str:
    return r.create(
        "contract", **{"name": "C", "currency": "EUR", "signed_on": "2026-04-02", "amount": "100", **more}
    )


def test_payments_add_up_in_the_contracts_currency_whatever_the_rate_was(r: Records) -> None:
    account = r.create("account", name="A")
    made = contract(r, account=account)
    assert r.row("contract", made)["outstanding__base"] == 750, (
        "a formula is kept in both from the first save"
    )
    assert r.row("account", account)["outstanding"] == 750
    first = r.create("payment", contract=made, amount="60", paid_on="2026-03-01")
    assert r.row("payment", first)["currency"] == "EUR", "a payment is in its contract's currency"
    assert r.row("payment", first)["amount__base"] == 480
    row = r.row("contract", made)
    assert r.row("account", account)["outstanding"] == 300
    assert (row["received"], row["received__base"]) == (60, 450), "a figure of the contract, at its own rate"
    assert (row["outstanding"], row["outstanding__base"]) == (40, 300)
    assert r.row("account", account)["outstanding"] == 300, "an account counts in the workspace's currency"
    r.create("payment", contract=made, amount="40", paid_on="2026-03-01")
    assert r.row("contract", made)["outstanding"] == 0, "620 were paid for 750 and still it is all"
    with pytest.raises(Refused) as caught:
        r.create("payment", contract=made, amount="0.01", paid_on="2026-05-01")
    assert codes(caught.value) == {("contract", "rule")}
    r.do("delete", "payment", first)
    assert r.row("contract", made)["received"] == 40
    with r.conn.transaction():
        assert find_drift(r.conn, r.call, "contract") == find_drift(r.conn, r.call, "account") == []
        r.conn.execute("UPDATE w_test.contract SET received = 99, received__base = 99")
        repair(r.conn, r.call, "contract")
    row = r.row("contract", made)
    assert (row["received"], row["received__base"], row["outstanding__base"]) == (40, 300, 450)


def test_another_currency_is_refused_on_both_sides(r: Records) -> None:
    made = contract(r)
    with pytest.raises(Refused) as caught:
        r.create("payment", contract=made, currency="CNY", amount="1")
    assert codes(caught.value) == {("contract", "other_currency")}
    loose = r.create("payment", amount="1")
    assert r.row("payment", loose)["currency"] == "CNY"
    with pytest.raises(Refused) as caught:
        r.update("payment", loose, contract=made)
    assert codes(caught.value) == {("contract", "other_currency")}
    r.update("payment", loose, contract=made, currency="EUR")
    with pytest.raises(Refused) as caught:
        r.update("contract", made, currency="CNY")
    assert codes(caught.value) == {("currency", "currency_in_use")}
    r.update("payment", loose, contract=None)
    r.update("contract", made, currency="CNY")
    assert r.row("contract", made)["amount__base"] == 100


def test_lines_are_in_their_documents_currency_at_its_day(r: Records) -> None:
    made = contract(r, signed_on="2026-03-01", lines=[{"name": "x", "price": "10"}])
    assert r.rows("contract_line")[0]["price__base"] == 80, "the day of the contract, not of the entry"
    r.create("contract_line", contract=made, price="1")
    assert [line["price__base"] for line in r.rows("contract_line")] == [80, 8]
    for change in ({"currency": "CNY"}, {"lines": [{"currency": "CNY", "price": "1"}]}):
        with pytest.raises(Refused):
            r.update("contract", made, **change)
    assert {line["currency"] for line in r.rows("contract_line")} == {"EUR"}


def test_a_price_is_brought_in_the_currency_of_the_record(r: Records) -> None:
    item = r.create("item", name="Pump", list_price="750")
    assert r.row("contract", contract(r, item=item))["fee"] == 100, "750 CNY at 7.5"
    euros = r.create("price", name="EU list", currency="EUR", amount="99.99")
    assert r.row("contract", contract(r, price=euros))["fee"] == Decimal("99.99"), "it is in euros already"
    assert r.row("contract", contract(r, price=euros, currency="CNY"))["fee"] == Decimal("749.925")


def test_of_lines_nothing_is_said_where_their_record_is_refused(r: Records) -> None:
    """A contract that is refused before its currency is filled: what it lacks is told, not that its lines have none."""
    with pytest.raises(Refused) as caught:
        r.create("contract", name="x" * 300, currency="EUR", lines=[{"name": "a", "price": "1"}])
    assert {path for path, _ in codes(caught.value)} == {"name"}, codes(caught.value)
