"""Parts: a page read in several statements, each of which an index serves where one sorts what the page is sorted by.

In: a resolved question, the shape of its page, the sort values of its cursor. Out: the shapes of the statements, in order; the
next is asked only while rows are missing. And what a part means: conditions on the first sort key, and how the rest is sorted.

An index has its empties at one end; a page wants them last in both directions, and beside a link the database joins every
target before it sorts. So the records with a value are read first, from where the page before ended: the index is walked,
either way. A choice is sorted by the place of its option, which no index knows: the option the page stands in is read alone,
by the keys behind it, and then the others: one by one where an index begins with the choice, for the first page of the rarest
would else be looked for among all records; at once where none does, for each of them would read everything.

What was changed lately is sorted by a moment whose index knows ranges of pages, not the order of rows (store/indexes). So the last
hours before the place of the page are read, then the days before them, and what lies further back at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from patron_engine.fields.field import Field
from patron_engine.model.model import Object
from patron_engine.query.binding import parameter
from patron_engine.query.names import Key
from patron_engine.query.order import AFTER, SortKey, by_place, stored_options
from patron_engine.store.shape import NEVER_EMPTY
from patron_engine.store.tables import TYPES

STRETCHES: Final = (timedelta(hours=2), timedelta(days=2), timedelta(days=30))
SINCE: Final = "since."


@dataclass(frozen=True, slots=True)
class Part:
    """Which records: with a value of the first key or without; of one option (its `place` and how it is stored), or past it;
    changed within a stretch of time (the number of it is `place`)."""

    kind: Literal["filled", "empty", "option", "beyond", "lately"]
    place: int = 0
    stored: str = ""


def parts_of(
    object: Object, sort: Sequence[Key], given: Mapping[str, Any], begun: bool, everywhere: bool
) -> tuple[tuple[Part | None, bool], ...]:
    """The parts a page is read in, each with whether it goes on after the cursor's row. `begun`: there is a cursor. `everywhere`: the
    first key is the asker's to read on every row; on those where it is not, it is empty, whatever field it is."""
    field = sort[0].path.field if sort and sort[0].path.end == "field" else None
    if field is None or (everywhere and sort[0].path.key in NEVER_EMPTY):
        return ((None, begun),)
    value: Any = given.get(f"{AFTER}0")
    if begun and value is None:
        return ((Part("empty"), True),)
    if by_place(field):
        stored = stored_options(field)
        place = int(value) if begun else len(stored) if sort[0].descending else 1
        if not 0 < place <= len(stored):
            return ((None, begun),)
        further = range(place - 1, 0, -1) if sort[0].descending else range(place + 1, len(stored) + 1)
        walked = list(further) if _leads(object, sort[0].path.key) else []
        options = [Part("option", at, stored[at - 1]) for at in (place, *walked)]
        return (
            (options[0], begun),
            *((o, False) for o in options[1:]),
            (Part("beyond", options[-1].place), False),
        )
    if not _walked(field):
        return ((None, begun),)
    return ((Part("filled"), begun), (Part("empty"), False))


def by_change(sort: Sequence[Key], everywhere: bool) -> bool:
    """Whether the newest change stands first, no row is without (`everywhere`), and there is an index of what was changed."""
    field = sort[0].path.field if sort and everywhere and sort[0].path.key == "updated_at" else None
    return field is not None and field.indexed and sort[0].descending


def lately(since: datetime, begun: bool) -> tuple[tuple[tuple[Part, bool], ...], dict[str, Any]]:
    """The parts of such a page that begins at a moment, and the values they need."""
    parts = tuple((Part("lately", n), begun and n == 0) for n in range(len(STRETCHES) + 1))
    return parts, {f"{SINCE}{n}": since - back for n, back in enumerate(STRETCHES)}


def _leads(object: Object, name: str) -> bool:
    """Whether an index of the object begins with a field of its own."""
    field = object.fields.get(name)
    return field is not None and (
        field.indexed or any(i.fields[0][0] == field.name for i in object.indexes if i.fields)
    )


def _walked(field: Field) -> bool:
    """Whether there is an index in the order of the field: of titles, linked titles, indexed fields."""
    if field.type == "id":
        return False
    sorts = field.expr.kind == "link" or any(c.part == "sort" for c in field.columns)
    return sorts or field.indexed or field.type == "auto_number"


def narrowed(part: Part, keys: Sequence[SortKey]) -> tuple[list[sa.ColumnElement[bool]], list[SortKey]]:
    """The conditions of a part, and its sort: what all its records have in common sorts nothing."""
    first, rest = keys[0], list(keys[1:])
    if part.kind == "filled":
        return [first.column.is_not(None)], [replace(first, filled=True), *rest]
    if part.kind == "empty":
        return [first.column.is_(None)], rest
    if part.kind == "option":
        assert first.value is not None
        return [first.value == sa.literal(part.stored, TYPES["text"])], rest
    if part.kind == "lately":
        ends = [parameter(f"{SINCE}{n}", TYPES["timestamptz"]) for n in (part.place - 1, part.place)]
        newer = [first.column < ends[0]] if part.place else []
        return [*newer, *([first.column >= ends[1]] if part.place < len(STRETCHES) else [])], list(keys)
    place = sa.literal(part.place, sa.Integer())
    further = first.column < place if first.descending else first.column > place
    return [sa.or_(further, first.column.is_(None))], list(keys)
