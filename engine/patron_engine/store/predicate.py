"""Predicates: an expression over own stored columns as the text of an index predicate.

In: an object and a compiled expression. Out: SQL with constants written in, over bare column names. Expressions that
reach beyond the row (links, sets, the time, the person) have no place in an index; the compiler of models refuses them,
and here they are an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from patron_engine.expr.compile import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.store.tables import TYPES

if TYPE_CHECKING:
    from patron_engine.expr.nodes import AggregateNode

DIALECT: sa.Dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # so that a % in a constant stays one


class BeyondTheRow(ValueError):
    """The expression needs more than the columns of its own row."""


class OwnColumns:
    """A binding of bare names to the columns of one object's table."""

    zone = "UTC"
    week_from = "monday"
    fiscal_year_from = 1

    def __init__(self, object: Object) -> None:
        self.object = object

    def column(self, path: str) -> sa.ColumnElement[Any]:
        name, _, part = path.partition(".")
        field = self.object.field(name)
        if field is None or not field.columns:
            raise BeyondTheRow(f"{self.object.name} has no stored field {path!r}")
        there = {c.part for c in field.columns}
        if not part and field.expr.kind == "json":
            columns = [sa.column(c.name, TYPES[c.sql]) for c in field.columns]
            return type_of(field).whole_sql(field, columns)
        column = field.part(part or next((p for p in ("base", "blind") if p in there), ""))
        return sa.column(column.name, TYPES[column.sql])

    def blind(self, path: str, value: str) -> str:
        field = self.object.fields[path]
        return str(type_of(field).normalise(field, value))

    def aggregate(self, node: AggregateNode) -> sa.ColumnElement[Any]:
        raise BeyondTheRow("an index cannot count other records")

    def function(
        self, name: str, args: tuple[sa.ColumnElement[Any], ...], node: Any
    ) -> sa.ColumnElement[Any]:
        raise BeyondTheRow(f"an index cannot use {name}()")

    @property
    def now(self) -> sa.ColumnElement[Any]:
        raise BeyondTheRow("an index cannot know the time")

    @property
    def today(self) -> sa.ColumnElement[Any]:
        raise BeyondTheRow("an index cannot know the day")


def predicate_sql(object: Object, expression: Expression) -> str:
    """The text of `expression` as an index predicate."""
    condition = condition_sql(expression, OwnColumns(object))
    return str(condition.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
