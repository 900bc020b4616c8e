"""Typing of SUM, AVERAGE, MIN, MAX, COUNT: over values that stand in brackets, over a set, over a report's rows.

Over a set they become an AggregateNode with expressions of its own; whoever has the records computes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from patron_engine.expr.functions import logic
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.nodes import AggregateNode, Expression, Literal, Node, Path
from patron_engine.expr.normal import normal
from patron_engine.expr.operation import Function
from patron_engine.expr.paths import FoundSet, resolve_set
from patron_engine.expr.scope import Scope
from patron_engine.expr.signatures import arity
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import NUMBER, ExprType, fits, say_type
from patron_engine.phrases import Phrase

_ORDERED: Final = ("number", "duration", "date", "datetime", "time", "text")
FIVE: Final = frozenset({"COUNT", "SUM", "AVERAGE", "MIN", "MAX"})
_UNITS: Final = ("month", "quarter", "year")


def aggregate(infer: Infer, f: Function, s: Syntax) -> Node:
    """One of the five, over whatever its first argument is."""
    found = resolve_set(infer.scope, s.items[0].parts) if s.items and s.items[0].kind == "path" else None
    if found is not None:
        return _over_set(infer, f, s, found)
    if infer.scope.measures and not _names_measures(infer.scope, s):
        return _over(infer, f, s, s.items, replace(infer.scope, measures=False, names={}, rows=True), "", ())
    return figure(infer, f, s)


def _names_measures(scope: Scope, s: Syntax) -> bool:
    """Names in an aggregate over a set are of the set's records, whatever the measures are called."""
    if s.kind == "path":
        return s.parts[0] in scope.names
    first = s.items[0] if s.kind == "call" and s.name in FIVE and s.items else None
    if first is not None and first.kind == "path" and resolve_set(scope, first.parts) is not None:
        return False
    return any(_names_measures(scope, i) for i in s.items)


def _over_set(infer: Infer, f: Function, s: Syntax, found: FoundSet) -> Node:
    scope = infer.scope
    if not scope.aggregates:
        name = ".".join(found.sets)
        raise Fault(
            "expr_set",
            Phrase("{name!r} is a set: it is used in conditions only", name=name),
            s.items[0].at,
            "a value to be shown is a roll-up",
        )
    if scope.measures:  # of each record a figure: what becomes of them is not said yet
        name = ".".join(found.sets)
        raise Fault(
            "expr_set",
            Phrase("{name!r} is a set: each record of the report has a figure of its own", name=name),
            s.items[0].at,
            Phrase("add them up: SUM({f}({name}, …))", f=f.name, name=name),
        )
    infer.renamed[id(s.items[0])] = found.parts
    roots = dict(scope.roots)
    if scope.object is not None:
        roots.setdefault("this", scope.object)
    inner = replace(scope, object=found.object, roots=roots, names={}, measures=False, rows=True)
    return _over(infer, f, s, s.items[1:], inner, found.base, found.sets)


def _over(
    infer: Infer,
    f: Function,
    s: Syntax,
    rest: tuple[Syntax, ...],
    scope: Scope,
    base: str,
    sets: tuple[str, ...],
) -> Node:
    from patron_engine.expr.compile import typed

    counts = f.name == "COUNT"
    most = 1 if counts else 2
    if len(rest) > most or (not rest and not counts):
        form = f"{f.name}({'.'.join(sets) or '…'}{'' if counts else ', value'}, condition)"
        raise Fault("expr_arguments", Phrase("{f} over records is {form}", f=f.name, form=form), s.at)
    value: Expression | None = None
    condition: Expression | None = None
    scope = replace(scope, expects=())
    if not counts:
        value = typed(infer, rest[0], scope)
        wanted = ("number",) if f.name in ("SUM", "AVERAGE") else _ORDERED
        if not any(fits(value.type, k) for k in wanted):
            raise Fault(
                "expr_types",
                Phrase("{f} has no meaning for {type}", f=f.name, type=say_type(value.type)),
                rest[0].at,
            )
    if len(rest) == most:
        condition = typed(infer, rest[-1], scope)
        if not fits(condition.type, "boolean"):
            raise Fault(
                "expr_types",
                Phrase("a condition is asked for here, but this is {type}", type=say_type(condition.type)),
                rest[-1].at,
            )
    kind = value.type if value is not None and f.name != "AVERAGE" else NUMBER
    return AggregateNode(
        key=normal(s, infer.renamed),
        function=f.name.lower(),  # type: ignore[arg-type]
        base=base,
        sets=sets,
        object=scope.object or "",
        value=value,
        condition=condition,
        type=NUMBER if kind.kind in ("json", "empty") else kind,
        at=s.at,
    )


def figure(infer: Infer, f: Function, s: Syntax) -> Node:
    """One of the five over the values in its brackets."""
    arity(f, s, 1, None)
    args = [infer.node(i) for i in s.items]
    if f.name == "COUNT":
        if len(args) == 1 and args[0].type.kind == "list":
            return call(logic.COUNT_LIST, (args[0],), NUMBER, at=s.at)
        for a in args:
            if a.type.kind in ("list", "range", "location"):
                raise Fault(
                    "expr_types",
                    Phrase("COUNT counts values, but this is {type}", type=say_type(a.type)),
                    a.at,
                )
        return call(logic.COUNT_VALUES, tuple(args), NUMBER, at=s.at)
    if f.name in logic.VALUES_OPERATIONS:
        args = [infer.as_kind(a, "number") for a in args]
        for a in args:
            if not fits(a.type, "number"):
                raise Fault(
                    "expr_types",
                    Phrase("{f} takes numbers, but this is {type}", f=f.name, type=say_type(a.type)),
                    a.at or s.at,
                )
        return call(logic.VALUES_OPERATIONS[f.name], tuple(args), _durations(args), at=s.at)
    t = infer.common(args, s.at)
    t = ExprType("text") if t.kind == "choice" else t
    args = [infer.as_kind(a, t.kind) for a in args]
    if t.kind not in (*_ORDERED, "empty"):
        raise Fault("expr_types", Phrase("{f} has no meaning for {t}", f=f.name, t=say_type(t)), s.at)
    return call(logic.MIN_VALUES if f.name == "MIN" else logic.MAX_VALUES, tuple(args), t, at=s.at)


def _durations(args: list[Node]) -> ExprType:
    return args[0].type if all(a.type.kind == "duration" for a in args) else NUMBER


# Reports: their values are computed with the report and given under their text.


def _given(infer: Infer, s: Syntax, t: ExprType) -> Node:
    return Path(normal(s, infer.renamed), t, s.at)


def _in_report(infer: Infer, f: Function, s: Syntax) -> None:
    if not infer.scope.measures:
        raise Fault("expr_unknown_function", Phrase("{f} stands in measures of reports only", f=f.name), s.at)


def goal(infer: Infer, f: Function, s: Syntax) -> Node:
    _in_report(infer, f, s)
    arity(f, s, 1, 1)
    if s.items[0].kind != "constant" or not isinstance(s.items[0].value, str):
        raise Fault(
            "expr_arguments",
            "GOAL takes the name of a goal in quotes",
            s.at,
            Phrase("it is {form}", form=f.form),
        )
    return _given(infer, s, NUMBER)


def total(infer: Infer, f: Function, s: Syntax) -> Node:
    _in_report(infer, f, s)
    arity(f, s, 1, 1)
    return _given(infer, s, _measure(infer, f, s.items[0]))


def previous(infer: Infer, f: Function, s: Syntax) -> Node:
    _in_report(infer, f, s)
    arity(f, s, 2, 2)
    unit = s.items[1]
    if unit.kind != "constant" or unit.value not in _UNITS:
        raise Fault(
            "expr_arguments",
            "PREVIOUS takes a unit in quotes",
            unit.at,
            Phrase("units: {units}", units=list(_UNITS)),
        )
    return _given(infer, s, _measure(infer, f, s.items[0]))


def _measure(infer: Infer, f: Function, s: Syntax) -> ExprType:
    if s.kind != "path" or len(s.parts) != 1 or s.parts[0] not in infer.scope.names:
        raise Fault(
            "expr_arguments",
            Phrase("{f} takes the name of a measure", f=f.name),
            s.at,
            Phrase("it is {form}", form=f.form),
        )
    node = infer.node(s)
    if isinstance(node, Literal):
        raise Fault(
            "expr_arguments",
            Phrase("{f} takes the name of a measure", f=f.name),
            s.at,
            Phrase("it is {form}", form=f.form),
        )
    return node.type
