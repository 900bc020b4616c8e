"""Cursor: the place where a page ended, signed, so that nobody makes one up.

In: the sort values of the last row, what the page was asked with, and the process's key. Out: a text for `after`, and
the values back. It is good for the same question by the same person under the same release; else `cursor_outdated`.
Its values are of fields the reader may sort by, so they are his to see.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import blake2b, sha256
from typing import Any, Final

from patron_engine.errors import Conflict
from patron_engine.jsonio import canonical, dumps, loads

LONGEST: Final = 4_000
_SEAL: Final = 16


class CursorOutdated(Conflict):
    """410: the question, the person or the release is another, or the text is not a cursor of this service."""

    code = "cursor_outdated"


def question(*parts: Any) -> bytes:
    """What a cursor is good for, as 12 bytes."""
    return blake2b(canonical(list(parts)), digest_size=12).digest()


def seal(secret: bytes, asked: bytes, values: Sequence[Any]) -> str:
    """The cursor after a row with these sort values (the id last)."""
    body = dumps([_plain(v) for v in values])
    return urlsafe_b64encode(_signature(secret, asked, body) + body).rstrip(b"=").decode()


def unseal(secret: bytes, asked: bytes, cursor: str) -> list[Any]:
    """The sort values a cursor was made of. CursorOutdated when it is not one for this question."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    signature, body = raw[:_SEAL], raw[_SEAL:]
    if (
        len(cursor) > LONGEST
        or not body
        or not hmac.compare_digest(signature, _signature(secret, asked, body))
    ):
        raise CursorOutdated(
            "this cursor is not good for this query any more",
            hint="the query, its filter, sort or fields, or the definitions changed: begin again without `after`",
        )
    return [_value(v) for v in loads(body)]


def _signature(secret: bytes, asked: bytes, body: bytes) -> bytes:
    return hmac.new(secret, b"cursor" + asked + body, sha256).digest()[:_SEAL]


def _plain(value: Any) -> Any:
    """A value with its type in front, so that it comes back as the same."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Decimal):
        return ["n", str(value)]
    if isinstance(value, datetime):
        return ["m", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, time):
        return ["t", value.isoformat()]
    raise TypeError(f"{type(value).__name__} cannot be sorted by")


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "n": Decimal,
    "m": datetime.fromisoformat,
    "d": date.fromisoformat,
    "t": time.fromisoformat,
}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return _READ[plain[0]](plain[1])
    return plain
