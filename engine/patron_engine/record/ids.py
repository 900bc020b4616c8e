"""Record ids as callers write them: UUID text in, canonical lower-case text out. Asks nobody."""

from __future__ import annotations

import re
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def record_id(value: Any) -> str | None:
    """The canonical form, or None when it is no id.

    >>> record_id("018F0000-0000-7000-8000-000000000001"), record_id("x")
    ('018f0000-0000-7000-8000-000000000001', None)
    """
    if not isinstance(value, str) or len(value) != 36:
        return None
    lower = value.lower()
    return lower if _UUID.fullmatch(lower) else None
