"""Conversions over HTTP, with what the pack sales defines: each of its conversions runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, Api, Opened, Template, serving

TRADE = "trade"  # the workspace
NUMBERS = count(1)


@pytest.fixture(scope="module")
def trade(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, TRADE, packs=("sales",), administrator=ADMIN)
        yield opened


@pytest.fixture(scope="module")
def api(trade: Opened) -> Api:
    with trade.service.databases.system() as conn:
        return Api(trade.client, create_key(conn, ADMIN, TRADE))


@pytest.fixture(scope="module")
def goods(api: Api) -> dict[str, Any]:
    account = api.make("account", name="Bright Pumps")
    contact = api.make("contact", name="Ann", account=account["id"], mobile="13800138001")
    product = api.make("product", name="Pump", code="P-1", list_price="100.00", status="on_sale")
    return {"account": account["id"], "contact": contact["id"], "product": product["id"]}


def line(goods: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"product": goods["product"], "quantity": "2", "price": "90.00", **more}


def sources(api: Api, goods: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A record of each object that conversions begin with, as far along as they ask."""
    account, n = goods["account"], next(NUMBERS)
    deal = {"name": "New pumps", "account": account, "contact": goods["contact"]}
    made = {
        "lead": {"name": f"Li Lei {n}", "company": f"Valves {n * 7919}", "mobile": f"139{n:08}", "need": "valves"},
        "opportunity": {**deal, "stage": "qualification", "close_date": "2031-01-01", "lines": [line(goods)]},
        "quote": {**deal, "status": "approved", "lines": [line(goods)]},
        "contract": {
            **deal, "amount": "180.00", "status": "effective", "signed_on": "2025-01-01", "starts_on": "2025-01-01",
            "ends_on": "2030-12-31", "lines": [line(goods)],
        },
        "order": {"account": account, "status": "confirmed", "lines": [line(goods)]},
    }  # fmt: skip
    found = {"account": api.read("account", account)}
    for object, values in made.items():
        found[object] = api.make(object, **values)
    contract = found["contract"]["id"]
    found["payment_plan"] = api.make(
        "payment_plan", contract=contract, account=account, period=1, amount="50.00", due_on="2030-02-01"
    )
    found["invoice"] = api.make(
        "invoice", contract=contract, account=account, amount="60.00", status="issued", title="Bright Pumps",
        invoice_number=f"{n:08}", tax_number="91310000MA1FL0L31X", issued_on="2030-03-01",
    )  # fmt: skip
    return found


def test_every_conversion_of_the_pack_runs(trade: Opened, api: Api, goods: dict[str, Any]) -> None:
    definitions = api.get("/definitions", params={"kind": "conversion"}).json()["definitions"]
    names = {d["name"] for d in definitions}
    assert len(names) >= 19
    first = sources(api, goods)
    done: dict[str, Any] = {}
    for object in first:
        for described in api.get(f"/records/{object}/{first[object]['id']}/convert").json()["conversions"]:
            record = sources(api, goods)[object]
            place = f"/records/{object}/{record['id']}/convert/{described['name']}"
            seen = api.get(place)
            assert seen.status_code == 200, seen.text
            said = api.post(place, {"confirm": ["same_lead", "account_in_leads"]})
            print(
                described["name"],
                said.status_code,
                said.text[:700] if said.status_code != 201 else "",
                seen.text[:1500],
            )
            if said.status_code != 201:
                continue
            done[described["name"]] = said.json()["targets"]
            for target in said.json()["targets"].values():
                api.read(target["object"], target["id"])
    assert set(done) == names
    order = done["quote_to_order"]["order"]
    lines = api.rows("order_line", where=f"order == '{order['id']}'")
    assert [
        (x["quantity"], x["price"]["amount"] if isinstance(x["price"], dict) else x["price"]) for x in lines
    ] == [("2", "90.00")]
