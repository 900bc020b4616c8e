"""Time and ids enter here, so that tests need no sleep and no luck.

`Clock` is given by the runtime; `new_id` makes UUIDv7 text (time-ordered, so new rows stay together in an index).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from uuid_utils import uuid7

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new record id: UUIDv7 as lower-case text of 36 characters."""
    return str(uuid7())
