"""A clock the test sets: it begins on the morning of the first of March 2026."""

from __future__ import annotations

from datetime import UTC, datetime


class Day:
    """`day.now` is the moment there is; set it to let time pass."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now
