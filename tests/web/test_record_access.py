"""The page of a record's access: the answer for a chosen person, a button that gives the role, and who reads what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from patron_testing.rights import has, with_roles
from patron_testing.web import REP, Opened, Person

DESK, SEER = "desk@acme.example", "seer@acme.example"


@dataclass(frozen=True, slots=True)
class Office:
    opened: Opened
    rep: str
    his: str
    other: str


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Office]:
    with_roles(opened)
    rep = has(opened, REP, "c_rep")
    has(opened, DESK, "c_people")
    his = opened.admin.make("account", name="His", owner=rep)["id"]
    yield Office(opened, rep, his, opened.admin.make("account", name="Other <b>")["id"])


def test_the_page_alone_answers_why_and_a_button_lets_him(office: Office, me: Person) -> None:
    seer = has(office.opened, SEER, "c_rep")
    menu = me.page(f"/o/account/{office.other}")
    assert menu.find("a", href=f"/w/acme/o/account/{office.other}/access")
    here = f"/o/account/{office.other}/access"
    asked = me.page(here)
    assert asked.find("option", value=seer)
    page = me.page(f"{here}?user={seer}&action=read")
    assert page.select_one(".why-answer").get_text(strip=True) == "seer may not see the Account “Other <b>”."
    assert (
        "The role Seller lets seer see only Accounts that belong to seer"
        in page.select_one(".why").get_text()
    )
    assert "smallest change" in page.select_one(".cure").get_text()
    button = page.find("button", value="c_reader")
    assert button and "opens" in button.find_parent("li").get_text()
    said = me.post(f"{here}/role", {"user": seer, "role": "c_reader"})
    assert said.status_code == 303
    after = me.page(f"{here}?user={seer}")
    assert after.select_one(".why-answer").get_text(strip=True) == "seer may see the Account “Other <b>”."
    assert after.select(".cure") == []
    people = {li.get_text(" ", strip=True) for li in after.select(".reaching-one")}
    assert any("seer" in p and "may see" in p for p in people)


def test_in_chinese_and_for_a_field(office: Office) -> None:
    page = office.opened.person(language="zh-CN").page(
        f"/o/account/{office.his}/access?user={office.rep}&action=read&field=phone"
    )
    assert "不能查看" in page.select_one(".why-answer").get_text()
    assert "销售员" in page.select_one(".why").get_text()


def test_an_owner_reads_who_can_but_asks_about_nobody(office: Office) -> None:
    rep = office.opened.person(REP)
    page = rep.page(f"/o/account/{office.his}/access?user={office.his}")
    assert page.select_one(".why-answer").get_text(strip=True).startswith("rep may see")
    assert page.select("select[name=user]") == [] and page.select(".reaching-one a") == []
    assert any("desk" in li.get_text() for li in page.select(".reaching-one"))


def test_who_may_not_does_not(office: Office) -> None:
    rep = office.opened.person(REP)
    assert rep.get(f"/o/account/{office.other}/access").status_code == 404
    given = {"user": office.rep, "role": "c_people"}
    assert rep.post(f"/o/account/{office.his}/access/role", given).status_code == 403
    desk = office.opened.person(DESK)
    assert desk.post(f"/o/account/{office.his}/access/role", {**given, "role": "admin"}).status_code == 403
    assert desk.post(f"/o/account/{office.his}/access/role", {**given, "role": "c_door"}).status_code == 403
    assert desk.post(f"/o/account/{office.his}/access/role", {**given, "role": "c_no"}).status_code == 404
    assert desk.call("POST", f"/o/account/{office.his}/access/role", data=given).status_code == 403
    assert office.opened.admin.read("user", office.rep)["roles"] == ["c_rep"]
    page = desk.page(f"/o/account/{office.other}/access?user={office.rep}")
    assert page.find("button", value="c_people") and not page.find("button", value="admin")


@pytest.mark.parametrize(
    "query",
    ["user=nobody", "user=%00", "action=steal&user=rep@acme.example", "field=x&user=rep@acme.example"],
)
def test_bad_questions_are_told(office: Office, me: Person, query: str) -> None:
    assert 400 <= me.get(f"/o/account/{office.his}/access?{query}").status_code < 500
