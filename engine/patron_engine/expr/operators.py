"""Typing of arithmetic: what + - * / % ** mean for the kinds beside them. In: syntax, and the Infer that types it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from patron_engine.expr import limits
from patron_engine.expr.functions import adding, arithmetic, days
from patron_engine.expr.functions.texts import CONCAT
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.nodes import Literal, Node
from patron_engine.expr.sides import mixed
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import DATE, DATETIME, DURATION, NUMBER, TEXT, fits, say_type
from patron_engine.phrases import Phrase


def _sum(infer: Infer, s: Syntax) -> Node:
    args = [infer.node(i) for i in s.items]
    kinds = {a.type.kind for a in args} - {"empty"}
    if kinds <= {"text", "choice"} and kinds and set(s.parts) == {"+"}:
        return call(CONCAT, tuple(infer.as_kind(a, "text") for a in args), TEXT, at=s.at)
    if kinds <= {"number"}:
        numbers = tuple(infer.as_kind(a, "number") for a in args)
        return call(arithmetic.SUM_OF, numbers, NUMBER, (s.parts,), s.at)
    left = args[0]
    for sign, right in zip(s.parts[1:], args[1:], strict=True):
        left = _plus(infer, left, right, s.at) if sign == "+" else _minus(infer, left, right, s.at)
    return left


def _plus(infer: Infer, a: Node, b: Node, at: int) -> Node:
    ka, kb = a.type.kind, b.type.kind
    if "json" in (ka, kb):
        other = kb if ka == "json" else ka
        if other not in ("number", "duration", "text", "choice"):
            raise mixed("+", a, b, at)
        kind = "text" if other in ("text", "choice") else "number"
        return _plus(infer, infer.as_kind(a, kind), infer.as_kind(b, kind), at)
    if ka in ("text", "choice", "empty") and kb in ("text", "choice", "empty"):
        return call(CONCAT, (infer.as_kind(a, "text"), infer.as_kind(b, "text")), TEXT, at=at)
    if kb in ("date", "datetime") and ka in ("number", "duration", "empty"):
        a, b, ka, kb = b, a, kb, ka
    if ka == "date" and kb in ("number", "empty"):
        return call(adding.ADD_DAYS, (a, infer.as_kind(b, "number")), DATE, at=at)
    if ka == "datetime" and kb in ("number", "duration", "empty"):
        return call(adding.ADD_SECONDS, (a, _seconds(b)), DATETIME, at=at)
    return _numbers(infer, "+", a, b, at)


def _minus(infer: Infer, a: Node, b: Node, at: int) -> Node:
    ka, kb = a.type.kind, b.type.kind
    if ka == kb == "date" or (ka, kb) in (("date", "empty"), ("empty", "date")):
        return call(days.DAYS_BETWEEN, (infer.as_kind(a, "date"), infer.as_kind(b, "date")), NUMBER, at=at)
    if ka == kb == "datetime":
        return call(days.SECONDS_BETWEEN, (a, b), DURATION, at=at)
    if ka == "date" and kb == "number":
        return call(adding.SUBTRACT_DAYS, (a, b), DATE, at=at)
    if ka == "datetime" and kb in ("number", "duration", "empty"):
        return call(adding.SUBTRACT_SECONDS, (a, _seconds(b)), DATETIME, at=at)
    return _numbers(infer, "-", a, b, at)


def _numbers(infer: Infer, sign: str, a: Node, b: Node, at: int) -> Node:
    a, b = _number_sides(infer, sign, a, b, at)
    both = a.type.kind == b.type.kind == "duration"
    return call(arithmetic.SUM_OF, (a, b), DURATION if both else NUMBER, (("+", sign),), at)


def _number_sides(infer: Infer, sign: str, a: Node, b: Node, at: int) -> tuple[Node, Node]:
    a, b = infer.as_kind(a, "number"), infer.as_kind(b, "number")
    if not (fits(a.type, "number") and fits(b.type, "number")):
        raise mixed(sign, a, b, at)
    return a, b


def _product(infer: Infer, s: Syntax) -> Node:
    args = [infer.node(i) for i in s.items]
    left, duration = args[0], False
    for right in args[1:]:
        _number_sides(infer, "*", left, right, s.at)
    duration = sum(a.type.kind == "duration" for a in args) == 1
    numbers = tuple(infer.as_kind(a, "number") for a in args)
    return call(arithmetic.PRODUCT, numbers, DURATION if duration else NUMBER, at=s.at)


def _quotient(infer: Infer, s: Syntax) -> Node:
    a, b = _number_sides(infer, "/", infer.node(s.items[0]), infer.node(s.items[1]), s.at)
    duration = a.type.kind == "duration" and b.type.kind != "duration"
    return call(arithmetic.QUOTIENT, (a, b), DURATION if duration else NUMBER, at=s.at)


def _remainder(infer: Infer, s: Syntax) -> Node:
    a, b = _number_sides(infer, "%", infer.node(s.items[0]), infer.node(s.items[1]), s.at)
    return call(arithmetic.REMAINDER, (a, b), NUMBER, at=s.at)


def _power(infer: Infer, s: Syntax) -> Node:
    a, b = infer.node(s.items[0]), s.items[1]
    exponent = b.value if b.kind == "constant" else None
    if not isinstance(exponent, Decimal) or abs(exponent) > limits.MAX_EXPONENT:
        raise Fault(
            "expr_exponent",
            Phrase("after ** stands a number of at most {most}", most=limits.MAX_EXPONENT),
            b.at,
            "POWER(x, y) takes a field",
        )
    a, right = _number_sides(infer, "**", a, Literal(exponent, NUMBER, b.at), s.at)
    return call(arithmetic.POWER, (a, right), NUMBER, at=s.at)


def _negative(infer: Infer, s: Syntax) -> Node:
    a = infer.as_kind(infer.node(s.items[0]), "number")
    if not fits(a.type, "number"):
        raise Fault(
            "expr_types", Phrase("-x needs a number, but this is {type}", type=say_type(a.type)), s.at
        )
    return call(arithmetic.NEGATIVE, (a,), DURATION if a.type.kind == "duration" else NUMBER, at=s.at)


def _seconds(n: Node) -> Node:
    """What is added to a moment, in seconds: a plain number means days."""
    if n.type.kind == "empty":
        return Literal(None, DURATION, n.at)
    if n.type.kind == "duration":
        return n
    return call(arithmetic.PRODUCT, (n, Literal(Decimal(86_400), NUMBER, n.at)), DURATION, at=n.at)


OPERATORS: Final[dict[str, Callable[[Infer, Syntax], Node]]] = {
    "sum": _sum,
    "product": _product,
    "quotient": _quotient,
    "remainder": _remainder,
    "power": _power,
    "negative": _negative,
}
