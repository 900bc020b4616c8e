"""What each node that is not a branch does with the values of its children, in Python; and how values come in and out.

One function a node, bound to a Context; both Python sides call it, so they cannot differ in more than their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from patron_engine.expr import nodes
from patron_engine.expr.context import Context
from patron_engine.expr.functions.days import local_day
from patron_engine.expr.nodes import Node
from patron_engine.expr.types import ExprType

_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_PARTS: Final = {"range": ("from", "to"), "location": ("lat", "lng")}


def enter(value: Any, kind: str) -> Any:
    """A plain value as expressions hold it: numbers Decimal, an empty text or list None, a link its id."""
    if value is None:
        return None
    if kind in ("number", "duration"):
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if kind == "list":
        return tuple(_id(v) for v in value) or None
    if kind == "link":
        return _id(value)
    if kind == "json" and isinstance(value, Mapping | list):
        return ()  # there, but nothing an operation could look into
    return None if value == "" else value


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) else value


def exit_value(value: Any, type: ExprType) -> Any:
    """What callers get: ranges and locations as maps of their parts, numbers without a negative zero."""
    leaves = leaving(type)
    return value if leaves is None else leaves(value)


def leaving(type: ExprType) -> Callable[[Any], Any] | None:
    """What makes of a value of this type what callers get; None where they get it as it is."""
    parts = _PARTS.get(type.kind)
    if parts is None:
        return None

    def made(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        return dict(zip(parts, value, strict=True)) if any(v is not None for v in value) else None

    return made


def meaning(node: Node) -> Callable[[Context], Callable[..., Any]]:
    """What a node does: given a context, a function of its children's values."""
    match node:
        case nodes.Call():
            return _call(node)
        case nodes.Compare():
            return _fixed(comparison(node))
        case nodes.Among():
            return _fixed(lambda item, *options: item in options)
        case nodes.Member():
            return _fixed(lambda item, list_: item is not None and list_ is not None and item in list_)
        case nodes.Parts():
            return _fixed(lambda a, b: (a, b))
        case nodes.Within(item=item, range=range_):
            return _within(item.type.kind == "datetime", range_.open)
        case nodes.Coalesce():
            return _fixed(lambda *values: next((v for v in values if v is not None), None))
        case _:
            raise TypeError(f"{type(node).__name__} has no meaning of its own")


def comparison(node: nodes.Compare) -> Callable[[Any, Any], bool]:
    """What a comparison says of the values of its two sides."""
    sign = node.sign
    if isinstance(node.left, nodes.Parts) or isinstance(node.right, nodes.Parts):
        return _whole_equal if sign == "==" else lambda a, b: not _whole_equal(a, b)
    if sign in ("==", "!="):
        return eq if sign == "==" else ne
    order = _ORDERS[sign]
    return lambda a, b: a is not None and b is not None and order(a, b)


def _fixed(f: Callable[..., Any]) -> Callable[[Context], Callable[..., Any]]:
    return lambda context: f


def _whole_equal(a: Any, b: Any) -> bool:
    """A range or location is empty when all its parts are."""

    def bare(x: Any) -> Any:
        return None if isinstance(x, tuple) and all(v is None for v in x) else x

    return bool(bare(a) == bare(b))


def _call(node: nodes.Call) -> Callable[[Context], Callable[..., Any]]:
    op, params = node.op, node.params
    py = op.py
    empty = False if node.type.kind == "boolean" and op.name != "SETTING" else None
    truth = empty is False

    def bind(context: Context) -> Callable[..., Any]:
        def run(*values: Any) -> Any:
            if op.strict and None in values:
                return empty
            answer = py(context, *params, *values) if op.context else py(*params, *values)
            return bool(answer) if truth else answer

        return run

    return bind


def _within(moment: bool, open_ends: bool) -> Callable[[Context], Callable[..., bool]]:
    def bind(context: Context) -> Callable[..., bool]:
        def run(item: date | datetime | None, ends: tuple[date | None, date | None]) -> bool:
            day = local_day(context, item) if moment and isinstance(item, datetime) else item
            first, last = ends
            if day is None or (first is None and last is None):
                return False
            if not open_ends and (first is None or last is None):
                return False
            return (first is None or first <= day) and (last is None or day <= last)

        return run

    return bind
