"""Signing in: the cookie, other sites, guessing, what is too large, and where it leads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from patron_platform.app import create_app
from patron_platform.identity import attempts
from patron_platform.service import Service
from patron_testing.web import ADMIN, PASSWORD, REP, Opened

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    """Nobody has guessed before, and the browser knows nobody."""
    opened.client.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")
    yield
    opened.client.cookies.clear()


def sign_in(opened: Opened, email: str = REP, password: str = PASSWORD, **headers: str) -> Any:
    """A form sent from the sign-in page, by a browser that keeps no cookies."""
    body = urlencode({"email": email, "password": password})
    said = opened.client.post("/login", content=body, headers={**FORM, **headers}, follow_redirects=False)
    opened.client.cookies.clear()
    return said


def cookies(said: Any) -> dict[str, str]:
    return {name: value for name, value in said.cookies.items()}


def audit(service: Service, action: str) -> list[tuple[Any, ...]]:
    with service.databases.system() as conn:
        return conn.execute(
            "SELECT about, address FROM patron.audit WHERE action = %s ORDER BY id", (action,)
        ).fetchall()


def test_one_workspace_leads_to_its_home(opened: Opened) -> None:
    said = sign_in(opened)
    assert said.status_code == 303 and said.headers["location"] == "/w/acme/"


def test_the_cookie_is_for_this_service_alone(opened: Opened) -> None:
    set_cookie = sign_in(opened).headers.get_list("set-cookie")
    session = next(c for c in set_cookie if c.startswith("patron_session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in session.split(";")}
    assert "Secure" not in session and "Domain" not in session


def test_over_https_the_cookie_is_bound_to_the_host(opened: Opened) -> None:
    settings = opened.service.settings.model_copy(update={"base_url": "https://crm.example.com"})
    service = Service(settings, opened.service.database, opened.service.databases, opened.service.runtime)
    with TestClient(create_app(service), base_url="http://crm.example.com") as client:
        said = client.post("/login", data={"email": REP, "password": PASSWORD}, follow_redirects=False)
        session = next(c for c in said.headers.get_list("set-cookie") if "session" in c)
        assert session.startswith("__Host-patron_session=") and "; Secure" in session
        token = session.partition("=")[2].partition(";")[0]
        there = {"Cookie": f"__Host-patron_session={token}"}
        assert client.get("/w/acme/", headers=there, follow_redirects=False).status_code == 200
        # The same token under the plain name, as another host could set it, opens nothing.
        plain = {"Cookie": f"patron_session={token}"}
        assert client.get("/w/acme/", headers=plain, follow_redirects=False).status_code == 303
        other = client.get("/login", headers={"Host": "evil.example"})
        assert other.status_code == 400 and "evil" not in other.text
        assert client.get("/health/live", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example/admin?x=", "a b", "ex@mple", "[::1", ""])
def test_a_malformed_host_is_refused(opened: Opened, host: str) -> None:
    assert opened.client.get("/w/acme/", headers={"Host": host}).status_code == 400


def test_forwarded_headers_of_a_stranger_change_nothing(opened: Opened) -> None:
    said = sign_in(
        opened,
        **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9", "X-Forwarded-Host": "evil.example"},
    )
    assert said.headers["location"] == "/w/acme/"
    assert "__Host-" not in said.headers["set-cookie"]
    assert audit(opened.service, "sign_in")[-1] == (REP, "testclient")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
def test_another_site_cannot_sign_one_in(opened: Opened, headers: dict[str, str]) -> None:
    said = sign_in(opened, **headers)
    assert said.status_code == 403 and "set-cookie" not in said.headers


@pytest.mark.parametrize(
    "form", [{"email": "a" * 10_000, "password": "x"}, {"email": ADMIN, "password": "x" * 1_000_000}]
)
def test_what_is_too_large_is_refused_before_it_is_hashed(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, form: dict[str, str]
) -> None:
    def hashed(*_: Any) -> bool:
        raise AssertionError("this was hashed")

    monkeypatch.setattr("patron_platform.identity.passwords.fits", hashed)
    said = sign_in(opened, form["email"], form["password"])
    assert said.status_code == 422


def test_an_unknown_address_takes_as_long_as_a_wrong_password(opened: Opened) -> None:
    def seconds(email: str) -> float:
        with opened.service.databases.system() as conn:
            conn.execute("DELETE FROM patron.sign_in_attempt")
        begun = time.process_time()  # most of it is the hashing, which a busy machine does not lengthen
        assert sign_in(opened, email, "not the password").status_code == 422
        return time.process_time() - begun

    pairs = [(seconds(REP), seconds("nobody@acme.example")) for _ in range(7)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert 0.6 < known / unknown < 1.7


def test_guessing_one_account_has_to_wait_and_its_owner_at_his_own_browser_not(opened: Opened) -> None:
    device = {k: v for k, v in cookies(sign_in(opened)).items() if "device" in k}
    assert device
    answers = [sign_in(opened, REP, f"guess {n}") for n in range(attempts.ACCOUNT_FREE + 3)]
    assert [a.status_code for a in answers[: attempts.ACCOUNT_FREE]] == [422] * attempts.ACCOUNT_FREE
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1
    # Not even the right password, from a browser nobody has seen.
    assert sign_in(opened).status_code == 429
    mine = "; ".join(f"{k}={v}" for k, v in device.items())
    assert sign_in(opened, Cookie=mine).status_code == 303
    # The mark of another account's browser is none.
    assert sign_in(opened, ADMIN, Cookie=mine).status_code == 303
    assert any(about == REP for about, _ in audit(opened.service, "sign_in_failed"))
    assert any(about == REP for about, _ in audit(opened.service, "sign_in_refused"))


def test_the_wait_grows(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        waits = []
        for _ in range(attempts.ACCOUNT_FREE + 6):
            turn = attempts.begin(conn, "x@acme.example", "10.0.0.1")
            if isinstance(turn, attempts.Wait):
                waits.append(turn.seconds)
                conn.execute("UPDATE patron.sign_in_attempt SET closed_until = now()")
                attempts.begin(conn, "x@acme.example", "10.0.0.1")
    assert waits == sorted(waits) and waits[-1] >= 4 * waits[0]


def test_guessing_from_one_address_over_many_accounts_has_to_wait(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        turns = [
            attempts.begin(conn, f"nobody{n}@acme.example", "10.0.0.9")
            for n in range(attempts.ADDRESS_FREE + 5)
        ]
        assert isinstance(turns[attempts.ADDRESS_FREE - 1], attempts.Turn)
        assert isinstance(turns[-1], attempts.Wait)
        assert isinstance(attempts.begin(conn, REP, "10.0.0.10"), attempts.Turn)
        # One network of IPv6 is one place.
        sixes = [
            attempts.begin(conn, f"six{n}@acme.example", f"2001:db8:1:2::{n}")
            for n in range(attempts.ADDRESS_FREE + 2)
        ]
        assert isinstance(sixes[-1], attempts.Wait)


def test_a_right_password_of_ones_own_does_not_hide_guesses_at_others(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        for n in range(attempts.ADDRESS_FREE - 1):
            attempts.begin(conn, f"other{n}@acme.example", "10.0.0.11")
            own = attempts.begin(conn, REP, "10.0.0.11")
            assert isinstance(own, attempts.Turn)
            attempts.succeed(conn, own)
        found = conn.execute(
            "SELECT failures FROM patron.sign_in_attempt WHERE key = 'address:10.0.0.11'"
        ).fetchone()
    assert found == (attempts.ADDRESS_FREE - 1,)


def test_what_was_typed_stays_and_the_password_does_not(opened: Opened) -> None:
    said = opened.client.post(
        "/login",
        data={
            "email": '"><script>alert(1)</script>@x',
            "password": "secret words",
            "next": "/w/acme/o/account",
            "language": "zh-CN",
        },
    )
    assert said.status_code == 422
    assert "<script>alert" not in said.text and "secret words" not in said.text
    assert 'value="/w/acme/o/account"' in said.text and "邮箱或密码不正确" in said.text


def test_a_closed_account_cannot_sign_in(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET state = 'locked' WHERE email = %s", (REP,))
    try:
        assert sign_in(opened).status_code == 422
    finally:
        with opened.service.databases.system() as conn:
            conn.execute("UPDATE patron.account SET state = 'active' WHERE email = %s", (REP,))


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "登录"), ("zh-TW", "登入"), ("en", "Sign in")])
def test_the_sign_in_page_speaks(opened: Opened, language: str, words: str) -> None:
    assert (
        words
        in opened.client.get("/login", headers={"Accept-Language": "fr"}, params={"language": language}).text
    )


def test_signing_out_has_the_browser_throw_away_what_it_kept(opened: Opened) -> None:
    person = opened.person()
    cookie = "; ".join(f"{k}={v}" for k, v in person.cookies.items())
    said = opened.client.post(
        "/logout", data={"_csrf": person.token()}, headers={"Cookie": cookie}, follow_redirects=False
    )
    assert (said.status_code, said.headers["clear-site-data"]) == (303, '"cache", "storage"')


def test_each_account_has_a_key_of_its_own_for_what_waits(opened: Opened) -> None:
    keys = [
        str(opened.person(email).page("/").select_one(".waiting")["data-key"])  # type: ignore[index]
        for email in (ADMIN, ADMIN, REP)
    ]
    assert keys[0] == keys[1] != keys[2]
    assert "data-account" not in opened.client.get("/login").text
