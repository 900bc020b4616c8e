"""Hidden and masked fields through every address of the API: a hidden name is answered as one that does not exist, byte for
byte, and a value that is not theirs stands in no answer."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from patron_testing.house import CANARIES, House
from patron_testing.web import Api

HINT = re.compile(rb',"hint":"[^"]*"')
NOWHERE = "0190a0b0-0000-7000-8000-0000000000ff"


def same(api: Api, method: str, path: str, hidden: str, body: Any = None, missing: str = "") -> None:
    """The answers about a hidden name and about one that nobody ever gave, of the same length."""
    other = missing or "q" * len(hidden)
    said = [
        api.call(method, path.replace("{}", n), **({} if body is None else {"json": _with(body, n)}))
        for n in (hidden, other)
    ]
    assert said[0].status_code == said[1].status_code and 400 <= said[0].status_code < 500, said[0].text
    told = [HINT.sub(b"", s.content) for s in said]  # the nearest visible name hangs on how a name is spelt
    assert told[0].replace(hidden.encode(), other.encode()) == told[1]
    hints = b" ".join(HINT.findall(said[0].content)).decode()
    assert not [n for n in (*HIDDEN, "keeper", "sv_") if n in hints]
    keep = [
        {k: v for k, v in s.headers.items() if k not in ("x-request-id", "date", "content-length")}
        for s in said
    ]
    assert keep[0] == keep[1]


def _with(body: Any, name: str) -> Any:
    if isinstance(body, dict):
        return {k.replace("{}", name): _with(v, name) for k, v in body.items()}
    if isinstance(body, list):
        return [_with(one, name) for one in body]
    return body.replace("{}", name) if isinstance(body, str) else body


HIDDEN = ("pin", "worth", "verdict", "report", "due", "twice")
ASKED = (
    "fields={}", "fields=name,{}", "sort={}", "sort=-{}", "sort=name,{}", "where={} == 'x'", "where={} > 1", "where={} == None",
    "where=contains({}, 'Zq')", "where=not ({} != None)", "where=name == 'x' and {} != None", "where=YEAR({}) == 2031", "where=LEN({}) > 0",
    "fields={}.id", "sort={}.id", "where={}.from > TODAY()", "where=UPPER({}) == 'X'",
)  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_field_is_one_that_does_not_exist(home: House, name: str, asked: str) -> None:
    same(home.api("technician"), "GET", f"/records/sv_device?{asked}".replace(" ", "%20"), name)


@pytest.mark.parametrize("path", ["device.{}", "device.{}.id", "device.{}.name"])
def test_at_every_hop(home: House, path: str) -> None:
    api = home.api("technician")
    for name in HIDDEN:
        for asked in (f"fields={path}", f"sort={path}", f"where={path} == None"):
            same(api, "GET", f"/records/sv_visit?{asked}".replace(" ", "%20"), name)
        same(api, "GET", "/records/account?where=COUNT(sv_devices, {} != None) > 0".replace(" ", "%20"), name)


def test_a_hidden_object_is_one_that_does_not_exist(home: House) -> None:
    api = home.api("rep")
    id = home.ids["device"]
    for method, path, body in (
        ("GET", "/records/{}", None), ("GET", f"/records/{{}}/{id}", None), ("GET", "/objects/{}", None), ("GET", "/exports/{}", None),
        ("POST", "/records/{}/query", {}), ("POST", "/records/{}", {"name": "x"}), ("PATCH", f"/records/{{}}/{id}", {"name": "x"}),
        ("DELETE", f"/records/{{}}/{id}", None), ("PUT", "/records/{}/by/serial/SN-1", {"name": "x"}),
        ("PUT", "/records/{}/by/pin/x", {"name": "x"}), ("POST", "/records/{}/bulk", {"records": [{"name": "x"}]}),
        ("GET", f"/records/{{}}/{id}/history", None), ("GET", f"/records/{{}}/{id}/related/visits", None),
        ("GET", f"/records/{{}}/{id}/comments", None), ("GET", f"/records/{{}}/{id}/files", None),
        ("POST", f"/records/{{}}/{id}/files", {"file": id}), ("POST", f"/records/{{}}/{id}/clone", {}),
        ("POST", f"/records/{{}}/{id}/void", {}), ("POST", f"/records/{{}}/{id}/restore", {}),
    ):  # fmt: skip
        same(api, method, path, "sv_device", body)
    same(api, "GET", f"/records/account/{home.ids['mine_account']}/related/{{}}", "sv_devices")
    same(api, "GET", "/records/account?where=COUNT({}) > 0".replace(" ", "%20"), "sv_devices")
    same(api, "GET", f"/records/account/{home.ids['mine_account']}?expand={{}}", "sv_devices")


def test_a_masked_field_is_looked_at_and_nothing_else(home: House) -> None:
    api, id = home.api("technician"), home.ids["device"]
    assert api.read("sv_device", id)["keeper"] == "****5678"
    for asked in (
        "sort={}",
        "where={} == '+8613912345678'",
        "where=contains({}, '139')",
        "where=ISBLANK({})",
    ):
        same(api, "GET", f"/records/sv_device?{asked}".replace(" ", "%20"), "keeper")
    assert api.get("/search", params={"q": "13912345678"}).json() == {"hits": []}
    assert api.rows("sv_device", q="5678") == []


def test_a_sealed_field_that_is_masked_shows_that_it_is_filled(home: House) -> None:
    assert home.api("admin").read("contact", home.ids["contact"])["id_card"] == "11010519491231002X"
    said = home.api("rep").get(f"/records/contact/{home.ids['contact']}?fields=name,id_card")
    assert said.json()["id_card"] == "****", said.text
    assert "1101051949" not in home.api("rep").get("/records/contact").text


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_field_is_not_written(home: House, name: str) -> None:
    api, id = home.api("technician"), home.ids["device"]
    same(api, "PATCH", f"/records/sv_device/{id}", name, {"{}": "x"})
    same(api, "PUT", "/records/sv_device/by/{}/x", name, {"name": "x"})


def test_no_answer_holds_a_value_that_is_not_his(home: House) -> None:
    api, id, account = home.api("technician"), home.ids["device"], home.ids["mine_account"]
    pages = (
        "/records/sv_device", "/records/sv_device?fields=*", f"/records/sv_device/{id}", f"/records/sv_device/{id}/history",
        f"/records/sv_device/{id}/related/visits", f"/records/sv_device/{id}/comments", "/records/sv_visit", "/objects/sv_device",
        "/openapi.json", "/search?q=Zqpin7731", "/search?q=Zqverdict", f"/records/sv_device/{id}?expand=visits", "/objects", "/me",
        f"/records/account/{account}/related/sv_devices", f"/records/sv_device/{id}/files",
    )  # fmt: skip
    for page in pages:
        text = api.get(page).text
        told = [
            n
            for n in ("pin", "keeper", "worth", "twice", "verdict", "report", "due", "cost")
            if CANARIES[n] in text
        ]
        assert not told, page
        if page.startswith(("/objects/", "/openapi")):
            assert "Door code" not in text and "开门码" not in text and "Verdict" not in text, page


def test_a_hidden_file_is_not_there(home: House) -> None:
    technician = home.api("technician")
    same(technician, "GET", "/files/{}", home.ids["report"], missing=NOWHERE)
    assert home.api("executive").get(f"/files/{home.ids['report']}").status_code == 200


def test_history_tells_nothing_of_what_is_not_his_on_this_record(home: House) -> None:
    seen = {
        who: home.api(who).get(f"/records/sv_device/{home.ids['device']}/history").json()["history"]
        for who in ("technician", "both")
    }
    for entries in seen.values():
        assert {name for e in entries for name in e["old"]} <= {
            "state",
            "updated_by",
            "updated_at",
            "version",
        }, entries
        assert len(entries) == 2, "saves of hidden fields alone are no entries"
    own = home.api("both").patch(f"/records/sv_device/{home.ids['both_device']}", {"worth": 18})
    assert own.status_code == 200, own.text
    told = home.api("both").get(f"/records/sv_device/{home.ids['both_device']}/history").json()["history"]
    assert told[0]["old"]["worth"] == 17


def test_a_value_that_is_taken_says_not_by_whom(home: House) -> None:
    said = home.api("seller").patch(
        f"/records/sv_device/{home.ids['seller_device']}", {"pin": CANARIES["pin"]}
    )
    assert said.status_code == 422 and said.json()["problems"][0]["code"] == "taken"
    for word in ("Pump one", "SN-1", home.ids["device"], "Key (", "__unique"):
        assert word not in said.text


def test_links_to_what_is_not_his_are_answered_as_to_nothing(home: House) -> None:
    api = home.api("seller")
    for id, field in ((home.ids["their_account"], "account"),):
        same(
            api,
            "PATCH",
            f"/records/sv_device/{home.ids['seller_device']}",
            id,
            {field: "{}"},
            missing=NOWHERE,
        )
        same(api, "POST", "/records/sv_device", id, {"name": "x", field: "{}"}, missing=NOWHERE)
    for method, path, body in (
        ("GET", "/records/account/{}", None), ("PATCH", "/records/account/{}", {"name": "x"}), ("DELETE", "/records/account/{}", None),
        ("GET", "/records/account/{}/history", None), ("GET", "/records/account/{}/related/contacts", None),
        ("POST", "/records/account/{}/clone", {}), ("POST", "/records/account/{}/restore", {}), ("GET", "/records/account/{}/files", None),
    ):  # fmt: skip
        same(api, method, path, home.ids["their_account"], body, missing=NOWHERE)


def test_a_refused_save_tells_nothing_through_a_link_that_is_not_his(home: House) -> None:
    """A rule of quotes compares the opportunity's account. What is wrong already must not let it speak of a hidden one."""
    rep, nobody = home.api("rep"), "0190a0b0-0000-7000-8000-0000000000ff"
    said = []
    for deal in (home.ids["their_deal"], nobody):
        quote = {"account": home.ids["mine_account"], "opportunity": deal, "valid_until": "no day"}
        problems = rep.post("/records/quote", quote).json()["problems"]
        said.append({(p["field"], p["code"], p.get("rule")) for p in problems})
    assert said[0] == said[1] and ("opportunity", "link_not_found", None) in said[0]


def test_a_304_is_only_for_what_one_may_read(home: House) -> None:
    version = home.api("admin").read("account", home.ids["their_account"])["version"]
    said = home.api("seller").get(
        f"/records/account/{home.ids['their_account']}", headers={"If-None-Match": f'"{version}"'}
    )
    assert said.status_code == 404


def test_an_export_is_masked_and_holds_only_what_is_his(home: House) -> None:
    said = home.api("executive").get("/exports/product")
    assert said.status_code == 200 and "cost" not in said.text.splitlines()[0]
    same(home.api("executive"), "GET", "/exports/product?fields={}", "cost")
    same(home.api("executive"), "GET", "/exports/product?where={} > 1".replace(" ", "%20"), "cost")
    same(home.api("executive"), "GET", "/exports/product?sort={}", "cost")
    said = home.api("marketing").get("/exports/lead")
    assert said.status_code == 200
    rows = list(
        csv.DictReader(io.StringIO(home.api("manager").get("/exports/contact?fields=name,id_card").text))
    )
    assert [r["id_card"] for r in rows if r["name"] == "Ann Mine"] == ["****"]
    assert "11010519491231002X" not in home.api("manager").get("/exports/contact").text
