"""One person from the admin area: found by department, his groups, how he signs in, and what would let him see a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest

from patron_platform.identity import factor
from patron_testing.rights import has, with_roles
from patron_testing.web import ADMIN, OTHER, REP, WORKSPACE, Opened, Person

DESK = "desk@acme.example"


@dataclass(frozen=True, slots=True)
class Office:
    opened: Opened
    rep: str
    desk: str
    admin: str
    north: str
    closed: str


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Office]:
    with_roles(opened)
    north = opened.admin.make("department", name="North", code="north")["id"]
    below = opened.admin.make("department", name="Docks", code="docks", parent=north)["id"]
    rep = has(opened, REP, "c_rep", department=below)
    closed = opened.admin.make("account", name="Closed")["id"]
    admin = str(opened.admin.get("/me").json()["user"])
    yield Office(opened, rep, has(opened, DESK, "c_people"), admin, north, closed)


def account_of(opened: Opened, email: str) -> str:
    with opened.service.databases.system() as conn:
        row = conn.execute("SELECT id::text FROM patron.account WHERE email = %s", (email,)).fetchone()
    assert row is not None
    return str(row[0])


def test_a_department_finds_those_below_too(office: Office, me: Person) -> None:
    rows = me.page(f"/admin/people?department={office.north}").select("tbody tr")
    assert [tr.a.get_text() for tr in rows] == ["rep"]
    assert len(me.page("/admin/people?department=nonsense").select("tbody tr")) >= 3


def test_groups_are_joined_and_left(office: Office, me: Person) -> None:
    bids = office.opened.admin.make("group", name="Bids", code="bids", members=[office.desk])["id"]
    path = f"/admin/people/{office.rep}"
    assert me.post(f"{path}/groups", {"group": bids}).status_code == 303
    members = office.opened.admin.read("group", bids)["members"]
    assert {m["id"] for m in members} == {office.rep, office.desk}
    assert me.page(path).select_one(f"input[name=group][value='{bids}']").has_attr("checked")
    assert me.post(f"{path}/groups", {}).status_code == 303
    assert [m["id"] for m in office.opened.admin.read("group", bids)["members"]] == [office.desk]


def test_sessions_are_ended_and_a_new_password_is_demanded(office: Office, me: Person) -> None:
    path = f"/admin/people/{office.rep}"
    rep = office.opened.person(REP)
    assert me.post(f"{path}/sessions", {}).status_code == 303
    assert rep.get("/").status_code == 303 and "login" in rep.get("/").headers["location"]
    office.opened.person(REP)
    assert me.post(f"{path}/renew", {}).status_code == 303
    with office.opened.service.databases.system() as conn:
        row = conn.execute("SELECT must_change FROM patron.account WHERE email = %s", (REP,)).fetchone()
        conn.execute("UPDATE patron.account SET must_change = false WHERE email = %s", (REP,))
    assert row == (True,)
    log = me.page("/sign-ins").main.get_text()
    assert "A new password was demanded" in log and "Ended sessions" in log


def test_the_second_factor_is_turned_off_but_not_for_other_workspaces(office: Office, me: Person) -> None:
    opened, account = office.opened, account_of(office.opened, REP)
    path = f"/admin/people/{office.rep}"
    with opened.service.databases.system() as conn:
        secret = factor.new_secret()
        assert factor.turn_on(opened.service, conn, account, secret, pyotp.TOTP(secret).now())
        conn.execute(
            "INSERT INTO patron.membership (account, workspace, user_record) VALUES (%s, %s, %s)",
            (account, OTHER, office.rep),
        )
    assert "Two-step sign-in is on since" in me.page(path).main.get_text()
    said = me.post(f"{path}/second-factor", {})
    assert said.status_code == 403 and "other workspaces" in said.text
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.membership WHERE account = %s AND workspace = %s", (account, OTHER))
    assert me.post(f"{path}/second-factor", {}).status_code == 303
    with opened.service.databases.system() as conn:
        assert factor.state_of(conn, account)[0] is None


def test_nobody_changes_how_somebody_signs_in_who_may_do_more(office: Office) -> None:
    desk = office.opened.person(DESK)
    for act in ("renew", "second-factor", "letter"):
        for who in (office.admin, office.rep):  # the seller may change accounts, which she may not
            assert desk.post(f"/admin/people/{who}/{act}", {}).status_code == 403, act
    rep = office.opened.person(REP)
    for act in ("renew", "second-factor", "letter", "sessions", "groups"):
        assert rep.post(f"/admin/people/{office.desk}/{act}", {}).status_code == 403, act
    assert office.opened.person(ADMIN).post(
        f"/admin/people/{office.rep}/renew", {"_csrf": "x"}
    ).status_code in (303, 403)
    with office.opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET must_change = false")


def test_the_question_leads_to_the_record_and_the_answer_to_the_share(office: Office, me: Person) -> None:
    page = me.page(f"/admin/explain?user={office.rep}&object=account&action=read&q=Closed")
    link = page.select_one(".reaching a")
    assert (
        link.get_text() == "Closed" and f"/o/account/{office.closed}/access?user={office.rep}" in link["href"]
    )
    assert "Single records that were shared with rep" in page.main.get_text()
    assert me.page("/admin/explain").select_one(".why-answer") is None
    path = f"/o/account/{office.closed}/access"
    answer = me.page(f"{path}?user={office.rep}")
    first = answer.select_one(".cure")
    assert "smallest change" in first.get_text() and first.select_one("form")["action"].endswith(
        "/access/share"
    )
    widen = [a["href"] for a in answer.select(".cure a")]
    assert any("/admin/roles/c_rep/edit/account?scope.read=all" in href for href in widen)
    form = me.page(widen[0].partition(f"/w/{WORKSPACE}")[2])
    assert form.select_one("select[name='scope.read'] option[selected]")["value"] == "all", (
        "what would let him stands there"
    )
    rep = office.opened.person(REP)
    assert rep.get(f"/o/account/{office.closed}").status_code == 404
    done = me.post(f"{path}/share", {"user": office.rep, "level": "read", "action": "read"})
    assert done.status_code == 303 and "done=share" in done.headers["location"]
    assert rep.get(f"/o/account/{office.closed}").status_code == 200
    again = me.post(f"{path}/share", {"user": office.admin, "level": "read"})
    assert again.status_code == 422 and "alert-error" in again.text


def test_who_may_not_share_is_offered_no_button(office: Office) -> None:
    other = office.opened.admin.make("account", name="Not hers")["id"]
    desk = office.opened.person(DESK)
    page = desk.page(f"/o/account/{other}/access?user={office.rep}")
    assert "Share this record" in page.select_one(".cure").get_text()
    assert page.select_one("form[action$='/access/share']") is None
    assert page.select_one(".cure a") is None, "she changes no roles"
    said = desk.post(f"/o/account/{other}/access/share", {"user": office.rep, "level": "read"})
    assert said.status_code == 403
