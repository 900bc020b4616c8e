"""Forgotten passwords: the same answer for everybody, a link that works once, and what it ends. Passwords that must be changed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.identity import passwords
from patron_platform.identity.accounts import demand_new_password, set_password
from patron_platform.identity.attempts import ACCOUNT_FREE
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
    changed = {"mail": post.address, "mail_from": "crm@acme.example", "base_url": "http://crm.example"}
    settings = opened.service.settings.model_copy(update=changed)
    service = Service(settings, opened.service.database, opened.service.databases, opened.service.runtime)
    with TestClient(create_app(service), base_url="http://crm.example") as client:
        yield client


@pytest.fixture(autouse=True)
def clean(opened: Opened, posted: TestClient) -> Iterator[None]:
    yield
    posted.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")
        conn.execute("DELETE FROM patron.ticket")
        row = conn.execute("SELECT password_hash FROM patron.account WHERE email = %s", (REP,)).fetchone()
        if row is None or not passwords.fits(PASSWORD, row[0]):
            set_password(conn, REP, PASSWORD)


def ask(client: TestClient, email: str, **more: Any) -> Any:
    return client.post("/forgotten", data={"email": email}, **more)


def choose(client: TestClient, link: str, new: str = NEW) -> Any:
    return client.post(link, data={"new": new, "again": new}, follow_redirects=False)


def test_a_new_password_by_mail_signs_in_and_ends_the_others(posted: TestClient, post: MailServer) -> None:
    before = Person(posted, WORKSPACE, REP)
    assert ask(posted, REP).status_code == 200
    letter = post.next()
    assert letter["To"] == REP
    link = letter.get_content().split("http://crm.example")[1].split()[0]
    assert "rep@acme.example" in posted.get(link).text
    assert choose(posted, link, "short").status_code == 422
    said = choose(posted, link)
    assert said.headers["location"] == "/w/acme/" and "patron_session" in said.cookies
    assert before.get("/").status_code == 303
    assert choose(posted, link).status_code == 404 and posted.get(link).status_code == 404
    posted.cookies.clear()
    for password, status in ((PASSWORD, 422), (NEW, 303)):
        said = posted.post("/login", data={"email": REP, "password": password}, follow_redirects=False)
        assert said.status_code == status


def test_an_unknown_address_gets_the_same_answer_and_no_letter(posted: TestClient, post: MailServer) -> None:
    known = ask(posted, REP)
    post.next()
    for email in (
        "nobody@acme.example",
        f"{REP}%0aBcc: x@evil.example",
        "ＲＥＰ@acme.example",
        "rep@acme.example ",
    ):
        said = ask(posted, email)
        assert (said.status_code, said.text) == (known.status_code, known.text)
    assert post.next()["To"] == REP, "the last is his own address, with a blank around it"
    assert post.nothing_came()


def test_a_newer_link_ends_the_older_and_time_ends_both(
    opened: Opened, posted: TestClient, post: MailServer
) -> None:
    ask(posted, REP)
    first = post.link("reset")
    ask(posted, REP)
    second = post.link("reset")
    assert posted.get(first).status_code == 404 and posted.get(second).status_code == 200
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT ends_at - made_at = interval '30 minutes' FROM patron.ticket WHERE kind = 'reset'"
        ).fetchone()
        conn.execute("UPDATE patron.ticket SET ends_at = now()")
    assert row == (True,)
    assert choose(posted, second).status_code == 404


def test_a_changed_password_ends_the_link(opened: Opened, posted: TestClient, post: MailServer) -> None:
    ask(posted, REP)
    link = post.link("reset")
    with opened.service.databases.system() as conn:
        set_password(conn, REP, PASSWORD)
    assert choose(posted, link).status_code == 404


def test_asking_is_limited_for_known_and_unknown_alike(posted: TestClient, post: MailServer) -> None:
    for email in (REP, "nobody@acme.example"):
        said = [ask(posted, email).status_code for _ in range(ACCOUNT_FREE + 1)]
        assert said == [200] * ACCOUNT_FREE + [429]
    while not post.nothing_came():
        pass


def test_the_link_has_the_address_of_the_settings(posted: TestClient, post: MailServer) -> None:
    assert ask(posted, REP, headers={"Host": "evil.example"}).status_code == 400
    ask(posted, REP, headers={"X-Forwarded-Host": "evil.example"})
    text = post.next().get_content()
    assert "http://crm.example/reset/" in text and "evil" not in text


def test_without_a_mail_server_the_page_says_so(opened: Opened) -> None:
    assert "/forgotten" not in opened.client.get("/login").text
    assert "administrator" in ask(opened.client, REP).text


@pytest.mark.parametrize("email", ["", "x" * 255])
def test_no_address_is_refused(posted: TestClient, email: str) -> None:
    assert ask(posted, email).status_code == 422


def test_other_sites_ask_for_nothing(posted: TestClient, post: MailServer) -> None:
    assert ask(posted, REP, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert post.nothing_came()


def test_a_password_that_must_change_is_changed_before_one_goes_on(opened: Opened) -> None:
    client = opened.client
    client.cookies.clear()
    rep = opened.person(REP)
    with opened.service.databases.system() as conn:
        demand_new_password(conn, REP)
    assert rep.get("/").status_code == 303, "he is signed out"
    said = client.post("/login", data={"email": REP, "password": PASSWORD}, follow_redirects=False)
    assert said.headers["location"] == "/login/password" and "patron_session" not in said.cookies
    assert client.get("/login/password").status_code == 200
    assert choose(client, "/login/password", PASSWORD).status_code == 422, "the one he has"
    said = choose(client, "/login/password")
    assert said.headers["location"] == "/w/acme/" and "patron_session" in said.cookies
    client.cookies.clear()
    said = client.post("/login", data={"email": REP, "password": NEW}, follow_redirects=False)
    assert said.headers["location"] == "/w/acme/"
    client.cookies.clear()
    assert client.get("/login/password", follow_redirects=False).headers["location"].startswith("/login?")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("x" * 9, "password_length"),
        ("x" * 201, "password_length"),
        ("aaaaaaaaaaaa", "password_common"),
        ("Password2026!", "password_common"),
        ("P@ssw0rd1234", "password_common"),
        ("1qaz2wsx3edc", "password_common"),
        ("woaini1314520", "password_common"),
        ("lilei@acme.example", "password_yours"),
        ("LiLei-1990!!", "password_yours"),
        ("quiet river stones", None),
        ("lilei walks at dawn", None),
        ("一二三四五六七八九十", None),
    ],
)
def test_the_policy_of_passwords(password: str, fault: str | None) -> None:
    assert passwords.fault(password, "lilei@acme.example", "Li Lei") == fault


def test_the_policy_holds_where_one_changes_his_own(opened: Opened) -> None:
    admin = opened.person(ADMIN)
    said = admin.post("/me/password", {"current": PASSWORD, "new": "Password2026!", "again": "Password2026!"})
    assert said.status_code == 422 and "most common" in said.text


# -- H136, H138, H139: what an attacker tries -----------------------------------------------------------------------


def test_h136_a_link_is_kept_as_a_digest_and_cannot_be_guessed(
    opened: Opened, posted: TestClient, post: MailServer
) -> None:
    ask(posted, REP)
    link = post.link("reset")
    token = link.rsplit("/", 1)[1]
    assert len(token) >= 43, "256 bits"
    with opened.service.databases.system() as conn:
        rows = conn.execute("SELECT t::text FROM patron.ticket AS t WHERE kind = 'reset'").fetchall()
        assert len(rows) == 1 and token not in rows[0][0]
        digest = conn.execute("SELECT encode(hash, 'hex') FROM patron.ticket WHERE kind = 'reset'").fetchone()
    assert digest is not None
    near = (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.swapcase(),
        token[:-1],
        token + "A",
        digest[0],
        "%00",
        "x" * 5_000,
    )
    for guess in near:
        assert posted.get(f"/reset/{guess}").status_code == 404
        assert choose(posted, f"/reset/{guess}").status_code == 404
    assert choose(posted, link).status_code == 303, "no guess spoilt the right one"


def test_h136_of_two_at_once_one_sets_the_password(posted: TestClient, post: MailServer) -> None:
    ask(posted, REP)
    link = post.link("reset")
    with ThreadPoolExecutor(2) as pool:
        said = [
            f.result() for f in [pool.submit(choose, posted, link, f"quiet river {n} stones") for n in (1, 2)]
        ]
    assert sorted(s.status_code for s in said) == [303, 404]


@pytest.mark.parametrize(
    "email",
    [
        "ＲＥＰ@acme.example", "rep@ácme.example", "rep@acme.example%0aBcc: x@evil.example",
        "rep@acme.example\nBcc: x@evil.example", "rep@acme.example\r\nBcc: x@evil.example", "rep@acme.example,x@evil.example",
        "rep@acme.example x@evil.example", "<rep@acme.example>", "Rep <rep@acme.example>", "rep@acme.example.", "rep\u200b@acme.example",
        "reр@acme.example", "rep@acme。example", "rep+x@acme.example", "r.ep@acme.example",
    ],
)  # fmt: skip
def test_h138_only_the_address_itself_gets_a_letter(posted: TestClient, post: MailServer, email: str) -> None:
    said = ask(posted, email)
    assert said.status_code in (200, 422)
    assert post.nothing_came()


@pytest.mark.parametrize("email", ["REP@ACME.EXAMPLE", " rep@acme.example\t"])
def test_h138_a_letter_goes_to_the_address_that_is_kept(
    posted: TestClient, post: MailServer, email: str
) -> None:
    assert ask(posted, email).status_code == 200
    letter = post.next()
    assert letter["To"] == REP and letter["Bcc"] is None and letter["Cc"] is None


def test_h139_whoever_may_change_a_users_record_does_not_change_where_he_signs_in(
    opened: Opened, posted: TestClient, post: MailServer
) -> None:
    rep = opened.admin.rows("user", where=f"email == '{REP}'", fields="id,email")[0]
    taken = "attacker@evil.example"
    said = opened.admin.patch(f"/records/user/{rep['id']}", {"email": taken})
    assert said.status_code in (200, 403, 422)
    try:
        ask(posted, taken)
        assert post.nothing_came(), "no account has this address"
        ask(posted, REP)
        assert post.next()["To"] == REP, "the account's own address"
        with opened.service.databases.system() as conn:
            rows = conn.execute(
                "SELECT email FROM patron.account WHERE email IN (%s, %s)", (REP, taken)
            ).fetchall()
        assert rows == [(REP,)]
    finally:
        opened.admin.patch(f"/records/user/{rep['id']}", {"email": REP})
