"""JSON as the engine writes it: canonical for checksums, exact for decimals, ISO for moments.

In: plain values (dict, list, str, int, Decimal, bool, None, date, datetime, time). Out: bytes. Floats are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson


def decimal_text(value: Decimal) -> str:
    """Plain digits without exponent or trailing zeros: `Decimal("1E+2")` -> "100", `Decimal("1.50")` -> "1.5".

    >>> decimal_text(Decimal("1E+2")), decimal_text(Decimal("1.50")), decimal_text(Decimal("-0.0"))
    ('100', '1.5', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def whole(text: str, digits: int = 18) -> int | None:
    """The whole number a text is: ASCII digits, at most so many, perhaps with a minus; None for every other text.

    >>> whole("12"), whole("-3"), whole("²"), whole("--5"), whole("1_0"), whole("9" * 19)
    (12, -3, None, None, None, None)
    """
    return int(text) if len(text) <= digits + 1 and re.fullmatch(f"-?[0-9]{{1,{digits}}}", text) else None


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if hasattr(value, "keys"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def dumps(value: Any) -> bytes:
    """JSON for answers and columns."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes. Whole numbers beyond 64 bits are texts in it."""
    try:
        return orjson.dumps(value, default=_default, option=_CANONICAL)
    except TypeError:
        return orjson.dumps(_within_64_bits(value), default=_default, option=_CANONICAL)


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_within_64_bits(inner) for inner in value]
    wide = isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64
    return str(value) if wide else value


def checksum(value: Any) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    return sha256(canonical(value)).hexdigest()


loads = orjson.loads
