"""Typing of functions of texts, where kinds of any sort may stand in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from patron_engine.expr.functions import formats, matches, texts
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.membership import member
from patron_engine.expr.nodes import Node
from patron_engine.expr.operation import Function, Operation
from patron_engine.expr.signatures import arity, constant_text
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import BOOLEAN, TEXT, fits, say_type
from patron_engine.phrases import Phrase


def _as_text(infer: Infer, node: Node, at: int) -> Node:
    kinds: dict[str, Operation] = {
        "number": formats.TEXT_NUMBER, "duration": formats.TEXT_NUMBER, "date": formats.TEXT_DATE, "datetime": formats.TEXT_MOMENT,
        "time": formats.TEXT_TIME, "boolean": formats.TEXT_TRUTH, "link": formats.TEXT_SAME,
    }  # fmt: skip
    if node.type.kind in ("text", "choice"):
        return node
    if node.type.kind in ("json", "empty"):
        return infer.as_kind(node, "text")
    op = kinds.get(node.type.kind)
    if op is None:
        raise Fault("expr_types", Phrase("{type} has no text", type=say_type(node.type)), at)
    return call(op, (node,), TEXT, at=at)


def _concat(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, None)
    return call(texts.CONCAT, tuple(_as_text(infer, infer.node(i), i.at) for i in s.items), TEXT, at=s.at)


def _text(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 2)
    value = infer.node(s.items[0])
    if len(s.items) == 1:
        return _as_text(infer, value, s.at)
    form = constant_text(f, s.items[1], Phrase("a format such as '0.00' or 'YYYY-MM-DD'"))
    if value.type.kind in ("date", "datetime"):
        parts = formats.date_format(form)
        if parts is None:
            raise Fault(
                "expr_arguments",
                Phrase("{form!r} is no format of dates", form=form),
                s.items[1].at,
                "YYYY YY MM DD HH MI SS",
            )
        op = formats.TEXT_FORMAT_DATE if value.type.kind == "date" else formats.TEXT_FORMAT_MOMENT
        return call(op, (value,), TEXT, (parts,), s.at)
    value = infer.as_kind(value, "number")
    if not fits(value.type, "number"):
        raise Fault("expr_types", Phrase("{type} takes no format", type=say_type(value.type)), s.at)
    if not formats.NUMBER_FORMAT.fullmatch(form):
        raise Fault(
            "expr_arguments",
            Phrase("{form!r} is no format of numbers", form=form),
            s.items[1].at,
            "0, 0.00, #,##0.00, 0%",
        )
    return call(formats.TEXT_FORMAT_NUMBER, (value,), TEXT, (form,), s.at)


def _contains(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    first, second = infer.node(s.items[0]), infer.node(s.items[1])
    if first.type.kind == "list":
        return member(infer, second, first, s.at)
    sides = tuple(infer.as_kind(n, "text") for n in (first, second))
    for n in sides:
        if not fits(n.type, "text"):
            raise Fault(
                "expr_types",
                Phrase("CONTAINS looks into texts and lists, but this is {type}", type=say_type(n.type)),
                n.at,
            )
    return call(texts.CONTAINS, sides, BOOLEAN, at=s.at)


def _matches(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    value = infer.as_kind(infer.node(s.items[0]), "text")
    if not fits(value.type, "text"):
        raise Fault(
            "expr_types",
            Phrase("MATCHES looks into a text, but this is {type}", type=say_type(value.type)),
            s.at,
        )
    written = constant_text(f, s.items[1], "a pattern")
    return call(matches.MATCHES, (value,), BOOLEAN, (matches.checked(written, s.items[1].at),), s.at)


RULES: Final[dict[str, Callable[[Infer, Function, Syntax], Node]]] = {
    "concat": _concat,
    "text": _text,
    "contains": _contains,
    "matches": _matches,
}
