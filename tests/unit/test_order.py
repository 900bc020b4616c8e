"""The order in which the cores begin the files of the tests."""

from __future__ import annotations

from patron_testing.order import expected


def test_a_file_takes_what_it_took_or_what_its_folder_usually_takes() -> None:
    short = [f"tests/unit/test_many.py::test_{n}" for n in range(100)]
    long = ["tests/journey/test_kills.py::test_killed", "tests/browser/test_walk.py::test_walk[en]"]
    found = expected([*short, *long, "tests/db/test_storm.py::test_storm"], {"tests/db/test_storm.py": 60.0})
    assert sorted(found, key=lambda file: -found[file]) == [
        "tests/db/test_storm.py", "tests/journey/test_kills.py", "tests/browser/test_walk.py", "tests/unit/test_many.py",
    ]  # fmt: skip
