"""What stands for a record: what is said, else its name, else a text, else what people tell such records apart by, else its id."""

from __future__ import annotations

import pytest

from patron_testing.compiled import compiled


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        (("day: date", "code: text", "name: text"), "name"),
        (("mail: email", "code: text"), "code"),
        (("day: date", "mail: email"), "mail"),
        (("amount: integer", "day: date"), "day"),
        (("amount: integer",), "id"),
    ],
)
def test_it_is_the_first_of_these(fields: tuple[str, ...], title: str) -> None:
    lines = [f"  - {{name: {n}, type: {t}}}" for n, t in (f.split(": ") for f in fields)]
    text = "\n".join(["kind: object", "name: thing", "label: {en: Thing}", "fields:", *lines])
    assert compiled(text).objects["thing"].title == title
