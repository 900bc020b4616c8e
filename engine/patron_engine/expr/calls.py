"""Typing of function calls: by signature, or by a rule of this file where types depend on what stands inside.

In: a call as written. Out: nodes. Functions over sets and reports are in aggregates.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from patron_engine.expr import nodes, rules_dates, rules_links, rules_texts
from patron_engine.expr.aggregates import aggregate, figure, goal, previous, total
from patron_engine.expr.functions.table import FUNCTIONS
from patron_engine.expr.infer import Infer
from patron_engine.expr.nodes import Literal, Node
from patron_engine.expr.operation import Function
from patron_engine.expr.signatures import apply, arity
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import BOOLEAN, ExprType
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest


def typed_call(infer: Infer, s: Syntax) -> Node:
    """The node of a function call."""
    function = FUNCTIONS.get(s.name)
    if function is None:
        raise Fault(
            "expr_unknown_function",
            Phrase("there is no function {s}", s=s.name),
            s.at,
            nearest(s.name, FUNCTIONS),
        )
    infer.functions.add(s.name)
    if function.special is None:
        return apply(infer, function, [infer.node(i) for i in s.items], s.at)
    rule = _RULES.get(function.special)
    if rule is not None:
        return rule(infer, function, s)
    return figure(infer, function, s)


def _if(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 3)
    values = [infer.node(i) for i in s.items[1:]]
    if len(values) == 1:
        values.append(Literal(None, ExprType("empty"), s.at))
    return infer.choose((infer.truth(s.items[0]),), values, s.at)


def _ifs(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, None)
    if len(s.items) % 2:
        raise Fault(
            "expr_arguments", "IFS takes pairs: a condition and its value", s.at, "end with true, otherwise"
        )
    conditions = tuple(infer.truth(i) for i in s.items[::2])
    values = [*(infer.node(i) for i in s.items[1::2]), Literal(None, ExprType("empty"), s.at)]
    return infer.choose(conditions, values, s.at)


def _case(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 3, None)
    rest = s.items[1:]
    otherwise = infer.node(rest[-1]) if len(rest) % 2 else Literal(None, ExprType("empty"), s.at)
    x = infer.node(s.items[0])
    pairs = list(zip(rest[0::2], rest[1::2], strict=False))
    conditions = tuple(infer.compare("==", x, infer.node(match), match.at) for match, _ in pairs)
    return infer.choose(conditions, [*(infer.node(v) for _, v in pairs), otherwise], s.at)


def _and(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, None)
    args = tuple(infer.truth(i) for i in s.items)
    return nodes.Logic("and" if f.name == "AND" else "or", args, BOOLEAN, s.at)


def _not(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    return nodes.Not(infer.truth(s.items[0]), BOOLEAN, s.at)


def _isblank(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    return infer.compare("==", infer.node(s.items[0]), Literal(None, ExprType("empty"), s.at), s.at)


def _coalesce(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, None)
    values = [infer.node(i) for i in s.items]
    t = infer.common(values, s.at)
    if t.kind in ("range", "location"):
        raise Fault("expr_types", Phrase("COALESCE takes no {kind}", kind=t.kind), s.at)
    return nodes.Coalesce(tuple(infer.as_kind(v, t.kind) for v in values), t, s.at)


_RULES: Final[dict[str, Callable[[Infer, Function, Syntax], Node]]] = {
    **rules_texts.RULES,
    **rules_dates.RULES,
    **rules_links.RULES,
    "if": _if,
    "ifs": _ifs,
    "case": _case,
    "and": _and,
    "or": _and,
    "not": _not,
    "isblank": _isblank,
    "coalesce": _coalesce,
    "goal": goal,
    "total": total,
    "previous": previous,
    "sum": aggregate,
    "average": aggregate,
    "min": aggregate,
    "max": aggregate,
    "count": aggregate,
}
