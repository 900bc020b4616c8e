"""Exit codes of commands: what a script that calls `patron` goes by."""

from __future__ import annotations

import sys

import pytest
import typer

from patron_engine.errors import NotFound, WrongUse
from patron_platform.commands.frame import run


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (None, 0),
        (typer.Exit(1), 1),
        (NotFound("no such thing"), 1),
        (WrongUse("no sense"), 2),
        (typer.Abort(), 1),
    ],
)
def test_a_command_ends_with_the_code_of_what_happened(
    raised: Exception | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()

    @app.command()
    def act() -> None:
        if raised is not None:
            raise raised

    monkeypatch.setattr(sys, "argv", ["patron"])
    assert run(app) == code


def test_an_option_that_does_not_exist_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command()(lambda: None)
    monkeypatch.setattr(sys, "argv", ["patron", "--nothing"])
    assert run(app) == 2
