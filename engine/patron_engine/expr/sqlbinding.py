"""What the SQL side asks whoever plans the statement, and the questions it asks a node before it writes it."""

from __future__ import annotations

from typing import Any, Final, Protocol

import sqlalchemy as sa

from patron_engine.expr import nodes, sqlparts
from patron_engine.expr.functions.people import ME
from patron_engine.expr.nodes import AggregateNode, Literal, Node, Path
from patron_engine.expr.sqlparts import Column
from patron_engine.expr.types import SEALED, TEXT, ExprType

SQL_TYPES: Final[dict[str, Any]] = {
    "number": sqlparts.NUMERIC, "duration": sqlparts.NUMERIC, "text": sa.Text(), "choice": sa.Text(),
    "boolean": sa.Boolean(), "date": sa.Date(), "datetime": sqlparts.MOMENT, "time": sa.Time(),
    "link": sa.Uuid(as_uuid=False), "empty": sa.Text(),
}  # fmt: skip


class SqlBinding(Protocol):
    """What the planner of a statement answers. An attribute `collation` ("C") may say how texts are compared where the
    database's own order is another; `me()` is column("me.id"). A method `given` may answer a constant's node with a
    parameter instead of the constant written out: a request's constants differ while its shape stays."""

    def column(self, path: str) -> Column:
        """The column of a path; the planner adds joins. me.* and this.* are binds or columns of the asking row."""

    def blind(self, path: str, value: str) -> str:
        """What the column of an encrypted field holds for a text: equal texts, equal digests."""

    def aggregate(self, node: AggregateNode) -> Column:
        """A scalar subquery."""

    def function(self, name: str, args: tuple[Column, ...], node: Any) -> Column:
        """SETTING, IN_SEGMENT, REPORTS_TO, IN_DEPARTMENT, IN_ROLE, ON_DUTY, UNDER, REF, REPEATED, LABEL; node.params has their
        constants: (name,), (object, external id), (path,)."""

    @property
    def now(self) -> Column: ...

    @property
    def today(self) -> Column: ...

    @property
    def zone(self) -> str: ...

    @property
    def week_from(self) -> str: ...

    @property
    def fiscal_year_from(self) -> int: ...


def digest(binding: SqlBinding, node: Node, other: Node) -> Node:
    """A constant beside an encrypted field, as the field's column holds it."""
    if isinstance(node, Literal) and node.type == SEALED and isinstance(other, Path):
        return Literal(binding.blind(other.path, node.value), TEXT, node.at)
    return node


def midnight(day: Column, shift: int) -> Column:
    """Midnight UTC, some days from a date."""
    at = sa.cast(day + sqlparts.whole_literal(shift), sqlparts.WALL)
    return sa.func.timezone(sqlparts.text("UTC"), at, type_=sqlparts.MOMENT)


def truth(column: Column) -> Column:
    """A condition without NULL."""
    return sa.func.coalesce(column, sa.false(), type_=sa.Boolean)


def is_empty(node: Node) -> bool:
    """The constant that is nothing."""
    return isinstance(node, Literal) and node.value is None


def is_there(node: Node) -> bool:
    """Never empty: a constant, today, now."""
    if isinstance(node, nodes.Call):
        return node.op.now and not node.args
    return isinstance(node, Literal) and node.value is not None


def is_outside(node: Node) -> bool:
    """The same for all rows that are chosen among: of the asking person or record."""
    if isinstance(node, nodes.Call):
        return node.op is ME
    return isinstance(node, Path) and node.path.startswith(("me.", "this."))


def renamed(t: ExprType) -> bool:
    """A choice whose column holds older names of its options."""
    return t.kind == "choice" and bool(t.stored) and t.stored != t.options


def numeric(column: Column, t: ExprType) -> Column:
    """Numbers reckon as numeric: bigint would overflow, and divide without decimals."""
    if t.kind not in ("number", "duration"):
        return column
    exact = isinstance(column.type, sa.Numeric) and not isinstance(column.type, sa.Float)
    return column if exact else sa.cast(column, sqlparts.NUMERIC)


def literal(node: Literal) -> Column:
    """A constant written out, with its type."""
    kind = node.type.kind
    if node.value is None:
        return sa.cast(sa.null(), SQL_TYPES[kind]) if kind in SQL_TYPES else sa.null()
    if kind == "link":
        return sa.cast(sqlparts.text(str(node.value)), SQL_TYPES["link"])
    return sqlparts.constant(node.value)
