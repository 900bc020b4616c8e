"""Tables of details over HTTP: five hundred rows, rules over them told while one writes, two people in one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.forms import Pairs, drawn, saved, sent
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, Api, Opened, Person, Template, serving

ORDERS = "orders"  # the workspace
NEW = "/o/fm_order/new?type=plain"


@pytest.fixture(scope="module")
def orders(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, ORDERS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        yield opened


@pytest.fixture
def person(orders: Opened) -> Person:
    return Person(orders.client, ORDERS, ADMIN)


@pytest.fixture(scope="module")
def api(orders: Opened) -> Api:
    with orders.service.databases.system() as conn:
        return Api(orders.client, create_key(conn, ADMIN, ORDERS))


def made(api: Api, rows: int = 2, **more: Any) -> dict[str, Any]:
    lines = [{"what": f"L{n}", "quantity": "1", "price": "10", "position": n} for n in range(1, rows + 1)]
    return api.make("fm_order", name="Long", lines=lines, **more)


def lines(api: Api, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = api.get(
            f"/records/fm_order/{id}/related/lines", params={"limit": "200", "sort": "position", **after}
        ).json()
        found += page["records"]
        if not page["next"]:
            return found
        after = {"after": page["next"]}


def keys(page: BeautifulSoup) -> list[str]:
    return [str(r["data-key"]) for r in page.select("[data-set=lines] tbody > tr")]


def looked(person: Person, path: str, form: Pairs) -> dict[str, Any]:
    """What the open form is told while one writes."""
    said = person.post(f"{path}/preview", form)
    assert said.status_code == 200, said.text
    found: dict[str, Any] = said.json()
    return found


def test_five_hundred_rows_are_edited_and_none_is_lost(person: Person, api: Api) -> None:
    id = made(api, 500)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    assert len(keys(page)) == 200
    assert "300" in page.select_one(".sheet-left").get_text()  # type: ignore[union-attr]
    total = page.select_one("[data-total='lines.subtotal']")
    assert total is not None and "5,000" in total.get_text()  # of all rows, not of those that are shown
    first, second = keys(page)[:2]
    form = sent(page, {f"lines.{first}.price": "20", f"lines.{second}._delete": "true"})
    assert "5,000" in looked(person, f"/o/fm_order/{id}", form)["totals"]["lines.subtotal"]
    assert person.post(path, form).status_code == 303
    after = lines(api, id)
    assert len(after) == 499
    assert [r["price"] for r in after[:2]] == ["20", "10"]
    assert api.read("fm_order", id)["total"] == "5000"


def test_more_rows_are_shown_with_what_was_typed(person: Person, api: Api) -> None:
    id = made(api, 500)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    mine = keys(page)[3]
    for shown in (400, 500):
        form = sent(page, {f"lines.{mine}.price": "99", "name": "Typed", "_more": "lines"})
        said = person.post(path, form)
        assert said.status_code == 200
        page = BeautifulSoup(said.text, "html.parser")
        assert len(keys(page)) == len(set(keys(page))) == shown
    assert page.select_one(".sheet-left") is None
    assert drawn(page)["name"] == ["Typed"] and drawn(page)[f"lines.{mine}.price"] == ["99"]
    assert person.post(path, sent(page, {f"lines.{keys(page)[-1]}.what": "Last"})).status_code == 303
    after = lines(api, id)
    assert len(after) == 500
    assert (after[3]["price"], after[-1]["what"]) == ("99", "Last")


def test_rows_that_are_only_named_stay_as_they_are(person: Person, api: Api) -> None:
    """What a browser sends of a long table: that a row is there, and nothing of it."""
    id = made(api, 3)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    kept = [(n, t) for n, t in sent(page, {"name": "Bare"}) if "lines." not in n or n.endswith("._row")]
    assert person.post(path, kept).status_code == 303
    assert [(r["what"], r["price"]) for r in lines(api, id)] == [("L1", "10"), ("L2", "10"), ("L3", "10")]


def test_a_rule_over_a_figure_of_the_rows_is_told_while_one_writes(person: Person, api: Api) -> None:
    form = sent(
        person.page(NEW), {"name": "Over", "most": "50", "lines.n1.what": "A", "lines.n1.price": "60"}
    )
    said = looked(person, "/o/fm_order/new", form)
    assert "The lines are more than the limit" in said["fields"]["most"]
    form = sent(
        person.page(NEW), {"name": "Under", "most": "50", "lines.n1.what": "A", "lines.n1.price": "40"}
    )
    assert "more than the limit" not in str(looked(person, "/o/fm_order/new", form)["fields"])
    id = made(api, 2, most="25")["id"]
    path = f"/o/fm_order/{id}"
    page = person.page(f"{path}/edit")
    form = sent(page, {f"lines.{keys(page)[0]}.price": "16"})
    assert "more than the limit" in looked(person, path, form)["fields"]["most"]


def test_a_rule_that_counts_rows_is_told_while_one_writes(person: Person) -> None:
    rows = {f"lines.n{n}.{f}": v for n in (1, 2) for f, v in (("what", "A"), ("quantity", "101"))}
    form = sent(person.page(NEW), {"name": "Big", **rows})
    assert "Only one line" in looked(person, "/o/fm_order/new", form)["fields"]["name"]
    form = sent(person.page(NEW), {"name": "Big", **rows, "lines.n2.quantity": "99"})
    assert "Only one line" not in str(looked(person, "/o/fm_order/new", form)["fields"])


def test_two_people_change_the_same_cell_and_the_second_chooses(person: Person, api: Api) -> None:
    id = made(api, 3)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    first, second, third = keys(page)
    mine = sent(
        page, {f"lines.{first}.price": "11", f"lines.{second}.price": "12", f"lines.{third}.what": "Mine"}
    )
    theirs = [{"id": first, "price": "21"}, {"id": second, "quantity": "2"}]
    assert api.patch(f"/records/fm_order/{id}", {"lines": theirs}).status_code == 200
    said = person.post(path, mine)
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    told = [[c.get_text(" ", strip=True) for c in r.select("th, td")] for r in page.select(".stale tbody tr")]
    assert told == [["L1 · Price", "11", "CN¥21.00"]]  # what only one of them changed is no question
    taken = sent(page, {f"_take.lines.{first}.price": "theirs"})
    assert person.post(path, taken).status_code == 303
    after = lines(api, id)
    assert [(r["what"], r["price"], r["quantity"]) for r in after] == [
        ("L1", "21", "1"),
        ("L2", "12", "2"),
        ("Mine", "10", "1"),
    ]


def test_different_rows_of_two_people_are_both_kept(person: Person, api: Api) -> None:
    id = made(api, 2)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    first, second = keys(page)
    mine = sent(page, {f"lines.{first}.price": "5"})
    assert (
        api.patch(
            f"/records/fm_order/{id}", {"lines": [{"id": second, "price": "6"}, {"what": "New"}]}
        ).status_code
        == 200
    )
    assert person.post(path, mine).status_code == 303
    assert sorted(str(r["price"]) for r in lines(api, id)) == ["5", "6", "None"]


@pytest.mark.parametrize(("choice", "left"), [("gone", ["L2"]), ("again", ["L1", "L2"])])
def test_a_row_they_removed_and_i_changed(person: Person, api: Api, choice: str, left: list[str]) -> None:
    id = made(api, 2)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    first = keys(page)[0]
    mine = sent(page, {f"lines.{first}.price": "7"})
    api.patch(f"/records/fm_order/{id}", {"lines": [{"id": first, "delete": True}]})
    said = person.post(path, mine)
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    assert page.select_one(f"[name='_take.lines.{first}'][checked]")["value"] == "gone"  # type: ignore[index]
    form = [p for p in mine if p[0] not in ("_version", "_once")]
    form += [("_version", drawn(page)["_version"][0]), (f"_take.lines.{first}", choice)]
    assert person.post(path, form).status_code == 303
    assert sorted(r["what"] for r in lines(api, id)) == left


@pytest.mark.parametrize(("choice", "left"), [("mine", ["L2"]), ("theirs", ["L1", "L2"])])
def test_a_row_i_removed_and_they_changed(person: Person, api: Api, choice: str, left: list[str]) -> None:
    id = made(api, 2)["id"]
    path = f"/o/fm_order/{id}/edit"
    page = person.page(path)
    first = keys(page)[0]
    mine = sent(page, {f"lines.{first}._delete": "true"})
    api.patch(f"/records/fm_order/{id}", {"lines": [{"id": first, "price": "8"}]})
    said = person.post(path, mine)
    assert said.status_code == 422
    form = sent(BeautifulSoup(said.text, "html.parser"), {f"_take.lines.{first}": choice})
    assert person.post(path, form).status_code == 303
    assert sorted(r["what"] for r in lines(api, id)) == left


def test_a_currency_is_one_of_those_in_use(person: Person, api: Api) -> None:
    api.make("currency", name="Old Mark", code="ZZM", active=False)
    page = person.page(NEW)
    options = [str(o["value"]) for o in page.select("select[name=currency] option")]
    assert options[:2] == ["", "CNY"] and "USD" in options and "ZZM" not in options


def test_an_amount_is_grouped_and_stays_what_it_is(person: Person, api: Api) -> None:
    id = made(api, 1, most="1234567.5")["id"]
    page = person.page(f"/o/fm_order/{id}/edit")
    assert drawn(page)["most"] == ["1,234,567.50"]
    assert saved(person, f"/o/fm_order/{id}/edit", {"name": "Same"}) == id
    assert api.read("fm_order", id)["most"] == "1234567.5"
    grouped = api.get(f"/records/fm_order/{id}/history").json()
    assert "most" not in str(grouped).split("Same")[0].rpartition("{")[2]


def test_records_are_looked_for_without_scripts_and_nothing_typed_is_lost(person: Person, api: Api) -> None:
    names = [api.make("account", name=f"Boatyard {n}")["id"] for n in ("North", "South")]
    form = sent(
        person.page(NEW),
        {"name": "Typed", "_find.account": "boatyard", "_search": "account", "lines.n1.what": "Kept"},
    )
    said = person.post(NEW, form)
    assert said.status_code == 200
    page = BeautifulSoup(said.text, "html.parser")
    offered = [str(o["value"]) for o in page.select("select[name=account] option") if o["value"]]
    assert sorted(offered) == sorted(names)
    assert drawn(page)["name"] == ["Typed"] and drawn(page)["lines.n1.what"] == ["Kept"]
    assert drawn(page)["account"] == [""]  # nothing is chosen for one
    assert person.post(NEW, sent(page, {"account": names[0]})).status_code == 303


def test_a_row_of_a_new_order_offers_what_fits_the_order(person: Person, api: Api) -> None:
    here, there = (api.make("account", name=f"Slip {n}")["id"] for n in (1, 2))
    ann, _ = (
        api.make("contact", name=n, account=a, mobile=m)["id"]
        for n, a, m in (("Ann Slip", here, "13100000001"), ("Bo Slip", there, "13100000002"))
    )
    page = person.page(NEW)
    box = page.select_one("[data-set=lines] tbody select[name='lines.n1.contact']")
    assert box is not None and box["data-with"] == "order.account"
    said = person.get(f"/o-lookup/fm_line/contact?q=Slip&with.order.account={here}")
    assert [o["value"] for o in said.json()["options"]] == [ann]
    assert person.get("/o-lookup/fm_line/contact?q=Slip&with.order.account=").json()["options"] == []
    form = sent(
        page,
        {
            "name": "N",
            "account": here,
            "lines.n1.what": "W",
            "_find.lines.n1.contact": "Slip",
            "_search": "lines.n1.contact",
        },
    )
    page = BeautifulSoup(person.post(NEW, form).text, "html.parser")
    assert [str(o["value"]) for o in page.select("select[name='lines.n1.contact'] option") if o["value"]] == [
        ann
    ]
    assert person.post(NEW, sent(page, {"lines.n1.contact": ann})).status_code == 303
