"""Words: what the engine says, as a page says it: in the reader's language, of an id its end alone.

In: a phrase or a sentence, languages. Out: a text. Programs are told whole ids by the API; people know records by the end of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from patron_engine.query.titles import short
from patron_platform.phrases import written

ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)


def words_of(text: str, languages: Sequence[str]) -> str:
    """
    >>> words_of("there is no Job 0190a0b0-0000-7000-8000-0000008a40d8", ("en",))
    'there is no Job #8A40D8'
    """
    return ID.sub(lambda found: short(found[0]), written(text, languages))
