"""MATCHES: its operation, and the check of its pattern with the place of a fault."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from patron_engine.expr import sqlparts
from patron_engine.expr.functions.pattern import BadPattern, common_pattern
from patron_engine.expr.operation import Operation
from patron_engine.expr.tokens import Fault
from patron_engine.phrases import Phrase


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)


def checked(pattern: str, at: int) -> str:
    """The pattern in the common subset; a Fault for what is outside it."""
    try:
        return common_pattern(pattern)
    except BadPattern as why:
        raise Fault(
            "expr_pattern", Phrase(why.args[0]), at, "see MATCHES in the reference of functions"
        ) from None


MATCHES: Final = Operation(
    name="MATCHES",
    py=lambda pattern, text: _compiled(pattern).search(text) is not None,
    sql=lambda side, pattern, text: text.regexp_match(sqlparts.text(pattern)),
)
