"""SQL types: which type a value of an expression, of a part of a field, or of a virtual name has in the database.

In: types of the expression language and steps of paths. Out: SQLAlchemy types. Knows no row and no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr.types import ExprType
from patron_engine.fields.field import Field
from patron_engine.store.tables import TYPES, Id

_SQL: Mapping[str, sa.types.TypeEngine[Any]] = {
    "number": TYPES["numeric"],
    "text": TYPES["text"],
    "choice": TYPES["text"],
    "boolean": TYPES["boolean"],
    "date": TYPES["date"],
    "datetime": TYPES["timestamptz"],
    "time": TYPES["time"],
    "duration": TYPES["numeric"],
    "link": Id(),
    "json": TYPES["jsonb"],
    "empty": TYPES["text"],
}


def sql_type(type: ExprType) -> sa.types.TypeEngine[Any]:
    """The SQL type that values of an expression's type have."""
    if type.kind == "list":
        return pg.ARRAY(Id() if type.element is not None and type.element.kind == "link" else TYPES["text"])
    return _SQL.get(type.kind, TYPES["text"])


def part_type(found: Field, rest: tuple[str, ...]) -> ExprType:
    if not rest or not any(c.part == rest[0] for c in found.columns):
        return found.expr
    kinds: Mapping[str, Literal["date", "number", "text"]] = {"date": "date", "numeric": "number"}
    return ExprType(kinds.get(found.part(rest[0]).sql, "text"))


def virtual_type(steps: tuple[str, ...]) -> sa.types.TypeEngine[Any]:
    """`approval.state` is text, `path.NAME.since` a moment: the types the catalogue gives them."""
    moments = {"decided_at", "since", "due", "due_at", "done_at", "breached_at", "returns_at"}
    people = {"submitter"}
    if steps[-1] in moments:
        return TYPES["timestamptz"]
    if steps[-1] in people:
        return Id()
    return {"breached": TYPES["boolean"], "hours": TYPES["numeric"], "approvers": pg.ARRAY(Id())}.get(
        steps[-1], TYPES["text"]
    )
