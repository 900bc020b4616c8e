"""Layout: which columns hold which fields of an object, and both ways between a row of columns and values by name.

In: fields and the columns in the order they are read. Out: `decode` for rows read, `encode` for one record written,
`encode_columns` for many, field by field. Prepared once a release; most values need nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from patron_engine.fields.field import Field
from patron_engine.record.codec import encoder, parts_of, renamed, tuple_at, value_column

PLAIN = frozenset({"text", "bigint", "numeric", "uuid", "date", "time", "timestamptz", "boolean"})

Make = Callable[[tuple[Any, ...]], Any]  # a value from a whole row
Encode = Callable[[Mapping[str, Any]], Sequence[Any]]


class Layout:
    """Fields with columns, in the order of definition, and the columns of a row."""

    def __init__(self, fields: Sequence[Field], columns: Sequence[str]) -> None:
        at = {c: i for i, c in enumerate(columns)}
        names: list[str] = []
        places: list[int] = []
        self._made: list[tuple[str, Make]] = []
        self._encoders: dict[str, tuple[tuple[str, ...], Encode | None]] = {}
        for field in fields:
            place, make = _decoder(field, at)
            names.append(field.name)
            places.append(place)
            if make is not None:
                self._made.append((field.name, make))
            self._encoders[field.name] = _columns_of(field)
        for field in fields:
            for column in field.columns:
                if column.part == "base":
                    names.append(f"{field.name}.base")
                    places.append(at[column.name])
        self._names = tuple(names)
        self._take: Make = itemgetter(*places, 0)  # two at least: of one it would not make a tuple

    def decode(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Name -> value: all columns at once, then the few values that are made of them."""
        values = dict(zip(self._names, self._take(row), strict=False))
        for name, make in self._made:
            values[name] = make(row)
        return values

    def encode(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Column -> what psycopg writes, for the named fields."""
        row: dict[str, Any] = {}
        for name in names:
            columns, make = self._encoders[name]
            if make is None:
                row[columns[0]] = values.get(name)
            else:
                row.update(zip(columns, make(values), strict=True))
        return row

    def encode_columns(
        self, names: Iterable[str], every: Sequence[Mapping[str, Any]]
    ) -> dict[str, Sequence[Any]]:
        """Column -> what psycopg writes for each of many records."""
        found: dict[str, Sequence[Any]] = {}
        for name in names:
            columns, make = self._encoders[name]
            if make is None:
                found[columns[0]] = [values.get(name) for values in every]
            else:
                found.update(zip(columns, zip(*map(make, every), strict=True), strict=True))
        return found


def _decoder(field: Field, at: Mapping[str, int]) -> tuple[int, Make | None]:
    """The place of the field's value, or what makes it of the whole row."""
    value = value_column(field)
    if value is not None and value.sql in PLAIN and not renamed(field):
        return at[value.name], None
    if value is not None and value.sql == "text[]" and not renamed(field):
        return 0, tuple_at(at[value.name])
    return 0, parts_of(field, [at[c.name] for c in field.columns])


def _columns_of(field: Field) -> tuple[tuple[str, ...], Encode | None]:
    """The field's columns; None where the value is the column."""
    columns = tuple(c.name for c in field.columns)
    value = value_column(field)
    plain = len(columns) == 1 and value is not None and value.sql in PLAIN and not renamed(field)
    return columns, None if plain else encoder(field)
