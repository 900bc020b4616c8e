"""Kinds: what the values of a field must be where it is named, in kinds of expr.types."""

from __future__ import annotations

from typing import Final

NUMBERS: Final = ("number", "duration")
DAYS: Final = ("date", "datetime")
ORDERED: Final = (*NUMBERS, *DAYS, "time", "text", "choice")
PEOPLE: Final = ("link", "list")
CHOICES: Final = ("choice",)
PLACES: Final = ("location",)
LANES: Final = ("choice", "link", "boolean")  # the columns of a kanban
COLOURS: Final = (*LANES, "text")
