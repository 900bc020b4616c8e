"""Place: how far somebody has read in a timeline, as a text in an address.

In: the cursor of each source and how many of its page were shown. Out: a text, and back. Refused for one that is none of ours: it
comes from an address, so anything may stand in it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps, loads
from patron_engine.problems import Problem

LONGEST_PLACE = 8_000  # characters of a place in an address


def sealed(places: Mapping[str, tuple[str | None, int]]) -> str:
    """Source -> its cursor and how many of its page were shown, as a text for an address."""
    return urlsafe_b64encode(dumps({k: list(v) for k, v in places.items()})).decode().rstrip("=")


def places_in(after: str | None) -> Mapping[str, tuple[str | None, int]]:
    """The same back. Refused for what is none of ours."""
    if not after:
        return {}
    try:
        if len(after) > LONGEST_PLACE:
            raise ValueError
        found = loads(urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return {str(k): (None if c is None else str(c), max(int(s), 0)) for k, (c, s) in found.items()}
    except (ValueError, TypeError, AttributeError):
        raise _nowhere() from None


def version_in(cursor: str | None) -> int | None:
    """The version that changes are read before."""
    try:
        return None if cursor is None else int(cursor)
    except ValueError:
        raise _nowhere() from None


def _nowhere() -> Refused:
    return Refused([Problem(code="bad_cursor", message="this is no place in the timeline", path="after")])
