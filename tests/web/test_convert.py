"""Conversions over HTTP, with what the pack sales defines: each of its conversions runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_platform.identity.keys import create_key
from patron_platform.jobs.flow import work_flows
from patron_platform.workspace import make_workspace
from patron_testing.forms import sent
from patron_testing.pg import Server
from patron_testing.web import ADMIN, Api, Opened, Person, Template, serving

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
    account = api.make("account", name="Bright Pumps", tax_number="91310000MA1FL0L31X")
    contact = api.make("contact", name="Ann", account=account["id"], mobile="13800138001")
    product = api.make("product", name="Pump", code="P-1", list_price="100.00", status="on_sale")
    return {"account": account["id"], "contact": contact["id"], "product": product["id"]}


def soup(said: Any) -> BeautifulSoup:
    return BeautifulSoup(said.text, "html.parser")


def line(goods: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"product": goods["product"], "quantity": "2", "price": "90.00", **more}


def sources(api: Api, goods: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A record of each object that conversions begin with, as far along as they ask."""
    account, n = goods["account"], next(NUMBERS)
    deal = {"name": "New pumps", "account": account, "contact": goods["contact"]}
    made = {
        "lead": {"name": f"Li Lei {n}", "company": f"Valves {n * 7919}", "mobile": f"139{n:08}", "need": "valves"},
        "opportunity": {**deal, "stage": "qualification", "close_date": "2031-01-01", "amount": "180.00", "lines": [line(goods)]},
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
            said = api.post(place, {})
            assert said.status_code == 201, f"{described['name']}: {said.text}"
            done[described["name"]] = said.json()["targets"]
            for target in said.json()["targets"].values():
                api.read(target["object"], target["id"])
    assert set(done) == names
    order = done["quote_to_order"]["order"]
    made = api.rows("order_line", where=f"order == '{order['id']}'", fields="quantity,price")
    assert [(x["quantity"], x["price"]) for x in made] == [("2", "90")]


def test_a_won_deal_makes_a_contract_once_and_tells_finance(
    trade: Opened, api: Api, goods: dict[str, Any]
) -> None:
    place = trade.service.runtime.workspace(TRADE)
    clerk = api.make("user", name="Fang", email="fang@trade.example", roles=["finance"], language="en")
    deal = api.make(
        "opportunity", name="To be won", account=goods["account"], contact=goods["contact"], stage="qualification", amount="180.00",
        close_date="2025-01-01", lines=[line(goods)],
    )  # fmt: skip
    for stage in ("won", "qualification", "won"):
        said = api.patch(f"/records/opportunity/{deal['id']}", {"stage": stage})
        assert said.status_code == 200, said.text
        while work_flows(place):
            pass
    contracts = api.rows("contract", where=f"opportunity == '{deal['id']}'", fields="id,name,amount,account")
    assert [(c["name"], c["amount"], c["account"]["id"]) for c in contracts] == [
        ("To be won", "180", goods["account"])
    ]
    with place.connection("read") as conn:
        query = "SELECT text->>'en', record::text FROM w_trade.sys__notice WHERE person = %s"
        told = conn.execute(query, (clerk["id"],)).fetchall()
    assert told == [("A contract was made for a won opportunity", contracts[0]["id"])]
    history = api.get(f"/records/contract/{contracts[0]['id']}/history").json()["history"]
    assert (
        history[-1]["cause"]["kind"] == "automation"
        and history[-1]["cause"]["conversion"] == "opportunity_to_contract"
    )


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def me(trade: Opened) -> Person:
    return Person(trade.client, TRADE, ADMIN)


def lead(api: Api, **more: Any) -> dict[str, Any]:
    n = next(NUMBERS)
    values = {
        "name": f"Han Mei {n}",
        "company": f"Mills {n * 7919}",
        "mobile": f"138{n:08}",
        "budget": "5000",
        **more,
    }
    return api.make("lead", **values)


def test_the_page_offers_what_is_there_and_makes_the_rest(api: Api, me: Person) -> None:
    made = lead(api)
    account = api.post("/records/account", {"name": made["company"], "confirm": ["account_in_leads"]}).json()
    record = me.page(f"/o/lead/{made['id']}")
    (button,) = record.select(".record-actions > a.button[href*='/convert/']")
    assert button.get_text(strip=True) == "Convert to customer"
    path = f"/o/lead/{made['id']}/convert/lead_to_customer"
    page = me.page(path)
    assert page.select_one(f"input[name='_use.customer'][value='{account['id']}'][checked]")
    assert page.select_one("input[name='_use.person'][value=new][checked]")
    assert page.select_one("input[name='person~name']")["value"] == made["name"]
    assert page.select_one("input[name='deal~budget']")["value"] == "5,000"
    assert not page.select("[name='person~account'], [name='deal~account']"), (
        "the conversion itself sets them"
    )
    pairs = sent(page, {"person~name": "", "deal~name": "Mill pumps"})
    wrong = me.post(path, pairs)
    assert wrong.status_code == 422
    again = soup(wrong)
    assert again.select_one("[data-field='person~name'] .field-error")
    assert again.select_one("input[name='deal~name']")["value"] == "Mill pumps"
    assert api.read("lead", made["id"])["status"] != "converted"
    done = me.post(path, sent(again, {"person~name": "Han Mei"}))
    assert done.status_code == 303, soup(done).select(".form-summary")
    result = me.get(done.headers["location"].removeprefix(f"/w/{TRADE}")).text
    assert account["name"] in result and "Mill pumps" in result and "Han Mei" in result
    became = api.read("lead", made["id"])
    assert became["status"] == "converted" and became["account"]["id"] == account["id"]
    deal = api.read("opportunity", became["opportunity"]["id"])
    assert (deal["name"], deal["account"]["id"], deal["contact"]["id"]) == (
        "Mill pumps",
        account["id"],
        became["contact"]["id"],
    )
    assert me.post(path, pairs).status_code == 409
    act = done.headers["location"].rpartition("=")[2]
    assert me.post(f"/undo/{act}", {"back": f"/w/{TRADE}/o/lead/{made['id']}"}).status_code == 303
    assert api.read("lead", made["id"])["status"] == "new"
    assert api.get(f"/records/opportunity/{deal['id']}").status_code == 404


def test_the_stage_that_a_conversion_brings_a_record_to_leads_to_it(api: Api, me: Person) -> None:
    made = lead(api)
    (bar,) = me.page(f"/o/lead/{made['id']}").select("section.stages")
    assert bar.select("button[value=qualified]") and not bar.select("button[value=converted]")
    (way,) = bar.select("a.stage-to-won")
    assert str(way["href"]).endswith(f"/o/lead/{made['id']}/convert/lead_to_customer")


def test_only_a_conversion_brings_a_lead_to_converted(api: Api, me: Person) -> None:
    lead = api.make("lead", name="By hand", company="By hand Ltd", mobile="13700137009")
    said = api.patch(f"/records/lead/{lead['id']}", {"status": "converted"})
    assert said.status_code == 422 and said.json()["problems"][0]["code"] == "stage_conversion", said.text
    moved = me.post(f"/moves/lead/{lead['id']}", {"version": lead["version"], "set.status": "converted"})
    assert (
        moved.status_code == 422
        and "conversion" in moved.text
        and api.read("lead", lead["id"])["status"] != "converted"
    )
    assert api.post(f"/records/lead/{lead['id']}/convert/lead_to_customer", {}).status_code == 201
    assert api.read("lead", lead["id"])["status"] == "converted"


def test_chosen_leads_of_a_list_are_converted(api: Api, me: Person) -> None:
    leads = [
        api.make("lead", name=f"Many {n}", company=f"Many {n} Works", mobile=f"1360000{n:04}")
        for n in range(2)
    ]
    gone = api.make("lead", name="Gone", status="unqualified", unqualified_reason="no_need")
    page = me.page("/o/lead")
    assert page.select_one("button[name=conversion][value=lead_to_customer]") is not None
    ids = [("id", one["id"]) for one in (*leads, gone)]
    asked = soup(me.post("/list/lead/convert", [("conversion", "lead_to_customer"), *ids]))
    assert [b["value"] for b in asked.select("input[name=make]:not([disabled])")] == ["deal"]
    said = me.post("/list/lead/convert", [("conversion", "lead_to_customer"), ("sure", "1"), *ids])
    assert said.status_code == 200 and "Gone" in said.text
    for lead in leads:
        read = api.read("lead", lead["id"])
        assert read["status"] == "converted" and read["account"] and read["opportunity"] is None
    assert api.read("lead", gone["id"])["status"] == "unqualified"
    again = me.post("/list/lead/convert", [("conversion", "none"), ("sure", "1"), *ids])
    assert again.status_code == 404


def test_what_is_left_out_is_not_made(api: Api, me: Person) -> None:
    made = lead(api)
    path = f"/o/lead/{made['id']}/convert/lead_to_customer"
    done = me.post(path, sent(me.page(path), {"_use.deal": "none"}))
    assert done.status_code == 303, soup(done).select(".form-summary")
    assert api.read("lead", made["id"])["opportunity"] is None


def test_lines_go_along_and_a_row_that_is_taken_out_does_not(
    api: Api, me: Person, goods: dict[str, Any]
) -> None:
    quote = api.make(
        "quote", name="Two pumps", account=goods["account"], status="approved",
        lines=[line(goods), line(goods, quantity="5")],
    )  # fmt: skip
    path = f"/o/quote/{quote['id']}/convert/quote_to_order"
    page = me.page(path)
    assert [
        i["value"]
        for i in page.select("input[name^='order~lines.'][name$='.quantity']")
        if "__row__" not in i["name"]
    ] == [
        "2",
        "5",
    ]
    pairs = [(n, t) for n, t in sent(page, {}) if ".n1." not in n]
    done = me.post(path, pairs)
    assert done.status_code == 303, soup(done).select(".form-summary")
    order = done.headers["location"].partition("/o/order/")[2].partition("?")[0]
    lines = api.rows("order_line", where=f"order == '{order}'", fields="quantity,tax_rate,list_price")
    assert [x["quantity"] for x in lines] == ["5"] and lines[0]["list_price"] == "100"
    assert api.read("quote", quote["id"])["status"] == "accepted"


def test_many_are_converted_each_by_itself(api: Api) -> None:
    ids = [lead(api)["id"], lead(api, status="unqualified", unqualified_reason="no_need")["id"], "nonsense"]
    said = api.post("/records/lead/convert/lead_to_customer", {"ids": ids})
    assert said.status_code == 200, said.text
    told = said.json()["results"]
    assert told[0]["targets"]["deal"]["did"] == "created"
    assert [r["code"] for r in told[1:]] == ["not_convertible", "not_found"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"targets": []}, "not_map"),
        ({"targets": {"deal": {"leave_out": 1}}}, "bad_target"),
        ({"targets": {"deal": {"record": "x", "new": True}}}, "bad_target"),
        ({"targets": {"nobody": {}}}, "unknown_target"),
        ({"targets": {"customer": {"set": {"nonsense": 1}}}}, "unknown_field"),
        ({"confirm": "x"}, "not_list"),
    ],
)
def test_bad_requests(api: Api, body: dict[str, Any], code: str) -> None:
    said = api.post(f"/records/lead/{lead(api)['id']}/convert/lead_to_customer", body)
    assert said.status_code == 422 and code in {p["code"] for p in said.json()["problems"]}, said.text


def test_a_request_that_is_repeated_converts_once(api: Api) -> None:
    place = f"/records/lead/{lead(api)['id']}/convert/lead_to_customer"
    said = [api.post(place, {}, headers={"Idempotency-Key": "once-more"}) for _ in range(2)]
    assert [s.status_code for s in said] == [201, 201] and said[0].json() == said[1].json()
    assert api.post(place).status_code == 409
    assert api.get("/records/lead/nonsense/convert/lead_to_customer").status_code == 404
    assert api.get(f"/records/lead/{lead(api)['id']}/convert/nothing").status_code == 404
