"""Masks: what is shown of a value to whoever may see that there is one, and not which.

In: a field and its column. Out: SQL text in which all but a few characters are replaced, how many there were included: the
end of a number, the first letter of a name, the domain of an address. Other kinds of values show that they are filled.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from patron_engine.fields.field import Field
from patron_engine.store.tables import TYPES

Column = sa.ColumnElement[Any]


class Masked(str):
    """A covered value among values in Python form."""


COVER = "****"
LONG = 8  # characters from which on both ends of a text may stay


def maskable(field: Field) -> bool:
    """Whether the field has a value of its own to cover."""
    return any(c.part == "" for c in field.columns) and field.expr.kind not in (
        "link",
        "list",
        "json",
        "location",
    )


def mask(field: Field, column: Column) -> Column:
    """The covered value as text; empty stays empty."""
    cover = _text(COVER)
    if field.encrypted or field.expr.kind != "text" or field.type in ("long_text", "rich_text", "select"):
        return sa.case((column.is_not(None), cover))
    length = sa.func.length(column)
    if field.type == "email":
        domain = sa.func.split_part(column, _text("@"), sa.literal(2))
        return sa.func.left(column, sa.literal(1)).concat(cover).concat(_text("@")).concat(domain)
    if field.type == "phone":
        tail = sa.func.right(column, sa.literal(4))
        return sa.case((length > sa.literal(LONG), cover.concat(tail)), (column.is_not(None), cover))
    ends = sa.func.left(column, sa.literal(1)).concat(cover).concat(sa.func.right(column, sa.literal(1)))
    first = sa.func.left(column, sa.literal(1)).concat(cover)
    return sa.case((length > sa.literal(LONG), ends), (column.is_not(None), first))


def _text(value: str) -> Column:
    return sa.literal(value, TYPES["text"])
