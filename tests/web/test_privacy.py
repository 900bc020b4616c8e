"""Personal data over pages, API and command: for administrators alone; found, exported, erased; bad input changes nothing."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from patron_platform.commands import privacy
from patron_platform.commands.frame import run
from patron_platform.identity.accounts import create_user, set_password
from patron_testing.rights import publish
from patron_testing.web import PASSWORD, REP, WORKSPACE, Opened, Person

PEOPLE = """
kind: object
name: c_person
title: name
owner: none
label: {en: Person, zh-CN: 人员}
features: [files]
search: [name, phone]
privacy: {purpose: {en: To know people}, hold: held}
fields:
  - {name: name, type: text, personal: identity, required: true, label: {en: Name}}
  - {name: phone, type: phone, personal: contact, label: {en: Phone}}
  - {name: held, type: boolean, default: false, label: {en: Held}}
"""
API = "/personal-data"


@pytest.fixture(scope="module")
def world(opened: Opened) -> Opened:
    publish(opened, PEOPLE)
    return opened


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def made(world: Opened, phone: str, **more: Any) -> str:
    return str(world.admin.make("c_person", name=f"Ann {phone}", phone=phone, **more)["id"])


def refs(*ids: str) -> dict[str, Any]:
    return {"records": [{"object": "c_person", "id": id} for id in ids]}


def test_to_others_there_is_no_such_page_and_the_api_refuses(world: Opened) -> None:
    id = made(world, "13800000001")
    rep = world.person(REP)
    for path in ("/admin/privacy", f"/admin/privacy/person?record=c_person/{id}"):
        assert rep.get(path).status_code == 404
    for path, form in (("", {"value": "13800000001"}), ("/export", {"record": f"c_person/{id}"}), ("/erase", {"record": f"c_person/{id}"})):  # fmt: skip
        assert rep.post(f"/admin/privacy{path}", form).status_code in (403, 404)
    assert world.rep.get(API).status_code == 403
    for path, body in (("find", {"value": "13800000001"}), ("preview", refs(id)), ("export", refs(id)), ("erase", {**refs(id), "confirm": "x"})):  # fmt: skip
        assert world.rep.post(f"{API}/{path}", body).status_code == 403
    assert world.stranger.get(API).status_code in (401, 403)
    assert world.foreign.post(f"{API}/preview", refs(id)).status_code == 404
    assert world.admin.read("c_person", id)["phone"] == "13800000001"


def test_somebody_is_found_shown_exported_and_erased_on_the_pages(world: Opened) -> None:
    one, other = made(world, "13800000002"), made(world, "13800000003")
    twin = str(world.admin.make("c_person", name="<b>Twin</b>", phone="13800000002")["id"])
    me = world.person()
    page = me.page("/admin/privacy")
    assert "To know people" in page.get_text() and page.select(".privacy-object")
    found = me.post("/admin/privacy", {"value": "+86 138 0000 0002"})
    assert found.status_code == 200 and one in found.text and twin in found.text and other not in found.text
    assert "<b>Twin" not in found.text
    assert me.post("/admin/privacy", {"value": "x"}).status_code == 422
    shown = me.page(f"/admin/privacy/person?record=c_person/{one}")
    assert "Twin" in shown.select_one("[aria-labelledby=privacy-perhaps]").get_text()
    confirm = shown.select_one("input[name=confirm]")["value"]
    file = me.post("/admin/privacy/export", {"record": f"c_person/{one}"})
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        told = json.loads(archive.read("person.json"))
    assert told["records"][0]["values"]["phone"] == "13800000002"
    form = {"record": f"c_person/{one}", "confirm": confirm}
    assert me.post("/admin/privacy/erase", form).status_code == 422
    assert me.post("/admin/privacy/erase", {**form, "sure": "1", "confirm": "x"}).status_code == 422
    assert world.admin.read("c_person", one)["phone"] == "13800000002"
    done = me.post("/admin/privacy/erase", {**form, "sure": "1"})
    assert done.status_code == 303
    after = me.page(done.headers["location"].removeprefix(f"/w/{WORKSPACE}"))
    assert "is erased" in after.get_text()
    assert world.admin.read("c_person", one)["phone"] is None
    assert world.admin.read("c_person", other)["phone"] == "13800000003"
    log = me.page(f"/audit?action=person_erased&about=c_person/{one}").select_one(".audit-rows")
    assert "Erased the data of a person" in log.get_text() and "138" not in log.get_text()
    assert "as personal data was erased" in me.get(f"/o/c_person/{one}").text


def test_the_api_finds_previews_and_erases_what_was_shown(world: Opened) -> None:
    id = made(world, "13800000004")
    entry = next(o for o in world.admin.get(API).json()["objects"] if o["object"] == "c_person")
    assert [(f["name"], f["kind"]) for f in entry["fields"]] == [("name", "identity"), ("phone", "contact")]
    found = world.admin.post(f"{API}/find", {"value": "13800000004"}).json()["records"]
    assert [(f["id"], f["fields"]) for f in found] == [(id, ["phone"])]
    shown = world.admin.post(f"{API}/preview", refs(id)).json()
    assert [p["fields"] for p in shown["parts"]] == [["name", "phone"]]
    wrong = world.admin.post(f"{API}/erase", {**refs(id), "confirm": "0" * 32})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "changed_since")
    done = world.admin.post(f"{API}/erase", {**refs(id), "confirm": shown["checksum"]})
    assert done.status_code == 200
    assert world.admin.post(f"{API}/find", {"value": "13800000004"}).json() == {"records": []}
    again = world.admin.post(f"{API}/erase", {**refs(id), "confirm": shown["checksum"]})
    assert again.status_code == 409


def test_a_hold_is_told_on_page_and_api(world: Opened) -> None:
    id = made(world, "13800000005", held=True)
    shown = world.admin.post(f"{API}/preview", refs(id)).json()
    assert [a["code"] for a in shown["against"]] == ["hold"]
    said = world.admin.post(f"{API}/erase", {**refs(id), "confirm": shown["checksum"]})
    assert (said.status_code, said.json()["code"]) == (409, "not_erased")
    page = world.person(language="zh-CN").page(f"/admin/privacy/person?record=c_person/{id}")
    assert "处于保留状态" in page.get_text() and not page.select("input[name=confirm]")


@pytest.mark.parametrize("body", [
    {}, {"records": "x"}, {"records": []}, {"records": ["x"]}, {"records": [{}]}, {"records": [{"object": "c_person", "id": 1}]},
    {"records": [{"object": "nothing", "id": "x"}]}, {"records": [], "more": 1},
    {"records": [{"object": "c_person", "id": "01900000-0000-7000-8000-000000000000"}]},
])  # fmt: skip
def test_bad_bodies_are_told(world: Opened, body: dict[str, Any]) -> None:
    for path, more in (("preview", {}), ("export", {}), ("erase", {"confirm": "x"})):
        assert world.admin.post(f"{API}/{path}", {**body, **more}).status_code in (404, 422)
    assert world.admin.post(f"{API}/find", {"value": 1}).status_code == 422
    assert world.admin.post(f"{API}/erase", {"records": []}).status_code == 422


@pytest.mark.parametrize(
    "query", ["", "?record=x", "?record=c_person/x", "?record=yd_job/", "?record=%00/%00"]
)
def test_bad_addresses_are_told(world: Opened, query: str) -> None:
    assert world.person().get(f"/admin/privacy/person{query}").status_code in (404, 422)


def test_a_user_who_left_is_erased_with_his_account(world: Opened) -> None:
    email = "leaver@acme.example"
    place = world.service.runtime.workspace(WORKSPACE)
    user = create_user(world.service.databases, place, email)
    with world.service.databases.system() as conn:
        set_password(conn, email, PASSWORD)
    assert Person(world.client, WORKSPACE, email, "en").get("/home").status_code in (200, 303, 404)
    world.client.cookies.clear()
    one = {"records": [{"object": "user", "id": user}]}
    shown = world.admin.post(f"{API}/preview", one).json()
    assert [a["code"] for a in shown["against"]] == ["active_user"]
    assert world.admin.patch(f"/records/user/{user}", {"active": False}).status_code == 200
    with zipfile.ZipFile(io.BytesIO(world.admin.post(f"{API}/export", one).content)) as archive:
        account = json.loads(archive.read("person.json"))["records"][0]["account"]
    assert account["email"] == email and account["sign_ins"]
    shown = world.admin.post(f"{API}/preview", one).json()
    assert world.admin.post(f"{API}/erase", {**one, "confirm": shown["checksum"]}).status_code == 200
    with world.service.databases.system("read") as conn:
        for table, column in (("account", "email"), ("audit", "about")):
            found = conn.execute(f"SELECT 1 FROM patron.{table} WHERE {column} = %s", (email,)).fetchone()
            assert found is None, table
    assert world.admin.read("user", user)["email"] == f"{user}@erased.invalid"


def patron(world: Opened, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    app = typer.Typer()
    privacy.register(app)
    app.callback()(lambda: None)
    place = ["--workspace", WORKSPACE, "--database", str(world.service.settings.database)]
    monkeypatch.setattr(sys, "argv", ["patron", "person", *words, *place])
    return run(app)


def test_the_commands_find_export_show_and_erase(
    world: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    id = made(world, "13800000006")
    record, file = f"c_person/{id}", tmp_path / "ann.zip"
    assert patron(world, monkeypatch, "list", "--json") == 0
    assert "c_person" in capsys.readouterr().out
    assert patron(world, monkeypatch, "find", "13800000006") == 0
    assert record in capsys.readouterr().out
    assert patron(world, monkeypatch, "export", record, "--to", str(file)) == 0
    assert zipfile.ZipFile(file).namelist() == ["person.json"]
    assert patron(world, monkeypatch, "export", record, "--to", str(file)) == 2, "nothing is overwritten"
    assert patron(world, monkeypatch, "erase", record, "--dry-run") == 0
    assert world.admin.read("c_person", id)["phone"] == "13800000006"
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert patron(world, monkeypatch, "erase", record) == 1
    assert world.admin.read("c_person", id)["phone"] == "13800000006"
    assert patron(world, monkeypatch, "erase", record, "--yes", "--json") == 0
    assert world.admin.read("c_person", id)["phone"] is None
    assert patron(world, monkeypatch, "find", "13800000006") == 1
