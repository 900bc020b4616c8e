"""Exit codes of commands: what a script that calls `patron` goes by."""

from __future__ import annotations

import sys
from pathlib import Path

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
        (PermissionError(13, "Permission denied", "/closed/file"), 2),
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


def test_a_file_that_cannot_be_opened_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    app = typer.Typer()

    @app.command()
    def act() -> None:
        (tmp_path / "nowhere" / "file").open("wb")

    monkeypatch.setattr(sys, "argv", ["patron"])
    assert run(app) == 2
    assert capsys.readouterr().err == f"patron: {tmp_path}/nowhere/file: No such file or directory\n"
