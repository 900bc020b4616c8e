"""What the demo has beside the public pipeline: made up of it, the same from the same files and day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from patron_platform.sample.around import around
from patron_platform.sample.cash import cash
from patron_platform.sample.sheet import Sheet, read_public
from patron_platform.sample.targets import targets


def sample(folder: Path, today: date) -> list[Sheet]:
    """The sheets in the order they are imported."""
    public = read_public(folder)
    return [*around(public, today), *cash(public, today), targets(public, today)]


__all__ = ["Sheet", "sample"]
