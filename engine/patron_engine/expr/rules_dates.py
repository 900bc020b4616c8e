"""Typing of functions of dates that take a unit, and of the ranges for filters."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from patron_engine.expr import nodes
from patron_engine.expr.functions import adding, days, periods
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.nodes import Call, Literal, Node
from patron_engine.expr.operation import Function
from patron_engine.expr.signatures import arity, one_of
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import DATE, DATES, DATETIME, NUMBER, fits, say_type
from patron_engine.phrases import Phrase

_UNITS: Final = (*adding.UNITS, *(u + "s" for u in adding.UNITS))


def _dateadd(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 3, 3)
    at = infer.as_kind(infer.node(s.items[0]), "date")
    count = infer.as_kind(infer.node(s.items[1]), "number")
    if at.type.kind not in ("date", "datetime", "empty") or not fits(count.type, "number"):
        raise Fault("expr_types", Phrase("DATEADD takes a date and a number, not {type} and {type2}", type=say_type(at.type), type2=say_type(count.type)), s.at)  # fmt: skip
    moment = at.type.kind == "datetime"
    t = DATETIME if moment else DATE
    unit = s.items[2]
    if unit.kind == "constant":
        word = one_of(f, unit, tuple(adding.UNITS), str(unit.value).removesuffix("s"))
        if not moment and word in ("hour", "minute"):
            raise Fault(
                "expr_types", Phrase("a date has no {word}s", word=word), unit.at, "add days, or use a moment"
            )
        return call(adding.MOMENT_ADD_UNIT if moment else adding.DATE_ADD_UNIT, (at, count), t, (word,), s.at)
    node = infer.as_kind(infer.node(unit), "text")
    if not fits(node.type, "text"):
        raise Fault(
            "expr_types",
            Phrase("the unit is a text or a choice, but this is {type}", type=say_type(node.type)),
            unit.at,
        )
    for option in node.type.options or ():
        if option not in _UNITS:
            infer.fault(
                "expr_arguments",
                Phrase("the option {option!r} is no unit", option=option),
                unit.at,
                Phrase("units: {units}", units=list(adding.UNITS)),
            )
    return call(adding.MOMENT_ADD if moment else adding.DATE_ADD, (at, count, node), t, at=s.at)


def _period_edge(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    at = infer.as_kind(infer.node(s.items[0]), "date")
    moment, end = at.type.kind == "datetime", f.name == "END_OF"
    known = (*periods.PERIODS, "hour") if moment else tuple(periods.PERIODS)
    unit = one_of(f, s.items[1], known)
    if moment:
        return Call(periods.MOMENT_END if end else periods.MOMENT_START, (at,), DATETIME, (unit,), s.at)
    if at.type.kind not in ("date", "empty"):
        raise Fault(
            "expr_types",
            Phrase("{f} takes a date or a moment, but this is {type}", f=f.name, type=say_type(at.type)),
            s.at,
        )
    return Call(periods.PERIOD_END if end else periods.PERIOD_START, (at,), DATE, (unit, 0), s.at)


def _range(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    unit = one_of(f, s.items[0], tuple(periods.PERIODS))
    shift = {"THIS": 0, "LAST": -1, "NEXT": 1}[f.name]
    today = Call(days.TODAY, (), DATE, at=s.at)
    return nodes.Parts(
        (
            Call(periods.PERIOD_START, (today,), DATE, (unit, shift), s.at),
            Call(periods.PERIOD_END, (today,), DATE, (unit, shift), s.at),
        ),
        DATES,
        at=s.at,
    )


def _days_range(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    count = s.items[0].value if s.items[0].kind == "constant" else None
    if not isinstance(count, Decimal) or not 0 < count <= 36_525 or count % 1:
        raise Fault(
            "expr_arguments", Phrase("{f} takes a whole number of days from 1 to 36525", f=f.name), s.at
        )
    today = Call(days.TODAY, (), DATE, at=s.at)
    by = Literal(count - 1, NUMBER, s.at)
    edge = adding.SUBTRACT_DAYS if f.name == "LAST_DAYS" else adding.ADD_DAYS
    other = Call(edge, (today, by), DATE, at=s.at)
    return nodes.Parts((other, today) if f.name == "LAST_DAYS" else (today, other), DATES, at=s.at)


RULES: Final[dict[str, Callable[[Infer, Function, Syntax], Node]]] = {
    "dateadd": _dateadd,
    "start_of": _period_edge,
    "end_of": _period_edge,
    "this": _range,
    "last": _range,
    "next": _range,
    "last_days": _days_range,
    "next_days": _days_range,
}
