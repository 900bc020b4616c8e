"""`patron user …`: passwords from standard input, and what becomes of who is signed in."""

from __future__ import annotations

import io
import json
import sys

import pyotp
import pytest
import typer

from patron_platform.commands import people
from patron_platform.commands.frame import run
from patron_platform.identity import factor, sessions
from patron_testing.web import ADMIN, PASSWORD, REP, WORKSPACE, Api, Opened, Person


def patron(opened: Opened, monkeypatch: pytest.MonkeyPatch, typed: str, *words: str) -> int:
    """The exit code of `patron WORDS`, with `typed` on standard input."""
    app = typer.Typer()
    people.register(app)
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    monkeypatch.setattr(sys, "argv", ["patron", *words, "--database", str(opened.service.settings.database)])
    return run(app)


def status(opened: Opened, email: str, password: str) -> int:
    said = opened.client.post("/login", data={"email": email, "password": password}, follow_redirects=False)
    opened.client.cookies.clear()
    return int(said.status_code)


def test_a_user_is_made_with_a_password(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (
        "user",
        "create",
        "new@acme.example",
        "--workspace",
        WORKSPACE,
        "--name",
        "New",
        "--password-stdin",
    )
    assert patron(opened, monkeypatch, "first words here\n", *words) == 0
    assert status(opened, "new@acme.example", "first words here") == 303


def test_a_password_is_set_and_ends_the_sessions(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    rep = opened.person(REP)
    assert patron(opened, monkeypatch, "other words here\r\n", "user", "password", REP, "--stdin") == 0
    assert rep.get("/").status_code == 303
    assert status(opened, REP, PASSWORD) == 422
    assert status(opened, REP, "other words here") == 303
    with opened.service.databases.system() as conn:
        row = conn.execute(
            "SELECT about, detail::text FROM patron.audit WHERE action = 'password_changed' ORDER BY id DESC"
        ).fetchone()
    assert row is not None and row[0] == REP and "words" not in row[1]


@pytest.mark.parametrize(
    ("email", "typed", "code"),
    [
        (ADMIN, "short\n", 2),
        (ADMIN, "x" * 1_000_000, 2),
        (ADMIN, "", 2),
        ("nobody@acme.example", "a long password\n", 1),
    ],
)
def test_what_is_no_password_changes_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, email: str, typed: str, code: int
) -> None:
    assert patron(opened, monkeypatch, typed, "user", "password", email, "--stdin") == code
    assert status(opened, ADMIN, PASSWORD) == 303


def acts(opened: Opened, about: str) -> list[str]:
    with opened.service.databases.system() as conn:
        rows = conn.execute(
            "SELECT action FROM patron.audit WHERE about = %s ORDER BY id", (about,)
        ).fetchall()
    return [row[0] for row in rows]


def test_somebody_is_invited_with_roles_and_comes_by_the_link(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("user", "invite", "guest@acme.example", "--workspace", WORKSPACE, "--name", "Guest")
    assert patron(opened, monkeypatch, "", *words, "--role", "nobody_knows") != 0
    assert "nobody_knows" in capsys.readouterr().err
    assert patron(opened, monkeypatch, "", *words, "--role", "employee", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["email"], said["sent"]) == ("guest@acme.example", False)
    page = opened.client.get(
        "/" + said["link"].partition("://")[2].partition("/")[2] if "://" in said["link"] else said["link"]
    )
    assert page.status_code == 200 and "guest@acme.example" in page.text
    row = opened.admin.rows("user", where='email == "guest@acme.example"', fields="name,roles")[0]
    assert (row["name"], row["roles"]) == ("Guest", ["employee"])
    assert acts(opened, "guest@acme.example") == ["invited"]


def test_a_new_password_is_demanded_at_the_next_sign_in(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ("user", "create", "old@acme.example", "--workspace", WORKSPACE, "--password-stdin")
    assert patron(opened, monkeypatch, f"{PASSWORD}\n", *made, "--role", "nobody") == 2
    assert not opened.admin.rows("user", where='email == "old@acme.example"')
    assert patron(opened, monkeypatch, f"{PASSWORD}\n", *made, "--role", "employee") == 0
    assert opened.admin.rows("user", where='email == "old@acme.example"', fields="roles")[0]["roles"] == [
        "employee"
    ]
    person = Person(opened.client, WORKSPACE, "old@acme.example")
    assert patron(opened, monkeypatch, "", "user", "renew", "old@acme.example") == 0
    assert person.get("/").status_code == 303, "his sessions have ended"
    said = opened.client.post(
        "/login", data={"email": "old@acme.example", "password": PASSWORD}, follow_redirects=False
    )
    opened.client.cookies.clear()
    assert said.headers["location"].startswith("/login/password")
    assert "password_demanded" in acts(opened, "old@acme.example")
    assert patron(opened, monkeypatch, "", "user", "renew", "nobody@acme.example") == 1


def test_a_second_factor_is_turned_off_for_who_lost_his_phone(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = "phone@acme.example"
    patron(
        opened,
        monkeypatch,
        "first words here\n",
        "user",
        "create",
        email,
        "--workspace",
        WORKSPACE,
        "--password-stdin",
    )
    with opened.service.databases.system() as conn:
        account = sessions.account_by_email(conn, email)
        assert account is not None
        secret = factor.new_secret()
        assert factor.turn_on(opened.service, conn, account[0], secret, pyotp.TOTP(secret).now())
    said = opened.client.post(
        "/login", data={"email": email, "password": "first words here"}, follow_redirects=False
    )
    opened.client.cookies.clear()
    assert said.headers["location"].startswith("/login/code")
    assert patron(opened, monkeypatch, "", "user", "second-factor-off", email) == 0
    said = opened.client.post(
        "/login", data={"email": email, "password": "first words here"}, follow_redirects=False
    )
    opened.client.cookies.clear()
    assert said.headers["location"].startswith(f"/w/{WORKSPACE}")
    assert acts(opened, email).count("second_factor_off") == 1
    assert patron(opened, monkeypatch, "", "user", "second-factor-off", "nobody@acme.example") == 1


def test_a_key_opens_only_what_it_is_for_and_only_from_where_it_is_for(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("key", "create", "--user", ADMIN, "--workspace", WORKSPACE)

    def made(*more: str) -> Api:
        assert patron(opened, monkeypatch, "", *words, *more) == 0
        return Api(opened.client, capsys.readouterr().out.strip())

    reading = made("--scope", "read")
    assert reading.get("/records/account").status_code == 200
    assert reading.post("/records/account", {"name": "No"}).status_code == 403
    assert reading.delete("/definitions/role/employee").status_code == 403
    writing = made("--scope", "read", "--scope", "write")
    assert writing.post("/records/account", {"name": "Made by a key"}).status_code == 201
    assert writing.delete("/definitions/role/employee").status_code == 403
    elsewhere = made("--address", "203.0.113.0/24")
    assert elsewhere.get("/records/account").status_code in (401, 403)
    for wrong in (("--scope", "everything"), ("--address", "the office")):
        assert patron(opened, monkeypatch, "", *words, *wrong) != 0
        assert wrong[1] in capsys.readouterr().err
