"""Typing: syntax -> typed tree. In: a syntax tree and its scope. Out: nodes whose every operation is decided.

All faults are collected, not the first only; what could not be typed counts as empty, which fits anywhere. Calls of
functions are typed in calls.py.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from patron_engine.expr import limits, nodes
from patron_engine.expr.functions.convert import CONVERSIONS
from patron_engine.expr.functions.logic import RANK
from patron_engine.expr.nodes import Call, Literal, Node
from patron_engine.expr.operation import Operation
from patron_engine.expr.paths import resolve
from patron_engine.expr.scope import Scope
from patron_engine.expr.sides import mixed, sealed
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    EMPTY,
    NUMBER,
    TEXT,
    TIME,
    ExprType,
    fits,
    join,
    say_type,
    words,
)  # fmt: skip
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

_ISO: Final = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "time": re.compile(r"\d{2}:\d{2}(:\d{2})?"),
    "datetime": re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})"),
}
_ELEMENTARY: Final[dict[str, ExprType]] = {
    t.kind: t
    for t in (NUMBER, TEXT, BOOLEAN, DATE, DATETIME, TIME, DURATION, ExprType("link"), ExprType("choice"))
}


def call(
    op: Operation, args: tuple[Node, ...], type: ExprType, params: tuple[Any, ...] = (), at: int = 0
) -> Node:
    """A call, or its value where it is known already."""
    if op.context or op.bound or op.sql is None or not all(isinstance(a, Literal) for a in args):
        return Call(op, args, type, params, at)
    values = [a.value for a in args if isinstance(a, Literal)]
    empty = False if type == BOOLEAN else None
    value = empty if op.strict and None in values else op.py(*params, *values)
    return Literal(empty if value is None else value, type, at)


class Infer:
    """One expression being typed. `renamed`, `joins`, `functions` and `faults` are what else was learnt."""

    def __init__(self, scope: Scope) -> None:
        from patron_engine.expr.operators import OPERATORS

        self.operators = OPERATORS
        self.scope = scope
        self.faults: list[Fault] = []
        self.renamed: dict[int, tuple[Any, ...]] = {}
        self.joins: set[str] = set()
        self.functions: set[str] = set()

    def node(self, s: Syntax) -> Node:
        """The typed node; a fault is noted and answered by an empty literal."""
        try:
            operator = self.operators.get(s.kind)
            if operator is not None:
                return operator(self, s)
            made: Node = getattr(self, f"_{s.kind}")(s)
            return made
        except Fault as fault:
            self.faults.append(fault)
            return Literal(None, EMPTY, s.at)

    def truth(self, s: Syntax) -> Node:
        """A node that is a condition."""
        node = self.node(s)
        if not fits(node.type, "boolean"):
            hint = {"number": Phrase("write … != 0"), "text": Phrase("write not ISBLANK(…)")}.get(
                node.type.kind, Phrase("compare it with a value")
            )
            self.fault(
                "expr_types", Phrase("a condition is asked for here, but this is {type}", type=say_type(node.type)), s.at,
                hint,
            )  # fmt: skip
        return self.as_kind(node, "boolean")

    def fault(self, code: str, message: str, at: int, hint: str | None = None) -> None:
        self.faults.append(Fault(code, message, at, hint))

    def as_kind(self, node: Node, kind: str) -> Node:
        """The node where `kind` is asked for: JSON converted, a constant text read as a date, time, moment or id."""
        if node.type.kind == "json" and kind in CONVERSIONS:
            made = {"duration": NUMBER, "choice": TEXT}.get(kind) or _ELEMENTARY[kind]
            return Call(CONVERSIONS[kind], (node,), made, at=node.at)
        if node.type.kind == "empty" and kind != "empty":
            return Literal(None, _ELEMENTARY.get(kind, EMPTY), node.at)  # whatever it is, it is empty
        if (
            isinstance(node, Literal)
            and isinstance(node.value, str)
            and kind in ("date", "time", "datetime", "link")
        ):
            return _read_constant(node, kind) or node
        return node

    # Leaves

    def _constant(self, s: Syntax) -> Node:
        value = s.value
        if value is None or value == "":
            return Literal(None, EMPTY, s.at)
        if isinstance(value, bool):
            return Literal(value, BOOLEAN, s.at)
        return Literal(value, NUMBER if isinstance(value, Decimal) else TEXT, s.at)

    def _path(self, s: Syntax) -> Node:
        found = resolve(self.scope, s.parts, s.at)
        self.renamed[id(s)] = found.parts
        self.joins.update(found.joins)
        if len(self.joins) > limits.MAX_JOINS:
            self.joins = set()
            raise Fault(
                "expr_too_many_joins", Phrase("an expression follows at most {most} links", most=limits.MAX_JOINS), s.at,
            )  # fmt: skip
        return found.node

    def _list(self, s: Syntax) -> Node:
        raise Fault("expr_types", "a list stands only after `in`", s.at, "write field in ('a', 'b')")

    def _call(self, s: Syntax) -> Node:
        from patron_engine.expr.calls import typed_call

        return typed_call(self, s)

    # Conditions

    def _not(self, s: Syntax) -> Node:
        return nodes.Not(self.truth(s.items[0]), BOOLEAN, s.at)

    def _and(self, s: Syntax) -> Node:
        return nodes.Logic("and", tuple(self.truth(i) for i in s.items), BOOLEAN, s.at)

    def _or(self, s: Syntax) -> Node:
        return nodes.Logic("or", tuple(self.truth(i) for i in s.items), BOOLEAN, s.at)

    def _if(self, s: Syntax) -> Node:
        conditions = tuple(self.truth(i) for i in s.items[:-1:2])
        values = [self.node(i) for i in (*s.items[1::2], s.items[-1])]
        return self.choose(conditions, values, s.at)

    def choose(self, conditions: tuple[Node, ...], values: list[Node], at: int) -> Node:
        """IF, IFS and CASE: one type for all values."""
        t = self.common(values, at)
        values = [self.as_kind(v, t.kind) for v in values]
        if any(isinstance(v, nodes.Parts) for v in values):
            raise Fault(
                "expr_types", "a range or location cannot be chosen", at, "choose the condition instead"
            )
        return nodes.Choose(tuple(zip(conditions, values[:-1], strict=True)), values[-1], t, at)

    def common(self, values: list[Node], at: int) -> ExprType:
        """The type all values have in common."""
        t = values[0].type
        for v in values[1:]:
            both = join(t, v.type)
            if both is None and self._readable(values, t, v):
                both = t if isinstance(v, Literal) else v.type
            if both is None:
                raise Fault(
                    "expr_types",
                    Phrase("the values are {t} and {type}: one kind only", t=say_type(t), type=say_type(v.type)), at,
                )  # fmt: skip
            t = both
        return t

    def _readable(self, values: list[Node], t: ExprType, v: Node) -> bool:
        kind = {t.kind, v.type.kind} - {"text"}
        texts = [x for x in values if x.type.kind == "text"]
        return len(kind) == 1 and all(
            isinstance(x, Literal) and _read_constant(x, next(iter(kind))) for x in texts
        )

    def _compare(self, s: Syntax) -> Node:
        if s.name in ("in", "not in"):
            from patron_engine.expr.membership import membership

            inside = membership(self, s.items[0], s.items[1], s.at)
            return nodes.Not(inside, BOOLEAN, s.at) if s.name == "not in" else inside
        return self.compare(s.name, self.node(s.items[0]), self.node(s.items[1]), s.at)

    def compare(self, sign: str, a: Node, b: Node, at: int) -> Node:
        """A comparison of two values whose kinds go together."""
        a, b = self.sides(sign, a, b, at)
        if sign not in ("==", "!=") and "choice" in (a.type.kind, b.type.kind):
            a, b = self._ranks(a, b, at)
        return nodes.Compare(sign, a, b, BOOLEAN, at)  # type: ignore[arg-type]

    def sides(self, sign: str, a: Node, b: Node, at: int) -> tuple[Node, Node]:
        """Both sides in kinds that can be compared."""
        if isinstance(a, nodes.Parts) or isinstance(b, nodes.Parts) or "list" in (a.type.kind, b.type.kind):
            return self._whole(sign, a, b, at)
        if "sealed" in (a.type.kind, b.type.kind):
            return sealed(sign, a, b, at)
        if a.type.kind == "json" and b.type.kind == "json":
            a, b = self.as_kind(a, "text"), self.as_kind(b, "text")
        a, b = self.as_kind(a, b.type.kind), self.as_kind(b, a.type.kind)
        ka, kb = a.type.kind, b.type.kind
        if sign not in ("==", "!=") and {ka, kb} & {"boolean", "link"}:
            raise Fault("expr_types", Phrase("{ka} has no order", ka=words(ka)), at, "use == or !=")
        if "empty" not in (ka, kb) and not fits(a.type, kb):
            hint = mixed(sign, a, b, at).hint
            if "link" in (ka, kb):
                hint = "compare a link with a link, me() or REF('object', 'id'), or compare a field of it"
            elif "date" in (ka, kb) or "datetime" in (ka, kb):
                hint = hint if {ka, kb} == {"date", "datetime"} else "write DATE(2026, 3, 9) or '2026-03-09'"
            raise Fault(
                "expr_types", Phrase("{type} and {type2} cannot be compared", type=say_type(a.type), type2=say_type(b.type)),
                at, hint,
            )  # fmt: skip
        if (
            ka == kb == "link"
            and a.type.objects
            and b.type.objects
            and not set(a.type.objects) & set(b.type.objects)
        ):
            raise Fault(
                "expr_types", Phrase("{type} is never {type2}", type=say_type(a.type), type2=say_type(b.type)), at,
            )  # fmt: skip
        return self._option(a, b.type), self._option(b, a.type)

    def _whole(self, sign: str, a: Node, b: Node, at: int) -> tuple[Node, Node]:
        if sign in ("==", "!=") and "empty" in (a.type.kind, b.type.kind):
            return a, b
        raise Fault(
            "expr_types", "a list, range or location is only compared with none", at, "use `in`, .from or .to"
        )

    def _option(self, node: Node, t: ExprType) -> Node:
        """A constant compared with a choice: one of its options, by today's name."""
        if (
            t.kind != "choice"
            or t.options is None
            or not isinstance(node, Literal)
            or not isinstance(node.value, str)
        ):
            return node
        name = dict(t.was).get(node.value, node.value)
        if name not in t.options:
            hint = nearest(name, t.options) or Phrase(
                "the options are {options}", options=list(t.options[:10])
            )
            self.fault("expr_unknown_option", Phrase("there is no option {name!r}", name=name), node.at, hint)
        return Literal(name, TEXT, node.at)

    def _ranks(self, a: Node, b: Node, at: int) -> tuple[Node, Node]:
        options = next((t.options for t in (a.type, b.type) if t.kind == "choice"), None)
        if options is None or any(n.type.kind == "choice" and n.type.options != options for n in (a, b)):
            raise Fault("expr_types", "only choices with the same options have an order in common", at)
        stored = next((t.stored for t in (a.type, b.type) if t.kind == "choice" and t.stored), options)
        ranked = [
            n if n.type.kind == "empty" else call(RANK, (n,), NUMBER, (options, stored), n.at) for n in (a, b)
        ]
        return ranked[0], ranked[1]


def _read_constant(node: Literal, kind: str) -> Literal | None:
    """A constant text as a date, time, moment or id; None where it is none."""
    text = str(node.value)
    try:
        if kind == "link":
            return Literal(str(UUID(text)), ExprType("link"), node.at) if len(text) == 36 else None
        pattern = _ISO.get(kind)
        if pattern is None or not pattern.fullmatch(text):
            return None
        if kind == "date":
            return Literal(date.fromisoformat(text), DATE, node.at)
        if kind == "time":
            return Literal(time.fromisoformat(text), TIME, node.at)
        return Literal(datetime.fromisoformat(text), DATETIME, node.at)
    except ValueError:
        return None
