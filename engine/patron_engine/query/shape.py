"""Shape: what of a condition decides its SQL, and what are only values: `amount > 20` and `amount > 40` are one text.

In: the checked expression of a request. Out: its shape (the tree with its constants taken out) and the constants under
parameter names. Definitions' expressions never come here: their constants stand in the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr.nodes import AggregateNode, Call, Expression, Literal, Node, Path, children
from patron_engine.query.binding import parameter
from patron_engine.store.tables import TYPES

_TYPES: Final[Mapping[type, sa.types.TypeEngine[Any]]] = {
    Decimal: TYPES["numeric"],
    str: TYPES["text"],
    date: TYPES["date"],
    datetime: TYPES["timestamptz"],
    time: TYPES["time"],
}


@dataclass(frozen=True, slots=True)
class ConditionShape:
    """`key` is equal for conditions of one SQL; `names` maps the constants' nodes (by identity) to parameters, `values`
    has what they are this time."""

    key: Hashable
    names: Mapping[int, str]
    values: Mapping[str, Any]

    def given(self, node: Literal) -> sa.ColumnElement[Any] | None:
        """The parameter of a constant, for expr/sql; None where the constant is part of the shape."""
        name = self.names.get(id(node))
        return None if name is None else parameter(name, _TYPES[type(node.value)])


def shape_of(expression: Expression) -> ConditionShape:
    """The shape of a condition. One whose choices were renamed keeps its constants: they stand for stored names."""
    names: dict[int, str] = {}
    values: dict[str, Any] = {}

    def take(node: Literal) -> Hashable:
        value = node.value
        if type(value) not in _TYPES or node.type.kind in ("range", "sealed"):
            return ("constant", node.type.kind, value)
        name = f"where.{len(values)}"
        names[id(node)] = name
        values[name] = bound(value)
        return ("given", node.type.kind, type(value).__name__)

    if _renamed(expression):
        return ConditionShape(key=expression.source, names={}, values={})
    return ConditionShape(key=_key(expression.tree, take), names=names, values=values)


def _key(node: Any, take: Callable[[Literal], Hashable]) -> Hashable:
    """A node as a value that tells it from others, constants taken out."""
    if isinstance(node, Literal):
        return take(node)
    if isinstance(node, Path):
        return ("path", node.path)
    if isinstance(node, AggregateNode):
        inner = tuple(_key(e.tree, take) if e is not None else None for e in (node.value, node.condition))
        return ("aggregate", node.function, node.base, node.sets, inner)
    if isinstance(node, tuple):
        return tuple(_key(n, take) for n in node)
    if isinstance(node, Call):
        return ("call", node.op.name, id(node.op), node.params, _key(node.args, take))
    if hasattr(node, "__dataclass_fields__"):
        inner = tuple(_key(getattr(node, f.name), take) for f in fields(node) if f.name not in ("type", "at"))
        return (type(node).__name__, inner)
    return node  # type: ignore[no-any-return]


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it; what stands inside aggregates is theirs."""
    yield node
    for child in children(node):
        yield from walk(child)


def _renamed(expression: Expression) -> bool:
    """Whether any choice in it is stored under another name than today's."""
    for node in walk(expression.tree):
        if node.type.stored and node.type.stored != node.type.options:
            return True
        if isinstance(node, AggregateNode):
            inner = (node.value, node.condition)
            if any(_renamed(e) for e in inner if e is not None):
                return True
    return False


def bound(value: Any) -> Any:
    """Whole numbers are bound as such: an index on a bigint serves them, one on a numeric too."""
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return value
