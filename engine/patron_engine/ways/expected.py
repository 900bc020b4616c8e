"""Expected: whether a record holds what a check says it must.

In: a field's value in Python form and what the check wrote, in the form of the API. Out: yes or no. Numbers are equal as
numbers, however many zeros were written.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from patron_engine.fields.registry import TYPES
from patron_engine.model.model import Model


def same(model: Model, object: str, path: str, value: Any, wanted: Any) -> bool:
    one = model.follow(object, path)
    if one is not None and wanted is not None and not one.computed and one.type in TYPES:
        wanted = TYPES[one.type].read_wire(one, wanted)
    if (
        isinstance(value, Decimal | int)
        and not isinstance(value, bool)
        and isinstance(wanted, str | int | Decimal)
    ):
        try:
            return Decimal(value) == Decimal(wanted)
        except ArithmeticError:
            return False
    if isinstance(value, tuple) and isinstance(wanted, list | tuple):
        return tuple(value) == tuple(wanted)
    return bool(value == wanted) or str(value) == str(wanted)


def shown(value: Any) -> str:
    """A value as a failed check prints it."""
    return "empty" if value is None else str(value)
