"""The letter that who manages people sends somebody, handed to a mail server that speaks SMTP: what is in it, whom it reaches, what
its link does, and what is said when the server does not take it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.service import Service
from patron_testing.rights import has, with_roles
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import ADMIN, WORKSPACE, Opened, Person

DESK, SELLER = "desk@acme.example", "seller@acme.example"
NEW = "quiet river stones"


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def client(opened: Opened, post: MailServer) -> Iterator[TestClient]:
    changed = {"mail": post.address, "mail_from": "crm@acme.example", "base_url": "http://crm.example"}
    settings = opened.service.settings.model_copy(update=changed)
    service = Service(settings, opened.service.database, opened.service.databases, opened.service.runtime)
    with_roles(opened)
    with TestClient(create_app(service), base_url="http://crm.example") as client:
        yield client


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Set a new password", "30 minutes"),
        ("zh-CN", "重置您的密码", "30 分钟"),
        ("zh-TW", "重設您的密碼", "30 分鐘"),
    ],
)
def test_the_letter_reaches_him_and_its_link_sets_a_password(
    opened: Opened, client: TestClient, post: MailServer, language: str, subject: str, words: str
) -> None:
    who = has(opened, SELLER, "c_reader")
    admin = Person(client, WORKSPACE, ADMIN, language)
    said = admin.post(f"/admin/people/{who}/letter", {})
    assert said.status_code == 303 and said.headers["location"].endswith(f"{who}?done=letter")
    letter = post.next()
    assert (letter["To"], letter["From"]) == (SELLER, "Patron <crm@acme.example>")
    assert letter["Cc"] is letter["Bcc"] is None and letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == subject and words in letter.get_content()
    assert post.nothing_came(), "one letter, to nobody else"
    link = letter.get_content().split("http://crm.example")[1].split()[0]
    assert link not in said.text + str(said.headers) + str(admin.page(f"/admin/people/{who}"))
    client.cookies.clear()
    chosen = client.post(link, data={"new": NEW + language, "again": NEW + language}, follow_redirects=False)
    assert chosen.status_code == 303 and "patron_session" in str(chosen.headers)
    client.cookies.clear()
    again = client.post(link, data={"new": NEW, "again": NEW}, follow_redirects=False)
    assert "patron_session" not in str(again.headers), "it works once"
    client.cookies.clear()
    signed = client.post("/login", data={"email": SELLER, "password": NEW + language}, follow_redirects=False)
    assert signed.status_code == 303 and "patron_session" in str(signed.headers)
    client.cookies.clear()


def test_a_server_that_does_not_take_it_is_told(opened: Opened, client: TestClient, post: MailServer) -> None:
    who = has(opened, "refused@acme.example", "c_reader")
    said = Person(client, WORKSPACE, ADMIN).post(f"/admin/people/{who}/letter", {})
    assert said.status_code == 303 and said.headers["location"].endswith("?done=no_letter")
    page = Person(client, WORKSPACE, ADMIN).page(f"/admin/people/{who}?done=no_letter")
    assert "could not be sent" in page.get_text()
    assert post.nothing_came()


def test_nobody_has_a_letter_sent_to_who_may_do_more(
    opened: Opened, client: TestClient, post: MailServer
) -> None:
    has(opened, DESK, "c_people")
    boss = str(opened.admin.get("/me").json()["user"])
    assert Person(client, WORKSPACE, DESK).post(f"/admin/people/{boss}/letter", {}).status_code == 403
    assert post.nothing_came()
