"""The fast Python side: nested functions compiled from the typed tree, once an expression. Same meaning, same table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from patron_engine.expr import nodes
from patron_engine.expr.context import Context
from patron_engine.expr.meaning import comparison, enter, meaning
from patron_engine.expr.nodes import Node

Closure = Callable[[Mapping[str, Any], Context], Any]


def build(node: Node) -> Closure:
    """A function (values, context) -> value, before it leaves the language."""
    match node:
        case nodes.Literal(value=value):
            return lambda values, context: value
        case nodes.Path(path=key, type=t) | nodes.AggregateNode(key=key, type=t):
            return _read(key, t.kind)
        case nodes.Logic(word=word, args=args):
            return _all([build(a) for a in args]) if word == "and" else _any([build(a) for a in args])
        case nodes.Not(arg=arg):
            inner = build(arg)
            return lambda values, context: not inner(values, context)
        case nodes.Choose(branches=branches, otherwise=otherwise):
            return _choose([(build(c), build(v)) for c, v in branches], build(otherwise))
        case nodes.Call() if not node.op.context:
            return _call(node, [build(c) for c in node.args])
        case nodes.Compare(left=left, right=right):
            return _compare(node, build(left), build(right))
        case _:
            return _bound(node, [build(c) for c in nodes.children(node)])


def _read(key: str, kind: str) -> Closure:
    def run(values: Mapping[str, Any], context: Context) -> Any:
        value = values.get(key)
        return None if value is None else enter(value, kind)

    def number(values: Mapping[str, Any], context: Context) -> Any:
        value = values.get(key)
        return value if type(value) is Decimal else enter(value, kind)

    def plain(values: Mapping[str, Any], context: Context) -> Any:
        value = values.get(key)
        return None if value == "" else value

    if kind in ("number", "duration"):
        return number
    return run if kind in ("list", "link", "json") else plain


def _all(parts: list[Closure]) -> Closure:
    def run(values: Mapping[str, Any], context: Context) -> Any:
        return all(p(values, context) for p in parts)

    return run


def _any(parts: list[Closure]) -> Closure:
    def run(values: Mapping[str, Any], context: Context) -> Any:
        return any(p(values, context) for p in parts)

    return run


def _choose(branches: list[tuple[Closure, Closure]], otherwise: Closure) -> Closure:
    def run(values: Mapping[str, Any], context: Context) -> Any:
        for condition, value in branches:
            if condition(values, context):
                return value(values, context)
        return otherwise(values, context)

    return run


def _call(node: nodes.Call, args: list[Closure]) -> Closure:
    py, params, strict = node.op.py, node.params, node.op.strict
    truth = node.type.kind == "boolean"
    empty = False if truth else None

    def run(values: Mapping[str, Any], context: Context) -> Any:
        given = [a(values, context) for a in args]
        if strict and None in given:
            return empty
        answer = py(*params, *given)
        return bool(answer) if truth else answer

    if len(args) != 2:
        return run
    left, right = args

    def of_two(values: Mapping[str, Any], context: Context) -> Any:
        a, b = left(values, context), right(values, context)
        if strict and (a is None or b is None):
            return empty
        answer = py(*params, a, b)
        return bool(answer) if truth else answer

    return of_two


def _compare(node: nodes.Compare, left: Closure, right: Closure) -> Closure:
    compare = comparison(node)
    return lambda values, context: compare(left(values, context), right(values, context))


def _bound(node: Node, args: list[Closure]) -> Closure:
    bind = meaning(node)

    def run(values: Mapping[str, Any], context: Context) -> Any:
        return bind(context)(*(a(values, context) for a in args))

    return run
