"""Two-step sign-in: set up, asked for, taken once, counted, demanded by the workspace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest

from patron_platform.identity import factor
from patron_platform.identity.attempts import ACCOUNT_FREE
from patron_testing.web import PASSWORD, REP, V1, Opened, Person


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    opened.client.cookies.clear()
    yield
    opened.client.cookies.clear()
    with opened.service.databases.system() as conn:
        conn.execute("DELETE FROM patron.sign_in_attempt")
        row = conn.execute("SELECT id::text FROM patron.account WHERE email = %s", (REP,)).fetchone()
        assert row is not None
        factor.turn_off(conn, row[0])


def codes_of(page: Any) -> list[str]:
    return [c.text for c in page.select(".recovery-codes code")]


def set_up(opened: Opened) -> tuple[Person, str, list[str]]:
    """Somebody with a second factor: he, the secret, his recovery codes. A step is left before the first code is used up."""
    from bs4 import BeautifulSoup

    rep = opened.person(REP)
    begun = BeautifulSoup(rep.post("/me/second-factor/begin", {"current": PASSWORD}).text, "html.parser")
    secret = begun.select_one(".factor-key").text  # type: ignore[union-attr]
    sealed = str(begun.find("input", {"name": "sealed"})["value"])  # type: ignore[index]
    assert str(begun.select_one(".factor-picture")["src"]).startswith("data:image/svg+xml")  # type: ignore[index]
    assert rep.post("/me/second-factor/on", {"sealed": sealed, "code": "000000"}).status_code == 422
    said = rep.post("/me/second-factor/on", {"sealed": sealed, "code": code_at(secret, -1)})
    assert said.status_code == 200, said.text
    rep.cookies["patron_session"] = said.cookies["patron_session"]
    opened.client.cookies.clear()
    return rep, secret, codes_of(BeautifulSoup(said.text, "html.parser"))


def code_at(secret: str, steps: int = 0) -> str:
    """The code an app shows, so many steps from now."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def password(opened: Opened) -> Any:
    return opened.client.post("/login", data={"email": REP, "password": PASSWORD}, follow_redirects=False)


def code(opened: Opened, given: str) -> Any:
    return opened.client.post("/login/code", data={"code": given}, follow_redirects=False)


def test_a_code_is_asked_for_after_the_password_and_taken_once(opened: Opened) -> None:
    there = opened.person(REP)
    rep, secret, recovery = set_up(opened)
    assert len(set(recovery)) == 10 and rep.get("/").status_code == 200
    assert there.get("/").status_code == 303, "other sessions ended"
    said = password(opened)
    assert said.headers["location"] == "/login/code" and "patron_session" not in said.cookies
    assert opened.client.get("/w/acme/", follow_redirects=False).status_code == 303
    assert opened.client.get("/login/code").status_code == 200
    now = code_at(secret)
    assert code(opened, "12345x").status_code == 422
    said = code(opened, f"{now[:3]} {now[3:]}")
    assert said.headers["location"] == "/w/acme/" and "patron_session" in said.cookies
    opened.client.cookies.clear()
    password(opened)
    assert code(opened, now).status_code == 422, "the same code again"
    assert code(opened, code_at(secret, -1)).status_code == 422, "an older one"
    assert code(opened, code_at(secret, 1)).status_code == 303
    opened.client.cookies.clear()
    assert code(opened, code_at(secret, 1)).headers["location"].startswith("/login?"), (
        "a code without the password"
    )


def test_a_recovery_code_lets_in_once(opened: Opened) -> None:
    rep, _, recovery = set_up(opened)
    password(opened)
    assert code(opened, recovery[0].upper()).status_code == 303
    opened.client.cookies.clear()
    password(opened)
    assert code(opened, recovery[0]).status_code == 422
    assert "left: 9" in rep.get("/me/second-factor").text
    with opened.service.databases.system() as conn:
        rows = conn.execute("SELECT encode(hash, 'escape') FROM patron.recovery_code").fetchall()
        row = conn.execute("SELECT totp_secret FROM patron.account WHERE email = %s", (REP,)).fetchone()
    assert all(recovery[1] not in r[0] for r in rows) and row is not None and b"otp" not in bytes(row[0])
    assert rep.post("/me/second-factor/codes", {"current": "not mine"}).status_code == 422
    assert rep.post("/me/second-factor/codes", {"current": PASSWORD}).status_code == 200
    assert code(opened, recovery[1]).status_code == 422, "those before are gone"


def test_wrong_codes_are_counted_for_the_account(opened: Opened) -> None:
    _, secret, _ = set_up(opened)
    said = []
    while (
        429 not in said and len(said) < ACCOUNT_FREE + 5
    ):  # the wait begins with a second, and a slow machine sleeps that
        opened.client.cookies.clear()
        password(opened)  # a right password in between gives no more tries
        said.append(code(opened, "000000").status_code)
    assert said[:ACCOUNT_FREE] == [422] * ACCOUNT_FREE and said[-1] == 429
    assert code(opened, code_at(secret, 1)).status_code == 429, "also a right one has to wait"


def test_a_step_belongs_to_its_sign_in_and_ends(opened: Opened) -> None:
    _, secret, _ = set_up(opened)
    password(opened)
    with opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.ticket SET ends_at = now() WHERE kind = 'second_factor'")
    assert code(opened, code_at(secret)).headers["location"].startswith("/login?")
    assert code(opened, "x" * 5_000).status_code == 303


def test_turning_off_takes_the_password(opened: Opened) -> None:
    rep, _, _ = set_up(opened)
    assert rep.post("/me/second-factor/off", {"current": "not mine"}).status_code == 422
    assert password(opened).headers["location"] == "/login/code"
    opened.client.cookies.clear()
    assert rep.post("/me/second-factor/begin", {"current": PASSWORD}).status_code == 403, "it is on"
    assert rep.post("/me/second-factor/off", {"current": PASSWORD}).status_code == 200
    assert password(opened).headers["location"] == "/w/acme/"


def test_the_secret_of_another_form_is_refused(opened: Opened) -> None:
    rep = opened.person(REP)
    other = factor.seal(opened.service, "somebody else", "JBSWY3DPEHPK3PXP")
    from base64 import urlsafe_b64encode

    for sealed in (urlsafe_b64encode(other).decode(), "", "x" * 50, "é"):
        assert rep.post("/me/second-factor/on", {"sealed": sealed, "code": "000000"}).status_code == 403


def test_the_workspace_demands_it(opened: Opened) -> None:
    rep = opened.person(REP)
    publish(opened, ["*"])
    try:
        said = rep.get("/o/yd_job")
        assert (said.status_code, said.headers["location"]) == (303, "/w/acme/me/second-factor")
        assert "asks for two-step sign-in" in rep.get("/me/second-factor").text
        cookie = {"Cookie": f"patron_session={rep.cookies['patron_session']}"}
        said = opened.client.get(f"{V1}/me", headers=cookie)
        assert (said.status_code, said.json()["code"]) == (403, "second_factor_needed")
    finally:
        publish(opened, [])
    assert rep.get("/").status_code == 200


def publish(opened: Opened, roles: list[str]) -> None:
    said = opened.admin.put("/definitions/change/workspace/workspace", {"set": {"second_factor": roles}})
    assert said.status_code < 300, said.text
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    said = opened.admin.post(
        f"/drafts/{draft}/publish", {"checksum": plan["checksum"], "note": "second factor"}
    )
    assert said.status_code == 201, said.text


def test_who_has_no_password_sets_it_up_just_after_a_sign_in(opened: Opened) -> None:
    rep = opened.person(REP)
    with opened.service.databases.system() as conn:
        kept = conn.execute("SELECT password_hash FROM patron.account WHERE email = %s", (REP,)).fetchone()
        conn.execute("UPDATE patron.account SET password_hash = NULL WHERE email = %s", (REP,))
    try:
        page = rep.page("/me/second-factor")
        assert page.select_one("input[name=current]") is None and "without a password" in page.main.get_text()
        assert rep.post("/me/second-factor/begin", {}).status_code == 200
        with opened.service.databases.system() as conn:
            conn.execute(
                "UPDATE patron.session SET created_at = created_at - interval '11 minutes' WHERE account ="
                " (SELECT id FROM patron.account WHERE email = %s)",
                (REP,),
            )
        said = rep.post("/me/second-factor/begin", {})
        assert said.status_code == 422 and "too long ago" in said.text
        assert rep.post("/me/second-factor/off", {}).status_code == 422
    finally:
        with opened.service.databases.system() as conn:
            conn.execute("UPDATE patron.account SET password_hash = %s WHERE email = %s", (kept[0], REP))  # type: ignore[index]
