"""Merging over HTTP: duplicates found, compared, made one, the old address, taken back; who may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.forms import sent
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, Api, Opened, Person, Template, serving

TWINS = "twins"  # the workspace


@pytest.fixture(scope="module")
def twins(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, TWINS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        yield opened


@pytest.fixture(scope="module")
def api(twins: Opened) -> Api:
    with twins.service.databases.system() as conn:
        return Api(twins.client, create_key(conn, ADMIN, TWINS))


@pytest.fixture(scope="module")
def me(twins: Opened) -> Person:
    return Person(twins.client, TWINS, ADMIN)


def firm(api: Api, name: str, **more: Any) -> str:
    said = api.post("/records/fm_firm", {"name": name, "confirm": ["fm_same_firm"], **more})
    assert said.status_code == 201, said.text
    return str(said.json()["id"])


def test_over_the_api(api: Api) -> None:
    a, b = firm(api, "Rope Works", phone="13800138111"), firm(api, "Ropery", code="R-1", phone="13800138222")
    hanging = api.get(f"/records/fm_firm/{b}/hanging").json()
    assert hanging["links"] == [] and hanging["file"] == 0
    said = api.post(f"/records/fm_firm/{a}/merge", {"losers": [b], "choose": {"phone": b}})
    assert said.status_code == 200, said.text
    row = api.read("fm_firm", a)
    assert (row["name"], row["code"], row["phone"]) == ("Rope Works", "R-1", "13800138222")
    old = api.get(f"/records/fm_firm/{b}", follow_redirects=False)
    assert old.status_code == 308 and old.headers["location"] == f"/api/v1/records/fm_firm/{a}"
    assert api.patch(f"/records/fm_firm/{b}", {"name": "x"}).status_code == 404
    back = api.post(f"/records/fm_firm/{a}/merge/{said.json()['merge']}/undo")
    assert back.status_code == 200 and back.json()["left"] == [] and back.json()["losers"] == [b]
    assert api.read("fm_firm", b)["code"] == "R-1" and api.read("fm_firm", a)["code"] is None
    assert api.post(f"/records/fm_firm/{a}/merge/{said.json()['merge']}/undo").status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "not_list"),
        ({"losers": "x"}, 422, "not_list"),
        ({"losers": []}, 422, "merge_records"),
        ({"losers": ["nonsense"]}, 404, "not_found"),
        ({"losers": ["0196f0f0-0000-7000-8000-000000000000"]}, 404, "not_found"),
        ({"losers": ["0196f0f0-0000-7000-8000-000000000000"], "choose": []}, 422, "not_map"),
        ({"losers": [], "else": 1}, 422, "unknown_key"),
        (
            {"losers": [f"0196f0f0-0000-7000-8000-00000000000{n}" for n in range(5)]},
            422,
            "limit_merge_records",
        ),
    ],
)
def test_bad_requests(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    said = api.post(f"/records/fm_firm/{firm(api, 'Some firm')}/merge", body)
    assert said.status_code == status, said.text
    assert code in {said.json()["code"], *(p["code"] for p in said.json().get("problems", ()))}, said.text


def test_duplicates_are_listed_in_parts(api: Api) -> None:
    a, b = firm(api, "北方灯塔科技有限公司"), firm(api, "北方灯塔科技股份有限公司")
    said = api.get("/records/fm_firm/duplicates").json()
    assert {a, b} in [{r["id"] for r in g["records"]} for g in said["groups"]]
    assert said["looked"] > 1 and said["next"] is None
    assert api.get("/records/nothing/duplicates").status_code == 404


def test_the_pages(api: Api, me: Person) -> None:
    a, b = (
        firm(api, "Quay Tools", phone="13800138333"),
        firm(api, "Quay Tools Ltd", code="Q-1", phone="13800138444"),
    )
    listed = me.page("/o/fm_firm/duplicates")
    address = next(x["href"] for x in listed.select("li.duplicate > a") if a in x["href"])
    page = me.page(str(address).removeprefix(f"/w/{TWINS}"))
    names = [str(x["name"]) for x in page.select("input[type=radio][value='" + a + "']")]
    assert names == ["winner", "choose.name", "choose.code", "choose.phone"]
    assert page.select_one(f"input[name='choose.code'][value='{b}'][checked]"), (
        "what only one has is taken from it"
    )
    done = me.post("/o/fm_firm/merge", sent(page, {"choose.phone": b}))
    assert done.status_code == 303, done.text[:2000]
    location = done.headers["location"].removeprefix(f"/w/{TWINS}")
    assert location.startswith(f"/o/fm_firm/{a}?merged=")
    row = api.read("fm_firm", a)
    assert (row["name"], row["code"], row["phone"]) == ("Quay Tools", "Q-1", "13800138444")
    won = me.page(location)
    undo = won.select_one("form[action*='/merge/'][action$='/undo']")
    assert undo is not None
    assert "by a merge" in won.get_text(" ")
    old = me.get(f"/o/fm_firm/{b}")
    assert old.status_code == 303 and old.headers["location"].endswith(f"/o/fm_firm/{a}?done=merged_here")
    assert "was merged into this one" in me.page(f"/o/fm_firm/{a}?done=merged_here").get_text()
    again = me.page(f"/o/fm_firm/merge?id={a}")
    assert again.select_one(f"form[action='{undo['action']}']"), "later it stands on the page that merges"
    api.patch(f"/records/fm_firm/{a}", {"phone": "13800138555"})
    told = me.post(str(undo["action"]).removeprefix(f"/w/{TWINS}"))
    assert told.status_code == 200
    assert "Phone" in BeautifulSoup(told.text, "html.parser").select_one("tbody").get_text()  # type: ignore[union-attr]
    assert api.read("fm_firm", b)["code"] == "Q-1" and me.get(f"/o/fm_firm/{b}").status_code == 200


def test_from_a_list_and_from_a_record(api: Api, me: Person) -> None:
    a, b = firm(api, "Alpha yard"), firm(api, "Beta yard")
    said = me.post("/o/fm_firm/merge/these", [("id", a), ("id", b)])
    assert (
        said.status_code == 303
        and me.get(said.headers["location"].removeprefix(f"/w/{TWINS}")).status_code == 200
    )
    assert me.post("/o/fm_firm/merge/these", [("id", a)] * 1).status_code == 303
    record = me.page(f"/o/fm_firm/{a}")
    assert record.select_one(f".menu-list a[href$='/merge?id={a}']")
    found = me.page(f"/o/fm_firm/merge?id={a}&q=Beta")
    assert found.select_one(f"input[type=checkbox][value='{b}']")


def test_who_may_not(twins: Opened, rep: Api) -> None:
    account = twins.admin.make("account", name="Somebody")
    other = twins.admin.make("account", name="Else")
    said = rep.post(f"/records/account/{account['id']}/merge", {"losers": [other["id"]]})
    assert said.status_code in (403, 404), said.text
    assert rep.get("/records/account/duplicates").status_code in (200, 403, 404)
