"""Opening: whether what a page says of a record may lead to it.

In: the frame of a call; then an object and the title that was found for its reader. Out: yes or no. A record whose title he may
not know leads nowhere, nor one of an object he does not read; people lead a customer nowhere.
"""

from __future__ import annotations

from collections.abc import Callable

from patron_engine.access.decide import readable
from patron_engine.page.show import UNTITLED
from patron_engine.query.call import Call


def opening(call: Call) -> Callable[[str | None, str | None], bool]:
    """`may_open(object, title)` for one page: each object is decided once."""
    decided: dict[str, bool] = {}

    def may_open(object: str | None, title: str | None) -> bool:
        if not object or not title or title == UNTITLED:
            return False
        if object not in decided:
            hidden = object == "user" and call.actor.kind == "portal"
            decided[object] = not hidden and bool(readable(call.model, call.actor, object))
        return decided[object]

    return may_open
