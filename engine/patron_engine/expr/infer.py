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
from patron_engine.expr.functions import arithmetic, days
from patron_engine.expr.functions.convert import CONVERSIONS
from patron_engine.expr.functions.logic import RANK
from patron_engine.expr.functions.texts import CONCAT
from patron_engine.expr.nodes import Call, Literal, Node
from patron_engine.expr.operation import Operation
from patron_engine.expr.paths import resolve
from patron_engine.expr.scope import Scope
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
        self.scope = scope
        self.faults: list[Fault] = []
        self.renamed: dict[int, tuple[Any, ...]] = {}
        self.joins: set[str] = set()
        self.functions: set[str] = set()

    def node(self, s: Syntax) -> Node:
        """The typed node; a fault is noted and answered by an empty literal."""
        try:
            made: Node = getattr(self, f"_{s.kind}")(s)
            return made
        except Fault as fault:
            self.faults.append(fault)
            return Literal(None, EMPTY, s.at)

    def truth(self, s: Syntax) -> Node:
        """A node that is a condition."""
        node = self.node(s)
        if not fits(node.type, "boolean"):
            hint = {"number": "write … != 0", "text": "write not ISBLANK(…)"}.get(
                node.type.kind, "compare it with a value"
            )
            self.fault(
                "expr_types", f"a condition is asked for here, but this is {say_type(node.type)}", s.at, hint
            )
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
                "expr_too_many_joins", f"an expression follows at most {limits.MAX_JOINS} links", s.at
            )
        return found.node

    def _list(self, s: Syntax) -> Node:
        raise Fault("expr_types", "a list stands only after `in`", s.at, "write field in ('a', 'b')")

    def _call(self, s: Syntax) -> Node:
        from patron_engine.expr.calls import typed_call

        return typed_call(self, s)

    # Arithmetic

    def _sum(self, s: Syntax) -> Node:
        args = [self.node(i) for i in s.items]
        kinds = {a.type.kind for a in args} - {"empty"}
        if kinds <= {"text", "choice"} and kinds and set(s.parts) == {"+"}:
            return call(CONCAT, tuple(self.as_kind(a, "text") for a in args), TEXT, at=s.at)
        if kinds <= {"number"}:
            numbers = tuple(self.as_kind(a, "number") for a in args)
            return call(arithmetic.SUM_OF, numbers, NUMBER, (s.parts,), s.at)
        left = args[0]
        for sign, right in zip(s.parts[1:], args[1:], strict=True):
            left = self._plus(left, right, s.at) if sign == "+" else self._minus(left, right, s.at)
        return left

    def _plus(self, a: Node, b: Node, at: int) -> Node:
        ka, kb = a.type.kind, b.type.kind
        if "json" in (ka, kb):
            other = kb if ka == "json" else ka
            if other not in ("number", "duration", "text", "choice"):
                raise self._mixed("+", a, b, at)
            kind = "text" if other in ("text", "choice") else "number"
            return self._plus(self.as_kind(a, kind), self.as_kind(b, kind), at)
        if ka in ("text", "choice", "empty") and kb in ("text", "choice", "empty"):
            return call(CONCAT, (self.as_kind(a, "text"), self.as_kind(b, "text")), TEXT, at=at)
        if kb in ("date", "datetime") and ka in ("number", "duration", "empty"):
            a, b, ka, kb = b, a, kb, ka
        if ka == "date" and kb in ("number", "empty"):
            return call(days.ADD_DAYS, (a, self.as_kind(b, "number")), DATE, at=at)
        if ka == "datetime" and kb in ("number", "duration", "empty"):
            return call(days.ADD_SECONDS, (a, _seconds(b)), DATETIME, at=at)
        return self._numbers("+", a, b, at)

    def _minus(self, a: Node, b: Node, at: int) -> Node:
        ka, kb = a.type.kind, b.type.kind
        if ka == kb == "date" or (ka, kb) in (("date", "empty"), ("empty", "date")):
            return call(days.DAYS_BETWEEN, (self.as_kind(a, "date"), self.as_kind(b, "date")), NUMBER, at=at)
        if ka == kb == "datetime":
            return call(days.SECONDS_BETWEEN, (a, b), DURATION, at=at)
        if ka == "date" and kb == "number":
            return call(days.SUBTRACT_DAYS, (a, b), DATE, at=at)
        if ka == "datetime" and kb in ("number", "duration", "empty"):
            return call(days.SUBTRACT_SECONDS, (a, _seconds(b)), DATETIME, at=at)
        return self._numbers("-", a, b, at)

    def _numbers(self, sign: str, a: Node, b: Node, at: int) -> Node:
        a, b = self._number_sides(sign, a, b, at)
        both = a.type.kind == b.type.kind == "duration"
        return call(arithmetic.SUM_OF, (a, b), DURATION if both else NUMBER, (("+", sign),), at)

    def _number_sides(self, sign: str, a: Node, b: Node, at: int) -> tuple[Node, Node]:
        a, b = self.as_kind(a, "number"), self.as_kind(b, "number")
        if not (fits(a.type, "number") and fits(b.type, "number")):
            raise self._mixed(sign, a, b, at)
        return a, b

    def _mixed(self, sign: str, a: Node, b: Node, at: int) -> Fault:
        kinds = {a.type.kind, b.type.kind}
        hint = None
        if kinds & {"text", "choice"} and kinds & {"number", "date", "datetime", "duration"}:
            hint = "write TEXT(…) or VALUE(…), or join with CONCAT(a, b)"
        elif kinds == {"date", "datetime"}:
            hint = "write DAY_OF(…) for the date of a moment"
        elif kinds == {"date", "duration"}:
            hint = "to a date, days are added: a plain number"
        return Fault("expr_types", f"{say_type(a.type)} {sign} {say_type(b.type)} has no meaning", at, hint)

    def _product(self, s: Syntax) -> Node:
        args = [self.node(i) for i in s.items]
        left, duration = args[0], False
        for right in args[1:]:
            self._number_sides("*", left, right, s.at)
        duration = sum(a.type.kind == "duration" for a in args) == 1
        numbers = tuple(self.as_kind(a, "number") for a in args)
        return call(arithmetic.PRODUCT, numbers, DURATION if duration else NUMBER, at=s.at)

    def _quotient(self, s: Syntax) -> Node:
        a, b = self._number_sides("/", self.node(s.items[0]), self.node(s.items[1]), s.at)
        duration = a.type.kind == "duration" and b.type.kind != "duration"
        return call(arithmetic.QUOTIENT, (a, b), DURATION if duration else NUMBER, at=s.at)

    def _remainder(self, s: Syntax) -> Node:
        a, b = self._number_sides("%", self.node(s.items[0]), self.node(s.items[1]), s.at)
        return call(arithmetic.REMAINDER, (a, b), NUMBER, at=s.at)

    def _power(self, s: Syntax) -> Node:
        a, b = self.node(s.items[0]), s.items[1]
        exponent = b.value if b.kind == "constant" else None
        if not isinstance(exponent, Decimal) or abs(exponent) > limits.MAX_EXPONENT:
            raise Fault(
                "expr_exponent",
                f"after ** stands a number of at most {limits.MAX_EXPONENT}",
                b.at,
                "POWER(x, y) takes a field",
            )
        a, right = self._number_sides("**", a, Literal(exponent, NUMBER, b.at), s.at)
        return call(arithmetic.POWER, (a, right), NUMBER, at=s.at)

    def _negative(self, s: Syntax) -> Node:
        a = self.as_kind(self.node(s.items[0]), "number")
        if not fits(a.type, "number"):
            raise Fault("expr_types", f"-x needs a number, but this is {say_type(a.type)}", s.at)
        return call(arithmetic.NEGATIVE, (a,), DURATION if a.type.kind == "duration" else NUMBER, at=s.at)

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
                    "expr_types", f"the values are {say_type(t)} and {say_type(v.type)}: one kind only", at
                )
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
        if a.type.kind == "json" and b.type.kind == "json":
            a, b = self.as_kind(a, "text"), self.as_kind(b, "text")
        a, b = self.as_kind(a, b.type.kind), self.as_kind(b, a.type.kind)
        ka, kb = a.type.kind, b.type.kind
        if sign not in ("==", "!=") and {ka, kb} & {"boolean", "link"}:
            raise Fault("expr_types", f"{words(ka)} has no order", at, "use == or !=")
        if "empty" not in (ka, kb) and not fits(a.type, kb):
            hint = self._mixed(sign, a, b, at).hint
            if "link" in (ka, kb):
                hint = "compare a link with a link, me() or REF('object', 'id'), or compare a field of it"
            elif "date" in (ka, kb) or "datetime" in (ka, kb):
                hint = hint if {ka, kb} == {"date", "datetime"} else "write DATE(2026, 3, 9) or '2026-03-09'"
            raise Fault(
                "expr_types", f"{say_type(a.type)} and {say_type(b.type)} cannot be compared", at, hint
            )
        if (
            ka == kb == "link"
            and a.type.objects
            and b.type.objects
            and not set(a.type.objects) & set(b.type.objects)
        ):
            raise Fault("expr_types", f"{say_type(a.type)} is never {say_type(b.type)}", at)
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
            hint = nearest(name, t.options) or f"the options are {', '.join(t.options[:10])}"
            self.fault("expr_unknown_option", f"there is no option {name!r}", node.at, hint)
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


def _seconds(n: Node) -> Node:
    """What is added to a moment, in seconds: a plain number means days."""
    if n.type.kind == "empty":
        return Literal(None, DURATION, n.at)
    if n.type.kind == "duration":
        return n
    return call(arithmetic.PRODUCT, (n, Literal(Decimal(86_400), NUMBER, n.at)), DURATION, at=n.at)


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
