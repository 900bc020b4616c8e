"""The page on field types says what the registry says."""

from __future__ import annotations

from pathlib import Path

from patron_engine.fields.reference import page
from patron_engine.fields.registry import TYPES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "field-types.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        "python -m patron_engine.fields.reference > docs/reference/field-types.md"
    )


def test_every_type_says_what_it_is() -> None:
    assert [n for n, t in TYPES.items() if not t.about] == []
