"""`patron import` and `patron export`: what is wrong with a file is told before anything is done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from patron_platform.cli import app
from patron_platform.commands.frame import run
from patron_platform.commands.transfer import _target


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["import", "account", "/no/file.csv"], "there is no file /no/file.csv"),
        (
            ["import", "account", __file__, "--problems", "/no/folder/p.csv"],
            "/no/folder/p.csv cannot be written",
        ),
        (["export", "account", "out.pdf"], "out.pdf: an export is CSV or XLSX"),
    ],
)
def test_wrong_use_names_the_file(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["patron", *words, "--workspace", "demo", "--data", "/no/folder"])
    assert run(app) == 2
    assert told in capsys.readouterr().err


def test_an_export_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), _target(path) as target:
        target.write(b"half")
        raise RuntimeError
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    with _target(path) as target:
        target.write(b"whole")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]
