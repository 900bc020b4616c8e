"""Cron lines: can five parts be read as a time that comes again? In: text. Out: a fault or None. Reckons no dates."""

from __future__ import annotations

import re
from typing import Final

from patron_engine.phrases import Phrase

_CRON: Final = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_CRON_PART = re.compile(r"(\*|(\d{1,2})(-(\d{1,2}))?)(/(\d{1,3}))?\Z")
_CRON_WORDS = re.compile(
    r"\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)\b", re.IGNORECASE
)


def cron_fault(line: str) -> str | None:
    """Why a cron line of five parts cannot be read, or None.

    >>> cron_fault("0 8 1 * *"), cron_fault("*/15 9-18 * * MON-FRI"), cron_fault("0 25 * * *")
    (None, None, 'the hour 25 is not between 0 and 23')
    """
    parts = _CRON_WORDS.sub("1", line).split()
    if len(parts) != 5:
        return Phrase("five parts: minute hour day month weekday")
    for (what, low, high), part in zip(_CRON, parts, strict=True):
        for piece in part.split(","):
            match = _CRON_PART.match(piece)
            if not match:
                return Phrase("the {what} {piece!r} cannot be read", what=what, piece=piece)
            for number in (match[2], match[4]):
                if number and not low <= int(number) <= high:
                    return Phrase(
                        "the {what} {number} is not between {low} and {high}",
                        what=what,
                        number=number,
                        low=low,
                        high=high,
                    )
    return None
