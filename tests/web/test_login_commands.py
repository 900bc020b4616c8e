"""`patron user …`: passwords from standard input, and what becomes of who is signed in."""

from __future__ import annotations

import io
import sys

import pytest
import typer

from patron_platform.commands import people
from patron_platform.commands.frame import run
from patron_testing.web import ADMIN, PASSWORD, REP, WORKSPACE, Opened


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
