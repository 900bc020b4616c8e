"""Values as they are drawn: what says nothing, and what the reader may not know."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from patron_engine.fields.field import Field
from patron_engine.page.show import EMPTY, Shown, silent


def field(type: str) -> Field:
    return cast("Field", SimpleNamespace(type=type))


@pytest.mark.parametrize(
    ("type", "value", "said"),
    [
        ("text", EMPTY, True),
        ("rollup", EMPTY, True),
        ("rollup", Shown(kind="number", text="0", raw=0), True),
        ("rollup", Shown(kind="number", text="US$0.00", raw="0.00"), True),
        ("formula", Shown(kind="flag", raw=False), True),
        ("formula", Shown(kind="flag", raw=True), False),
        ("formula", Shown(kind="number", text="-1", raw="-1"), False),
        ("formula", Shown(kind="text", text="0", raw="0"), False),
        ("integer", Shown(kind="number", text="0", raw=0), False),  # somebody typed it
        ("boolean", Shown(kind="flag", raw=False), False),
    ],
)
def test_a_figure_that_is_still_nought_says_nothing(type: str, value: Any, said: bool) -> None:
    assert silent(field(type), value) is said
