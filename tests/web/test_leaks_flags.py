"""Flags and acts: whoever lacks export, import, bulk, create, convert, void is refused at every address that does it, and has no
button for it; and rights that change count with the next request."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from patron_testing.house import House
from patron_testing.web import Api

CSV = b"name\nImported\n"


def imported(api: Api, object: str, **more: str) -> Any:
    files = {"file": ("rows.csv", io.BytesIO(CSV), "text/csv")}
    return api.call("POST", "/imports", files=files, data={"object": object, **more})


def refused(said: Any) -> None:
    assert (said.status_code, said.json()["code"]) == (403, "forbidden"), said.text


def test_who_may_not_export_does_not(home: House) -> None:
    rep, person = home.api("rep"), home.person("rep")
    for path in ("/exports/account", "/exports/account?fields=name", "/exports/account?form=xlsx"):
        refused(rep.get(path))
    assert person.get("/list/account/export?form=csv").status_code == 403
    form = {"act": "export", "id": home.ids["mine_account"]}
    assert person.post("/list/account/bulk", form).status_code == 403
    assert "export" not in person.page("/o/account").find("body").decode().casefold().replace(
        "data-export", ""
    )
    manager = home.person("manager")
    assert manager.get("/list/account/export?form=csv").status_code == 200
    assert "export" in manager.page("/o/account").decode().casefold()


def test_an_export_reaches_only_what_the_right_reaches(home: House) -> None:
    said = home.api("manager").get("/exports/account?fields=name")
    assert said.status_code == 200 and "Mine Limited" in said.text and "Zqtheirs" not in said.text


def test_who_may_not_import_does_not(home: House) -> None:
    technician = home.api("technician")
    refused(imported(technician, "sv_device"))
    files = {"file": ("rows.csv", io.BytesIO(CSV), "text/csv")}
    refused(technician.call("POST", "/imports/preview", files=files, data={"object": "sv_device"}))
    assert imported(technician, "quote").json()["code"] == imported(technician, "quotx").json()["code"]
    began = imported(home.api("rep"), "account")
    assert began.status_code == 202, began.text
    said = imported(home.api("rep"), "account", history="true")
    assert (said.status_code, said.json()["code"]) == (403, "import_history")


def test_an_import_is_seen_by_who_began_it(home: House) -> None:
    id = imported(home.api("rep"), "account").json()["id"]
    assert home.api("rep").get(f"/imports/{id}").status_code == 200
    assert id in {i["id"] for i in home.api("rep").get("/imports").json()["imports"]}
    for path in ("", "/problems"):
        assert home.api("manager").get(f"/imports/{id}{path}").status_code == 404
    for act in ("cancel", "undo"):
        assert home.api("manager").post(f"/imports/{id}/{act}").status_code == 404
    assert home.api("manager").get("/imports").json()["imports"] == []
    assert home.api("admin").get(f"/imports/{id}").status_code == 200
    assert home.api("rep").post(f"/imports/{id}/cancel").status_code == 200


def test_an_import_neither_maps_nor_matches_what_is_hidden(home: House) -> None:
    for columns, match in (
        ({"name": "id_card"}, None), ({"name": "name"}, "id_card"), ({"name": {"field": "owner", "by": "note"}}, None),
    ):  # fmt: skip
        body = {"columns": columns, **({"match": match} if match else {})}
        answers = [
            imported(home.api("rep"), "contact", mapping=json.dumps(body).replace(name, other))
            for name in ("id_card", "note") for other in (name, "q" * len(name)) if name in json.dumps(body)
        ]  # fmt: skip
        assert [a.status_code for a in answers] == [422, 422], answers[0].text
        texts = [re.sub(r"id_card|note|q{4,}", "q", re.sub(r',"hint":"[^"]*"', "", a.text)) for a in answers]
        assert texts[0] == texts[1] and "unknown_field" in texts[0]


def test_who_may_not_change_many_does_not(home: House) -> None:
    rep, person, id = home.api("rep"), home.person("rep"), home.ids["mine_account"]
    refused(rep.post("/records/account/bulk", {"records": [{"id": id, "note": "x"}]}))
    for act in ("edit", "assign", "delete", "restore"):
        said = person.post(
            "/list/account/bulk",
            {"act": act, "id": id, "sure": "1", "field": "note", "how": "set", "value": "x"},
        )
        assert said.status_code == 403, act
    assert home.api("admin").read("account", id).get("note") is None
    page = person.page("/o/account")
    assert not page.select("button[name=act]")
    assert {b["value"] for b in home.person("manager").page("/o/account").select("button[name=act]")} == {
        "edit", "assign", "export", "delete",
    }  # fmt: skip
    manager = home.api("manager").post("/records/account/bulk", {"records": [{"id": id, "version": 0}]})
    assert manager.json()["code"] == "stale_version", "he may"


def test_who_may_not_create_neither_clones(home: House) -> None:
    technician, id = home.api("technician"), home.ids["device"]
    refused(technician.post("/records/sv_device", {"name": "x"}))
    refused(technician.post(f"/records/sv_device/{id}/clone"))
    person = home.person("technician")
    assert person.get("/o/sv_device/new").status_code == 403
    page = person.page(f"/o/sv_device/{id}")
    assert not page.select("form[action$='/clone'], form[action$='/delete'], a[href$='/new']")
    assert not home.person("technician").page("/o/sv_device").select("a[href$='/new']")
    assert person.post(f"/o/sv_device/{id}/clone").status_code == 403
    assert person.post(f"/o/sv_device/{id}/delete").status_code == 403


def test_who_may_not_void_does_not(home: House) -> None:
    order = home.api("admin").make("order", account=home.ids["mine_account"], owner=home.people["rep"])
    refused(home.api("rep").post(f"/records/order/{order['id']}/void"))
    assert home.person("rep").post(f"/o/order/{order['id']}/void").status_code == 403
    assert not home.person("rep").page(f"/o/order/{order['id']}").select("form[action$='/void']")
    said = home.api("manager").post(f"/records/order/{order['id']}/void")
    assert said.status_code == 200, said.text


@pytest.mark.parametrize(
    "path", ["/o/account/{}", "/o/account/{}/edit", "/o/account/{}?print=1", "/o/account/{}?tab=contacts"]
)
def test_a_page_of_what_is_not_his_is_one_of_nothing(home: House, path: str) -> None:
    person = home.person("seller")
    nowhere = "0190a0b0-0000-7000-8000-0000000000ff"
    said, other = (person.get(path.replace("{}", id)) for id in (home.ids["their_account"], nowhere))
    assert said.status_code == other.status_code == 404
    assert _plain(said.text).replace(home.ids["their_account"], nowhere) == _plain(other.text)


def _plain(html: str) -> str:
    return re.sub(r'content="[^"]*"|value="[^"]*"|nonce-[^"\']*', "", html)


def test_roles_that_change_count_with_the_next_request(home: House) -> None:
    admin, idle, person = home.api("admin"), home.api("idle"), home.person("idle")
    assert idle.get("/records/account").status_code == 404
    assert person.get("/o/account").status_code == 404
    path = f"/records/user/{home.people['idle']}"
    assert admin.patch(path, {"roles": ["employee", "sales_manager"]}).status_code == 200
    assert "Mine Limited" in idle.get("/records/account").text
    assert person.get("/o/account").status_code == 200
    assert admin.patch(path, {"roles": ["employee"]}).status_code == 200
    assert idle.get("/records/account").status_code == 404
    assert person.get("/o/account").status_code == 404


def test_who_is_switched_off_is_out_at_once(home: House) -> None:
    admin, colleague, person = home.api("admin"), home.api("colleague"), home.person("colleague")
    assert colleague.get("/records/account").status_code == 200
    assert admin.patch(f"/records/user/{home.people['colleague']}", {"active": False}).status_code == 200
    assert colleague.get("/records/account").status_code in (401, 403, 404)
    assert person.get("/o/account").status_code in (303, 401, 403, 404)
    assert admin.patch(f"/records/user/{home.people['colleague']}", {"active": True}).status_code == 200
    assert colleague.get("/records/account").status_code == 200
