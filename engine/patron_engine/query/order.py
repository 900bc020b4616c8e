"""Order: what a page is sorted by, and where the next page begins.

In: the sort keys of a question and the row they are of. Out: ORDER BY and the condition "after this row". Empties are
last in both directions, choices in the order of their options, titles and links by how they are read aloud (the sort
part of a title), and `id` ends every sort, so that no two rows are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.options import names_of
from patron_engine.fields.registry import type_of
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.names import Key
from patron_engine.query.source import Row, path_steps
from patron_engine.query.values import end_of
from patron_engine.query.wire import title_column
from patron_engine.store.shape import NEVER_EMPTY
from patron_engine.store.tables import TYPES

Column = sa.ColumnElement[Any]
AFTER = "after."


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort expression. `filled` is true where it is never empty; `value` is the choice whose place in the order of
    its options the column is."""

    column: Column
    descending: bool
    filled: bool
    value: Column | None = None

    def order(self, column: Column) -> Any:
        """The ORDER BY of this key on `column` (itself, or its copy outside a subquery)."""
        way = column.desc() if self.descending else column.asc()
        return way if self.filled else way.nulls_last()


def sort_keys(binding: SqlBinding, keys: Sequence[Key]) -> list[SortKey]:
    """The expressions of a sort, the id at the end in the direction of the last key, so that one index serves both."""
    found = [_key(binding, key) for key in keys]
    last = found[-1].descending if found else False
    if not any(key.path.key == "id" for key in keys):
        found.append(SortKey(binding.row.id, last, True))
    return found


def _key(binding: SqlBinding, key: Key) -> SortKey:
    steps = path_steps(key.path.key)
    found = end_of(binding, binding.row, steps) if key.path.end == "field" else None
    if found is None:
        return SortKey(binding.value(binding.row, steps), key.descending, False)
    inner, row, field = found
    value = inner.of_field(row, field) if by_place(field) else None
    filled = len(steps) == 1 and steps[0] in NEVER_EMPTY
    filled = filled and (not inner.ruled or row.reads(field) is None)
    return SortKey(_sorted_by(inner, row, field), key.descending, filled, value)


def _sorted_by(binding: SqlBinding, row: Row, field: Field) -> Column:
    """What a field is sorted by."""
    if field.expr.kind == "link" and field.type != "id":
        target = binding.across(row, field, None)
        return _title_sort(target)
    if any(c.part == "sort" for c in field.columns):
        return binding.guarded(row, field, row.column(field, "sort"))
    if type_of(field).name == "date_range":
        return binding.guarded(row, field, row.column(field, "from"))
    column = binding.of_field(row, field)
    if by_place(field):
        stored = stored_options(field)
        position = sa.func.array_position(
            sa.cast(pg.array(_texts(stored), type_=TYPES["text"]), _TEXTS), column
        )
        return sa.type_coerce(position, sa.Integer())
    return column


def by_place(field: Field) -> bool:
    """Whether a field is sorted by the place of its option."""
    return isinstance(field.spec, ChoiceSpec) and field.type == "select"


def stored_options(field: Field) -> list[str]:
    """The options as they are stored, in their order; the first has place 1."""
    return [*names_of(field).name_of]


_TEXTS = pg.ARRAY(TYPES["text"])


def _texts(values: Sequence[str]) -> list[Column]:
    return [sa.literal(v, TYPES["text"]) for v in values]


def _title_sort(binding: SqlBinding) -> Column:
    """The order of a linked record: its title's sort part where it has one."""
    row = binding.row
    steps = path_steps(row.object.title)
    found = end_of(binding, row, steps)
    if found is not None:
        inner, end, field = found
        if any(c.part == "sort" for c in field.columns):
            return inner.guarded(end, field, end.column(field, "sort"))
    return title_column(binding, row)


def after(keys: Sequence[SortKey], empties: Sequence[bool], start: int = 0) -> sa.ColumnElement[bool]:
    """Rows that come after the one whose key values are the parameters `after.START`, `after.START+1` …

    `empties` says which of those values are empty: nothing comes after an empty one but by the keys behind it.
    """
    ways: list[sa.ColumnElement[bool]] = []
    equal: list[sa.ColumnElement[bool]] = []
    for position, (key, empty) in enumerate(zip(keys, empties, strict=True), start):
        value = parameter(f"{AFTER}{position}", key.column.type)
        if empty:
            equal.append(key.column.is_(None))
            continue
        beyond = key.column < value if key.descending else key.column > value
        way = beyond if key.filled else sa.or_(beyond, key.column.is_(None))
        ways.append(sa.and_(*equal, way))
        equal.append(key.column == value)
    condition = sa.or_(*ways)
    first = keys[0]
    if first.filled and len(keys) > 1:
        least = parameter(f"{AFTER}{start}", first.column.type)
        return sa.and_(first.column <= least if first.descending else first.column >= least, condition)
    return condition
