"""Chart points: the figures of an answer along two of its groups, whichever of its rows and columns those are.

In: an Answer, the groups of the axis and of the series (None: none), a measure's place. Out: `Plane`: members in their order and a
`Point` for each pair. A group that is left out is summed over where the measure adds up and taken from a total where there is
one; of other measures the members stay apart, as they were measured. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from patron_engine.report.answer import REST, Answer, Axis, Key, Value

Pair = tuple[Any, Any]
Places = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """`rows` and `columns` are the spot it stands for; None where several spots were put together."""

    value: Value
    rows: Key | None
    columns: Key = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Identities of the axis and of the series are tuples of members: one long, or longer where members stay apart."""

    along: tuple[Key, ...]
    series: tuple[Key, ...]
    points: dict[tuple[Key, Key], Point]


def axis_named(answer: Answer, name: str | None) -> Axis | None:
    """The group a chart calls so: by its name, or by its field."""
    axes = (*answer.rows, *answer.columns)
    return next((a for a in axes if a.name == name), None) or next((a for a in axes if a.path == name), None)


def plane(
    answer: Answer, x: Axis | None, series: Axis | None, figure: int, *, adds: bool, apart: bool = False
) -> Plane:
    """The points of one measure; `apart`: its members stay apart, since those of another measure beside it do."""
    side = _Side(answer, x, series)
    collides = side.more()
    together = (adds and not apart) or not collides
    points: dict[tuple[Key, Key], Point] = {}
    for rows, columns in side.pairs():
        value = _value(answer, rows, columns, figure, adds=adds)
        if value is None:
            continue
        pair = side.identity(rows, columns, apart=not together)
        known = points.get(pair)
        if known is None:
            points[pair] = Point(value=value, rows=rows, columns=columns)
        elif isinstance(value, Decimal) and isinstance(known.value, Decimal):
            points[pair] = Point(value=known.value + value, rows=None)
    along = _order(dict.fromkeys(p[0] for p in points), x)
    return Plane(along=along, series=tuple(dict.fromkeys(p[1] for p in points)), points=points)


@dataclass(frozen=True, slots=True)
class _Side:
    """Where the two groups stand among rows and columns."""

    answer: Answer
    x: Axis | None
    series: Axis | None

    def _within(self, axes: tuple[Axis, ...], axis: Axis | None) -> int | None:
        return next((n for n, a in enumerate(axes) if axis is not None and a is axis), None)

    def _depth(self, axes: tuple[Axis, ...]) -> int:
        places = [self._within(axes, axis) for axis in (self.x, self.series)]
        return max((n + 1 for n in places if n is not None), default=0)

    def more(self) -> bool:
        """Whether groups stand above the two that neither is."""
        chosen = [a for a in (self.x, self.series) if a is not None]
        return self._depth(self.answer.rows) + self._depth(self.answer.columns) > len(chosen)

    def pairs(self) -> Iterator[tuple[Key, Key]]:
        r, c = self._depth(self.answer.rows), self._depth(self.answer.columns)
        rows = dict.fromkeys(key[:r] for key in self.answer.row_keys)
        columns = dict.fromkeys(key[:c] for key in self.answer.column_keys)
        return ((row, column) for row in rows for column in columns)

    def identity(self, rows: Key, columns: Key, *, apart: bool) -> tuple[Key, Key]:
        found: list[Key] = []
        for axis in (self.x, self.series):
            at = self._within(self.answer.rows, axis)
            if at is not None:
                found.append(rows[: at + 1] if apart and axis is self.x else (rows[at],))
                continue
            at = self._within(self.answer.columns, axis)
            if at is None:
                found.append(())
            else:
                found.append(columns[: at + 1] if apart and axis is self.x else (columns[at],))
        return found[0], found[1]


def _value(answer: Answer, rows: Key, columns: Key, figure: int, *, adds: bool) -> Value:
    cell = answer.cells.get((rows, columns))
    if cell is not None:
        return cell[figure]
    whole = len(rows) == len(answer.rows) and len(columns) == len(answer.columns)
    if whole or not adds:
        return None
    values = [
        cell[figure]
        for (r, c), cell in answer.cells.items()
        if len(r) == len(answer.rows) and len(c) == len(answer.columns)
        and r[: len(rows)] == rows and c[: len(columns)] == columns
    ]  # fmt: skip
    numbers = [v for v in values if isinstance(v, Decimal)]
    return sum(numbers, Decimal(0)) if numbers else None


def _order(found: dict[Key, None], x: Axis | None) -> tuple[Key, ...]:
    """Periods and buckets along the axis in their own order, others as the answer has them."""
    if x is None or x.kind not in ("period", "bucket", "offset"):
        return tuple(found)
    last = (None, REST)
    return tuple(sorted(found, key=lambda key: (key[-1] in last, "" if key[-1] in last else _rank(key[-1]))))


def _rank(member: Any) -> str:
    return f"{member:012}" if isinstance(member, int) else str(member)
