"""What a record is called where its title is empty, its id, or a link."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.query.titles import refs_of, title_of

ID = "0190a0b0-0000-7000-8000-0000008a40d8"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": ID, "name": "Keel"}, "Keel"),
        ({"id": ID, "name": 7}, "7"),
        ({"id": ID, "name": {"id": "x", "title": "Acme"}}, "Acme"),
        ({"id": ID, "name": ""}, "#8A40D8"),
        ({"id": ID, "name": None}, "#8A40D8"),
        ({"id": ID}, "#8A40D8"),
        ({"id": ID, "name": ID}, "#8A40D8"),
        ({"id": ID, "name": {"id": "x", "title": None}}, "#8A40D8"),
    ],
)
def test_a_record_is_never_called_by_its_whole_id(row: dict[str, Any], said: str) -> None:
    object: Any = SimpleNamespace(title="name", title_zone=None)
    assert title_of(object, row) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-11-26T02:30:00Z", "2026-11-26 10:30"),
        ("2026-11-26T20:00:00+00:00", "2026-11-27 04:00"),
        ({"id": "x", "title": "2026-11-26 10:30"}, "2026-11-26 10:30"),  # told by the link already
        (None, "#8A40D8"),
    ],
)
def test_a_moment_is_told_by_the_clock_of_titles(value: Any, said: str) -> None:
    object: Any = SimpleNamespace(title="taken", title_zone=ZoneInfo("Asia/Shanghai"))
    assert title_of(object, {"id": ID, "taken": value}) == said


def test_where_the_id_is_the_title_its_end_is() -> None:
    object: Any = SimpleNamespace(title="id")
    assert title_of(object, {"id": ID}) == "#8A40D8"


def test_references_are_asked_for_once() -> None:
    assert refs_of([("a", "1"), ("b", "2"), ("a", "1"), ("a", "3")]) == {"a": ["1", "3"], "b": ["2"]}
