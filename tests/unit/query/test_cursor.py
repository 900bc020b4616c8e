"""Cursors: they come back as what they were, for their question only, and nobody makes one up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from patron_engine.errors import Conflict
from patron_engine.query.cursor import LONGEST, question, seal, unseal

KEY = b"a key"
ASKED = question("deal", "a > 1", None)


def test_every_kind_of_sort_value_comes_back() -> None:
    values = [
        None,
        True,
        "华为",
        7,
        Decimal("1.50"),
        date(2026, 5, 1),
        datetime(2026, 5, 1, 1, 2, 3, 4, UTC),
        time(9, 30),
    ]
    assert unseal(KEY, ASKED, seal(KEY, ASKED, values)) == values


@pytest.mark.parametrize(
    "cursor", ["", "a", "=", "é", "A" * 40, "x" * (LONGEST + 1), "../..", "\x00", "AAAA=="]
)
def test_a_made_up_text_is_outdated(cursor: str) -> None:
    with pytest.raises(Conflict) as error:
        unseal(KEY, ASKED, cursor)
    assert error.value.code == "cursor_outdated" and error.value.hint


def test_another_question_key_or_byte_is_outdated() -> None:
    good = seal(KEY, ASKED, [1, "x"])
    for key, asked, cursor in (
        (b"other", ASKED, good),
        (KEY, question("deal"), good),
        (KEY, ASKED, good[:-1] + "_"),
    ):
        with pytest.raises(Conflict):
            unseal(key, asked, cursor)
