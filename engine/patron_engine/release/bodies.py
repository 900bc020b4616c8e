"""Bodies of documents as they are kept: JSON text in the author's key order, decimals as exact numbers.

In: a body of plain values. Out: text for a column and its hash, and back. Equal bodies have equal hashes, so releases
share the documents that did not change.
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson

from patron_engine.jsonio import decimal_text


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A decimal without a fraction must come back as a decimal, not as an integer.
        text = decimal_text(value)
        return orjson.Fragment(text if "." in text else f"{text}.0")
    raise TypeError(f"{type(value).__name__} cannot stand in a definition")


def encode(body: Any) -> str:
    """The text that is kept.

    >>> encode({"min": Decimal("0.50"), "max": 10})
    '{"min":0.5,"max":10}'
    """
    return orjson.dumps(body, default=_number).decode()


def decode(text: str) -> Any:
    """The body of a kept text.

    >>> decode('{"min":0.5}')
    {'min': Decimal('0.5')}
    """
    return json.loads(text, parse_float=Decimal)


def body_hash(body: Any) -> str:
    """SHA-256 of the body with sorted keys, so that the order an author chose does not make another document."""
    return sha256(orjson.dumps(body, default=_number, option=orjson.OPT_SORT_KEYS)).hexdigest()
