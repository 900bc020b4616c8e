"""Marks: whether a file writes 1,234.50 or 1.234,50, decided over all its columns of numbers.

In: cells of columns that become numbers. Out: decimal mark and mark between groups. One program wrote the file, so that one
answer holds for all of it; a cell that can be read both ways (1,234) decides nothing. Asks no database.
"""

from __future__ import annotations

import re

from patron_engine.fields.characters import half_width

NUMBERS = frozenset({"integer", "decimal", "money", "percent", "rating"})
POINT, COMMA = (".", ","), (",", ".")  # decimal mark, mark between groups
REMEMBERED = 20_000  # texts that are looked at
_NUMBER = re.compile(r"[0-9][0-9.,]*", re.ASCII)


class MarkGuess:
    """Looks at cells; each form stays possible until a cell contradicts it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._proofs: set[tuple[str, str]] = set()

    def look(self, text: str) -> None:
        if text in self._seen or len(self._seen) >= REMEMBERED:
            return
        self._seen.add(text)
        found = _NUMBER.search(half_width(text))
        if found is not None and (proof := proof_of(found[0])) is not None:
            self._proofs.add(proof)

    def marks(self) -> tuple[str, str]:
        """What the cells prove; the decimal point where they prove nothing or contradict each other, for then the cells
        that do not fit are refused one by one."""
        return COMMA if self._proofs == {COMMA} else POINT


def proof_of(number: str) -> tuple[str, str] | None:
    """The form that alone can read these digits and marks, or None.

    >>> proof_of("1.234,50"), proof_of("12,5"), proof_of("1,234,567"), proof_of("1,234"), proof_of("1234")
    ((',', '.'), (',', '.'), ('.', ','), None, None)
    """
    number = number.rstrip(".,")
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return None
    mark = number[last]
    other = "," if mark == "." else "."
    if other in number:  # the last mark is the decimal one
        return (mark, other) if number.count(mark) == 1 else None
    if number.count(mark) > 1:
        return (other, mark)
    return (mark, other) if len(number) - last - 1 != 3 or last > 3 or number.startswith("0") else None


__all__ = ["COMMA", "NUMBERS", "POINT", "MarkGuess", "proof_of"]
