"""Invitations: from the form over the letter to the first page; what a link opens, how often, and for whom it opens nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from patron_engine.actor import SYSTEM, Actor
from patron_engine.errors import Forbidden
from patron_engine.query.spec import Ask
from patron_platform.app import create_app
from patron_platform.identity import invitations
from patron_platform.identity.accounts import create_user
from patron_platform.identity.passwords import hash_password
from patron_platform.service import Service
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import ADMIN, PASSWORD, REP, WORKSPACE, Opened, Person

NEW = "quiet river stones"


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def posted(opened: Opened, post: MailServer) -> Iterator[TestClient]:
    """The service with a mail server, at an address of its own."""
    changed = {"mail": post.address, "mail_from": "crm@acme.example", "base_url": "http://crm.example"}
    settings = opened.service.settings.model_copy(update=changed)
    service = Service(settings, opened.service.database, opened.service.databases, opened.service.runtime)
    with TestClient(create_app(service), base_url="http://crm.example") as client:
        yield client


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")


def form(email: str, **more: str) -> dict[str, str]:
    return {"email": email, "name": "Wu Lan", **more}


def link_on(page: Any) -> str:
    """The path of the link the page shows."""
    return "/" + page.text.split('readonly value="')[1].split('"')[0].split("/", 3)[3]


def take(client: TestClient, link: str, new: str = NEW, again: str | None = None) -> Any:
    client.cookies.clear()
    said = client.post(
        link, data={"new": new, "again": new if again is None else again}, follow_redirects=False
    )
    client.cookies.clear()
    return said


def test_an_invitation_goes_by_mail_and_opens_once(
    opened: Opened, posted: TestClient, post: MailServer
) -> None:
    admin = Person(posted, WORKSPACE, ADMIN)
    said = admin.post("/invitations", form("wu@acme.example"))
    assert said.status_code == 200 and "on its way to wu@acme.example" in said.text
    assert "/invitation/" not in said.text, "whoever invites does not see the link that was sent"
    letter = post.next()
    assert (letter["To"], letter["From"]) == ("wu@acme.example", "Patron <crm@acme.example>")
    link = letter.get_content().split("http://crm.example")[1].split()[0]
    page = posted.get(link)
    assert page.status_code == 200 and "Welcome to acme" in page.text
    assert take(posted, link, "short").status_code == 422
    assert take(posted, link, "wu.lan.2026!").status_code == 422, "made of his name"
    assert take(posted, link, NEW, NEW + "x").status_code == 422
    said = take(posted, link)
    assert said.status_code == 303 and said.headers["location"] == "/w/acme/"
    cookie = {"Cookie": f"patron_session={said.cookies['patron_session']}"}
    assert posted.get("/w/acme/", headers=cookie).status_code == 200
    assert take(posted, link).status_code == 404, "a link opens once"
    said = posted.post("/login", data={"email": "wu@acme.example", "password": NEW}, follow_redirects=False)
    assert said.status_code == 303
    user = opened.admin.rows("user", where="email == 'wu@acme.example'")[0]
    assert (user["name"], user["active"]) == ("Wu Lan", True)
    posted.cookies.clear()


def test_without_a_mail_server_the_link_is_shown_once(opened: Opened) -> None:
    admin = opened.person()
    said = admin.post("/invitations", form("once@acme.example"))
    link = link_on(said)
    assert link.startswith("/invitation/")
    assert (
        link not in admin.get("/invitations").text and "once@acme.example" in admin.get("/invitations").text
    )
    assert take(opened.client, link).status_code == 303


def test_a_letter_the_server_does_not_take_shows_the_link(posted: TestClient, post: MailServer) -> None:
    said = Person(posted, WORKSPACE, ADMIN).post("/invitations", form("refused@acme.example"))
    assert said.status_code == 200 and "http://crm.example/invitation/" in said.text
    assert post.nothing_came()


def test_sending_again_ends_the_link_before(opened: Opened, posted: TestClient, post: MailServer) -> None:
    admin = Person(posted, WORKSPACE, ADMIN)
    admin.post("/invitations", form("again@acme.example"))
    first = post.link("invitation")
    row = admin.page("/invitations").find("button", {"name": "invited"})
    assert admin.post("/invitations/again", {"invited": row["value"]}).status_code == 200
    second = post.link("invitation")
    assert posted.get(first).status_code == 404
    assert posted.get(second).status_code == 200


def test_a_withdrawn_invitation_opens_nothing(opened: Opened) -> None:
    admin = opened.person()
    link = link_on(admin.post("/invitations", form("gone@acme.example")))
    row = admin.page("/invitations").find("button", {"name": "invited"})
    assert admin.post("/invitations/withdraw", {"invited": row["value"]}).status_code == 303
    assert take(opened.client, link).status_code == 404
    assert "gone@acme.example" not in admin.get("/invitations").text
    assert opened.admin.rows("user", where="email == 'gone@acme.example'")[0]["active"] is False
    assert admin.post("/invitations/withdraw", {"invited": row["value"]}).status_code == 404


def test_a_link_ends_after_seven_days_and_can_be_sent_again(opened: Opened) -> None:
    admin = opened.person()
    link = link_on(admin.post("/invitations", form("late@acme.example")))
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT ends_at - made_at = interval '7 days' FROM patron.ticket ORDER BY made_at DESC LIMIT 1"
        ).fetchone()
        conn.execute("UPDATE patron.ticket SET ends_at = now() WHERE kind = 'invitation'")
    assert row == (True,)
    assert opened.client.get(link).status_code == 404
    button = admin.page("/invitations").find("button", {"name": "invited"})
    assert opened.client.get(
        link_on(admin.post("/invitations/again", {"invited": button["value"]}))
    ).is_success


def test_the_table_keeps_no_token(opened: Opened) -> None:
    link = link_on(opened.person().post("/invitations", form("hash@acme.example")))
    token = link.rpartition("/")[2]
    with opened.service.databases.system() as conn:
        rows = conn.execute("SELECT t::text FROM patron.ticket t").fetchall()
        rows += conn.execute("SELECT a::text FROM patron.audit a").fetchall()
    assert all(token not in row[0] for row in rows)


def test_an_invitation_does_not_take_an_account_over(opened: Opened) -> None:
    """A link in the hands of whoever invites sets no password of an account that is somebody's in another workspace."""
    other = opened.service.runtime.workspace("other")
    create_user(
        opened.service.databases, other, "owner@other.example", password_hash=None, administrator=True
    )
    link = link_on(opened.person().post("/invitations", form("owner@other.example")))
    said = take(opened.client, link)
    assert said.status_code == 200 and "sign in" in said.text and "patron_session" not in said.cookies
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT password_hash FROM patron.account WHERE email = 'owner@other.example'"
        ).fetchone()
    assert row == (None,)


def test_who_has_an_account_signs_in_and_joins(opened: Opened) -> None:
    other = opened.service.runtime.workspace("other")
    create_user(opened.service.databases, other, "known@other.example", password_hash=hash_password(PASSWORD))
    link = link_on(opened.person().post("/invitations", form("known@other.example")))
    rep = opened.person(REP)
    cookie = {"Cookie": f"patron_session={rep.cookies['patron_session']}"}
    said = opened.client.post(link, data={"_csrf": rep.token()}, headers=cookie, follow_redirects=False)
    assert said.status_code == 200, "another account does not join in his place"
    known = Person(opened.client, "other", "known@other.example")
    cookie = {"Cookie": f"patron_session={known.cookies['patron_session']}"}
    assert opened.client.post(link, headers=cookie, follow_redirects=False).status_code == 403
    said = opened.client.post(link, data={"_csrf": known.token()}, headers=cookie, follow_redirects=False)
    assert said.headers["location"] == "/w/acme/"
    known.workspace = WORKSPACE
    assert known.get("/").status_code == 200


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"email": "no address"}, "is not an e-mail address"),
        ({"email": REP}, "is a user of this workspace already"),
        ({"email": "a@acme.example", "roles": "nothing_like_it"}, "no role"),
        ({"email": "a@acme.example", "name": "x" * 81}, "at most 80"),
        ({"email": "a@acme.example", "department": "00000000-0000-7000-8000-000000000000"}, "alert-error"),
        ({"email": "a@acme.example", "department": "no id"}, "alert-error"),
    ],
)
def test_what_is_wrong_is_told_and_invites_nobody(opened: Opened, given: dict[str, str], said: str) -> None:
    admin = opened.person()
    answer = admin.post("/invitations", given)
    assert answer.status_code == 422 and said in answer.text
    with opened.service.databases.system() as conn:
        assert conn.execute("SELECT 1 FROM patron.account WHERE email = 'a@acme.example'").fetchone() is None


def test_only_who_manages_users_invites(opened: Opened) -> None:
    rep = opened.person(REP)
    assert rep.get("/invitations").status_code == 403
    assert rep.post("/invitations", form("b@acme.example")).status_code == 403
    assert rep.post("/invitations/again", {"invited": "x"}).status_code == 403
    assert rep.post("/invitations/withdraw", {"invited": "x"}).status_code == 403
    assert opened.client.get("/invitation/" + "x" * 5_000).status_code == 404


def test_nobody_invites_with_a_role_that_holds_more_than_he_has(opened: Opened) -> None:
    """Looking after people is no way to become an administrator by a second account."""
    workspace = opened.service.runtime.workspace(WORKSPACE)
    keeper = Actor(user=opened.admin.get("/me").json()["user"], roles=frozenset({"employee"}))
    guest = invitations.Guest(email="second@acme.example", name="Second", roles=("admin",))
    with pytest.raises(Forbidden) as refused:
        invitations.invite(opened.service.databases, workspace, guest, by="keeper@acme.example", giver=keeper)
    assert "'admin' is not yours to give" in str(refused.value)
    found = workspace.read(SYSTEM, Ask(object="user", where="email == 'second@acme.example'", fields=("id",)))
    assert found.rows() == []
