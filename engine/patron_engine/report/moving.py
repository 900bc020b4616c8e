"""Moving: the same question with one date of its records some months later, so that what was a period ago stands where the period
itself stands: what PREVIOUS(won, 'year') is worked out from.

In: a binding and the path of a date. Out: the binding in which that path is later by so many months. The end of a month stays one:
31 January a month later is 28 February.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from patron_engine.store.tables import TYPES

WALL = sa.DateTime(timezone=False)


class Moved:
    """A binding like another in all but one path."""

    def __init__(self, binding: Any, path: str, months: int, *, zone: str) -> None:
        self._binding = binding
        self._path, self._months, self._zone = path, months, zone

    def __getattr__(self, name: str) -> Any:
        return getattr(self._binding, name)

    def column(self, path: str) -> sa.ColumnElement[Any]:
        found: sa.ColumnElement[Any] = self._binding.column(path)
        if path != self._path:
            return found
        zero = sa.literal(0, sa.Integer())
        later = sa.func.make_interval(zero, sa.literal(self._months, sa.Integer()), type_=sa.Interval())
        if isinstance(found.type, sa.DateTime):
            zone = sa.literal(self._zone, TYPES["text"])
            wall = sa.func.timezone(zone, found, type_=WALL) + later
            return sa.func.timezone(zone, wall, type_=TYPES["timestamptz"])
        return sa.cast(sa.cast(found, WALL) + later, TYPES["date"])

    def at(self, row: Any, *, foreign: bool = True) -> Any:
        return self._binding.at(row, foreign=foreign)
