"""The admin area: who enters, people and their roles, departments, roles and their matrix as a file; looking as somebody else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from patron_testing.rights import ROLES, has, publish
from patron_testing.web import ADMIN, REP, WORKSPACE, Opened, Person

DESK, SEER = "desk@acme.example", "seer@acme.example"
EVIL = """
---
kind: role
name: c_evil
label: {en: "@SUM(1)"}
objects:
  account: {read: all}
"""
SECOND_FACTOR = """
---
kind: change
of: workspace/workspace
set: {{second_factor: {}}}
"""
PAGES = ("people", "departments", "roles", "sharing", "roles/c_rep", "roles/export")


@dataclass(frozen=True, slots=True)
class Office:
    opened: Opened
    rep: str
    desk: str
    north: str


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Office]:
    publish(opened, ROLES + EVIL)
    north = opened.admin.make("department", name="North", code="north")["id"]
    below = opened.admin.make("department", name="Docks", code="docks", parent=north)["id"]
    rep = has(opened, REP, "c_rep", department=below)
    yield Office(opened, rep, has(opened, DESK, "c_people", department=north), north)


@pytest.mark.parametrize("path", PAGES)
def test_only_who_manages_people_enters(office: Office, path: str) -> None:
    assert office.opened.person(DESK).get(f"/admin/{path}").status_code == 200
    assert office.opened.person(REP).get(f"/admin/{path}").status_code == 403
    stranger = office.opened.client.get(f"/w/{WORKSPACE}/admin/{path}", follow_redirects=False)
    assert stranger.status_code in (303, 401)


def test_people_are_found_with_department_roles_and_sign_in(office: Office, me: Person) -> None:
    page = me.page("/admin/people?q=rep")
    rows = [tr.get_text(" ", strip=True) for tr in page.select("tbody tr")]
    assert len(rows) == 1 and "Docks" in rows[0] and "Seller" in rows[0]
    assert me.page("/admin/people?role=c_people").select_one("tbody a").get_text() == "desk"
    assert me.page("/admin/people?state=off").select("tbody tr") == []
    assert "administrator" in me.page("/admin/people?q=admin").tbody.get_text()
    assert me.get("/admin/people?q=%22&role=%22&state=x&after=zzz").status_code in (410, 422)


def test_a_persons_roles_department_and_state_are_saved(office: Office, me: Person) -> None:
    seer = has(office.opened, SEER, "c_rep")
    page = me.page(f"/admin/people/{seer}")
    assert [box["value"] for box in page.select("input[name=role][checked]")] == ["c_rep"]
    assert "Accounts" in page.select_one(".matrix").get_text()
    form = [("role", "c_rep"), ("role", "c_reader"), ("department", office.north), ("active", "yes")]
    assert me.post(f"/admin/people/{seer}", form).status_code == 303
    kept = office.opened.admin.read("user", seer)
    assert (kept["roles"], kept["department"]["title"]) == (["c_reader", "c_rep"], "North")
    own = me.post(f"/admin/people/{seer}", [("role", "c_rep"), ("manager", seer)])
    assert own.status_code == 422 and "alert-error" in own.text
    assert office.opened.admin.read("user", seer)["roles"] == ["c_reader", "c_rep"]
    assert me.post(f"/admin/people/{seer}", [("role", "c_rep"), ("active", "no")]).status_code == 303
    assert "Switched off" in me.page(f"/admin/people/{seer}").get_text()


def test_who_manages_people_gives_no_more_than_he_has(office: Office) -> None:
    desk = office.opened.person(DESK)
    page = desk.page(f"/admin/people/{office.desk}")
    assert page.select_one("#role-admin").has_attr("disabled")
    for role in ("admin", "c_door"):
        said = desk.post(f"/admin/people/{office.desk}", [("role", "c_people"), ("role", role)])
        assert said.status_code == 403, role
    assert office.opened.admin.read("user", office.desk)["roles"] == ["c_people"]
    assert desk.post(f"/admin/people/{office.rep}", [("role", "c_no")]).status_code == 404


def test_departments_are_a_tree_and_roles_say_who_has_them(office: Office, me: Person) -> None:
    tree = me.page("/admin/departments").select_one(".admin-tree > ul > li")
    assert "North" in tree.p.get_text() and "Docks" in tree.ul.get_text()
    assert "with those below" in tree.p.get_text()
    role = me.page("/admin/roles/c_reader")
    assert "Name is not Closed" in role.select_one(".matrix").get_text()
    assert "rep" in me.page("/admin/roles/c_rep").get_text()
    assert me.get("/admin/roles/c_none").status_code == 404
    assert "role Seller" in me.page("/admin/sharing").tbody.get_text()


def test_the_matrix_as_a_file_runs_nothing(office: Office, me: Person) -> None:
    said = me.get("/admin/roles/export?form=csv")
    text = said.content.decode("utf-8-sig")
    assert "attachment" in said.headers["content-disposition"]
    assert "'@SUM(1)" in text and "\n@" not in text
    seller = [line for line in text.splitlines() if line.startswith("Seller")]
    assert any("own" in line and "Account" in line for line in seller)
    assert any("Phone" in line and "hidden" in line for line in seller)
    with zipfile.ZipFile(io.BytesIO(me.get("/admin/roles/export?form=xlsx").content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "SUM" in sheet and "<f>" not in sheet


def _looking(office: Office, person: Person, user: str) -> Person:
    said = person.post("/admin/viewing", {"user": user})
    assert said.status_code == 303, said.text[:500]
    person.cookies |= dict(said.cookies)
    office.opened.client.cookies.clear()
    return person


def test_looking_as_somebody_shows_what_he_sees_and_changes_nothing(office: Office) -> None:
    hidden = office.opened.admin.make("account", name="Hidden")["id"]
    his = office.opened.admin.make("account", name="Rep's", owner=office.rep)["id"]
    boss = _looking(office, office.opened.person(ADMIN), office.rep)
    page = boss.page(f"/o/account/{his}")
    assert "as rep" in page.select_one(".viewing").get_text()
    assert boss.get(f"/o/account/{hidden}").status_code == 404
    token = page.find("meta", {"name": "csrf"})["content"]
    form = {"_csrf": token, "role": "c_rep"}
    for path in (f"/admin/people/{office.rep}", f"/o/account/{his}/delete", "/me", "/admin/viewing"):
        assert boss.call("POST", path, data=form).status_code == 403, path
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in boss.cookies.items()), "X-CSRF-Token": token}
    api = office.opened.client
    assert (
        api.get(
            f"/api/v1/records/account/{hidden}", headers={**headers, "Patron-Workspace": WORKSPACE}
        ).status_code
        == 404
    )
    said = api.patch(
        f"/api/v1/records/account/{his}",
        json={"name": "x"},
        headers={**headers, "Patron-Workspace": WORKSPACE},
    )
    assert said.status_code == 403
    ended = boss.call("POST", "/admin/viewing/end", data={"_csrf": token})
    assert ended.status_code == 303 and "patron_view" in ended.headers["set-cookie"]
    with office.opened.service.databases.system() as conn:
        acts = [
            r[0]
            for r in conn.execute("SELECT action FROM patron.audit WHERE action LIKE 'viewing%' ORDER BY id")
        ]
    assert acts == ["viewing_began", "viewing_ended"]
    for action in acts:
        rows = (
            office.opened.person()
            .page(f"/audit?action={action}&about=user/{office.rep}")
            .select(".audit-rows tbody tr")
        )
        assert len(rows) == 1 and ADMIN in rows[0].get_text()


def test_nobody_looks_as_somebody_who_may_do_more_nor_with_a_cookie_of_his_own(office: Office) -> None:
    desk = office.opened.person(DESK)
    admin = office.opened.admin.get("/me").json()["user"]
    assert desk.post("/admin/viewing", {"user": admin}).status_code == 403
    assert desk.post("/admin/viewing", {"user": office.rep}).status_code == 403, "she may not change accounts"
    assert office.opened.person(REP).post("/admin/viewing", {"user": office.desk}).status_code == 403
    rep = office.opened.person(REP)
    rep.cookies["patron_view"] = f"{WORKSPACE}.{admin}.{'0' * 64}"
    assert rep.get("/admin/people").status_code == 403


def test_the_second_factor_is_asked_of_who_looks_not_of_whom_he_looks_as(office: Office) -> None:
    boss = _looking(office, office.opened.person(ADMIN), office.rep)
    try:
        for roles, status in (("[c_rep]", 200), ("['*']", 303)):
            publish(office.opened, f"{ROLES}{EVIL}{SECOND_FACTOR.format(roles)}")
            assert boss.get("/o/account").status_code == status, roles
    finally:
        publish(office.opened, ROLES + EVIL)
