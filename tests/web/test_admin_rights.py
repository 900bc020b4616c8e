"""Roles and sharing rules changed in the admin area: kept in the draft, planned with who gains and loses, published, taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from patron_testing.rights import has, with_roles
from patron_testing.web import REP, Opened, Person

DESK = "desk@acme.example"
CHANGES = "/admin/changes"


@dataclass(frozen=True, slots=True)
class Office:
    opened: Opened
    rep: str
    closed: str


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Office]:
    with_roles(opened)
    rep = has(opened, REP, "c_rep")
    has(opened, DESK, "c_people")
    closed = opened.admin.make("account", name="Closed", phone="021-62345678")["id"]
    opened.admin.make("account", name="Open")
    yield Office(opened, rep, closed)


@pytest.fixture(autouse=True)
def empty(office: Office, me: Person) -> Iterator[None]:
    yield
    me.post(f"{CHANGES}/drop", {})


def checksum(person: Person, path: str = CHANGES) -> str:
    found = person.page(path).select_one("input[name=checksum]")
    assert found is not None, person.page(path).main.get_text(" ", strip=True)
    return str(found["value"])


def publish(person: Person) -> None:
    said = person.post(f"{CHANGES}/publish", {"checksum": checksum(person)})
    assert said.status_code == 303, said.text[:2000]


def newest(person: Person) -> int:
    return max(int(n) for n in re.findall(r"Release (\d+)", person.page(CHANGES).main.get_text(" ")))


def test_a_cell_is_changed_planned_published_and_taken_back(office: Office, me: Person) -> None:
    rep, hidden = office.opened.person(REP), f"/o/account/{office.closed}"
    assert rep.get(hidden).status_code == 404
    before = newest(me)
    page = me.page("/admin/roles/c_rep/edit/account")
    assert page.select_one("select[name='scope.read'] option[selected]")["value"] == "own"
    assert page.select_one("select[name='field.phone'] option[selected]")["value"] == "none"
    form = {"scope.read": "all", "scope.create": "yes", "scope.update": "own", "field.phone": "none"}
    assert me.post("/admin/roles/c_rep/edit/account", form).status_code == 303
    assert rep.get(hidden).status_code == 404, "nothing is in force before it is published"
    assert me.page("/admin/roles").select_one(".admin-pending") is not None
    plan = me.page(CHANGES).main.get_text(" ", strip=True)
    assert "Accounts · see: own → all" in plan
    assert "Records gained: 1 (1 of 1 people)" in plan
    publish(me)
    assert rep.get(hidden).status_code == 200
    assert "021-62345678" not in rep.get(hidden).text
    back = me.page(f"{CHANGES}/back/{before}").main.get_text(" ", strip=True)
    assert "Records lost: 1 (1 of 1 people)" in back
    gone = me.post(f"{CHANGES}/back/{before}", {"checksum": checksum(me, f"{CHANGES}/back/{before}")})
    assert gone.status_code == 303, gone.text[:1000]
    assert rep.get(hidden).status_code == 404


def test_only_the_plan_that_was_shown_is_published(office: Office, me: Person) -> None:
    me.post("/admin/roles/c_reader/edit/account", {"scope.read": "own"})
    shown = checksum(me)
    me.post("/admin/roles/c_reader/edit/account", {"scope.read": "all"})
    said = me.post(f"{CHANGES}/publish", {"checksum": shown})
    assert said.status_code == 409 and "alert-error" in said.text
    role = me.page("/admin/roles/c_reader").select_one(".matrix").get_text(" ", strip=True)
    assert "Name is not Closed" in role, "still as it was"


def test_a_role_is_made_like_another_called_otherwise_and_removed(office: Office, me: Person) -> None:
    said = me.post("/admin/roles/new", {"label": "Key accounts", "like": "c_rep", "for_users": "internal"})
    assert said.status_code == 303 and said.headers["location"].endswith("/admin/roles/c_key_accounts/edit")
    assert me.post("/admin/roles/new", {"label": " "}).status_code == 422
    form = [
        ("label.en", "Big accounts"),
        ("label.zh-CN", "大客户"),
        ("for_users", "internal"),
        ("beside", "unmask"),
    ]
    assert me.post("/admin/roles/c_key_accounts/edit", form).status_code == 303
    publish(me)
    page = me.page("/admin/roles/c_key_accounts")
    assert page.h1.get_text() == "Big accounts" and "see masked values" in page.main.get_text()
    assert "own" in page.select_one(".matrix").get_text()
    assert me.post("/admin/roles/c_key_accounts/remove", {}).status_code == 303
    publish(me)
    assert me.get("/admin/roles/c_key_accounts").status_code == 404


def test_a_packs_role_is_changed_in_a_layer_above_and_goes_back(office: Office, me: Person) -> None:
    page = me.page("/admin/roles/employee/edit")
    assert "Back to the pack's" not in page.main.get_text()
    me.post("/admin/roles/employee/edit/yd_place", {"scope.read": "all", "scope.delete": "all"})
    publish(me)
    draft = office.opened.admin.get("/definitions/role/employee").json()
    assert draft["body"]["objects"]["yd_place"]["delete"] == "all" and draft["layer"] != "workspace"
    assert me.post("/admin/roles/employee/remove", {}).status_code == 303
    publish(me)
    body = office.opened.admin.get("/definitions/role/employee").json()["body"]
    assert body["objects"].get("yd_place", {}).get("delete") is None


def test_a_sharing_rule_is_made_changed_and_removed(office: Office, me: Person) -> None:
    rep, hidden = office.opened.person(REP), f"/o/account/{office.closed}"
    form = {
        "object": "account",
        "label.en": "Closed ones",
        "where": "name == 'Closed'",
        "to": "role:c_rep",
        "give": "read",
    }
    assert me.post("/admin/sharing/new", form).status_code == 303
    assert "Records gained: 1 (1 of 1 people)" in me.page(CHANGES).main.get_text(" ", strip=True)
    publish(me)
    assert rep.get(hidden).status_code == 200
    page = me.page("/admin/sharing/c_closed_ones/edit")
    assert [box["value"] for box in page.select("input[name=to][checked]")] == ["role:c_rep"]
    assert (
        me.post("/admin/sharing/c_closed_ones/edit", {**form, "to": "", "to.people": f"{DESK}, "}).status_code
        == 422
    )
    changed = {k: v for k, v in form.items() if k != "to"} | {"to.people": DESK}
    assert me.post("/admin/sharing/c_closed_ones/edit", changed).status_code == 303
    publish(me)
    assert rep.get(hidden).status_code == 404
    assert me.post("/admin/sharing/c_closed_ones/remove", {}).status_code == 303
    publish(me)
    assert me.get("/admin/sharing/c_closed_ones/edit").status_code == 404


@pytest.mark.parametrize(
    ("path", "form", "word"),
    [
        ("/admin/roles/c_rep/edit/account", {"scope.read": "own", "where.read": "nam == 1"}, "nam"),
        ("/admin/roles/c_rep/edit/account", {"scope.read": "everything"}, "everything"),
        ("/admin/roles/c_rep/edit/account", {"scope.read": "own", "field.phone": "write"}, "write"),
        ("/admin/roles/c_rep/edit", {"label.en": "", "label.zh-CN": "", "label.zh-TW": ""}, "language"),
        (
            "/admin/sharing/new",
            {"object": "account", "label.en": "x", "to": "role:c_rep", "where": "nam == 1"},
            "nam",
        ),
        ("/admin/sharing/new", {"object": "account", "label.en": "x", "to": "moon:1"}, "moon"),
        ("/admin/sharing/new", {"object": "account", "label.en": "x"}, "whom"),
    ],
)
def test_what_is_wrong_is_told_and_kept_nowhere(office: Office, me: Person, path: str, form: dict[str, str], word: str) -> None:  # fmt: skip
    said = me.post(path, form)
    assert said.status_code == 422 and word in said.text
    assert me.page(CHANGES).select_one("input[name=checksum]") is None


def test_one_document_is_taken_out_of_the_draft(office: Office, me: Person) -> None:
    me.post("/admin/roles/c_reader/edit/account", {"scope.read": "own"})
    me.post("/admin/roles/c_door/edit/account", {"scope.read": "own"})
    assert me.page(CHANGES).select_one(".count").get_text() == "2"
    me.post(f"{CHANGES}/drop", {"kind": "role", "name": "c_door"})
    assert "c_door" not in me.page(CHANGES).main.get_text()
    assert "c_reader" in me.page(CHANGES).main.get_text()


@pytest.mark.parametrize(
    "path",
    ["/admin/changes", "/admin/changes/back/1", "/admin/roles/new", "/admin/roles/c_rep/edit",
     "/admin/roles/c_rep/edit/account", "/admin/sharing/new?object=account", "/admin/sharing/c_named_open/edit"],
)  # fmt: skip
def test_only_an_administrator_changes_definitions(office: Office, path: str) -> None:
    desk = office.opened.person(DESK)
    assert desk.get(path).status_code == 403
    assert desk.post(path.partition("?")[0], {"label": "x", "checksum": "x"}).status_code in (403, 405)
    assert office.opened.person(REP).get(path).status_code == 403


def test_a_role_that_others_changed_since_is_told_of(office: Office, me: Person) -> None:
    me.post("/admin/roles/c_reader/edit/account", {"scope.read": "own"})
    said = office.opened.admin.get("/definitions/role/c_reader").json()["body"]
    put = office.opened.admin.put("/definitions/role/c_reader", {**said, "objects": {**said["objects"], "account": {"read": "department"}}})  # fmt: skip
    draft = put.json()["draft"]
    plan = office.opened.admin.post(f"/drafts/{draft}/plan").json()
    assert (
        office.opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]}).status_code
        == 201
    )
    page = me.page(CHANGES)
    assert "alert-error" in str(page) and page.select_one("input[name=checksum]") is None
    assert me.get("/admin/roles/c_reader/edit").status_code == 409
    assert me.post(f"{CHANGES}/drop", {}).status_code == 303
    assert me.get("/admin/roles/c_reader/edit").status_code == 200
