"""Typing of `in`: among values in brackets, in a list, in a range of dates."""

from __future__ import annotations

from patron_engine.expr import nodes
from patron_engine.expr.infer import Infer
from patron_engine.expr.nodes import Node
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import BOOLEAN, DATE, fits, say_type
from patron_engine.phrases import Phrase


def membership(infer: Infer, left: Syntax, right: Syntax, at: int) -> Node:
    """`item in …`."""
    item = infer.node(left)
    if right.kind == "list":
        return _among(infer, item, right, at)
    where = infer.node(right)
    if isinstance(where, nodes.Parts) and where.type.kind == "range":
        return within(infer, item, where, at)
    if where.type.kind == "list":
        return member(infer, item, where, at)
    if where.type.kind == "empty":
        return nodes.Among(item, (), BOOLEAN, at)
    hint = (
        "CONTAINS(text, part) looks into a text" if fits(where.type, "text") else "write field in ('a', 'b')"
    )
    raise Fault(
        "expr_types",
        Phrase("after `in` stands a list or a range, but this is {type}", type=say_type(where.type)),
        right.at,
        hint,
    )


def _among(infer: Infer, item: Node, right: Syntax, at: int) -> Node:
    options = []
    for s in right.items:
        option = infer.node(s)
        item, option = infer.sides("==", item, option, s.at)
        options.append(option)
    return nodes.Among(item, tuple(options), BOOLEAN, at)


def member(infer: Infer, item: Node, where: Node, at: int) -> Node:
    """`item in list`."""
    element = where.type.element
    if element is not None:
        known = nodes.Path("", element, at)
        _, item = infer.sides("==", known, item, at)
    return nodes.Member(item, where, BOOLEAN, at)


def within(infer: Infer, item: Node, where: nodes.Parts, at: int) -> Node:
    """`date in range`; a moment counts by its business day."""
    item = infer.as_kind(item, "date")
    if item.type.kind not in ("date", "datetime", "empty"):
        raise Fault(
            "expr_types",
            Phrase("a range of dates has dates in it, but this is {type}", type=say_type(item.type)),
            at,
        )
    if item.type.kind == "empty":
        item = nodes.Literal(None, DATE, at)
    return nodes.Within(item, where, BOOLEAN, at)
