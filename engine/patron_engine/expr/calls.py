"""Typing of function calls: by signature, or by a rule of this file where types depend on what stands inside.

In: a call as written. Out: nodes. Functions over sets and reports are in aggregates.py.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from patron_engine.expr import nodes
from patron_engine.expr.aggregates import aggregate, figure, goal, previous, total
from patron_engine.expr.functions import days, matches, people, periods, texts
from patron_engine.expr.functions.table import FUNCTIONS
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.membership import member
from patron_engine.expr.nodes import Call, Literal, Node
from patron_engine.expr.operation import Function, Operation
from patron_engine.expr.signatures import apply, arity
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import BOOLEAN, DATE, DATES, DATETIME, NUMBER, TEXT, ExprType, fits, say_type
from patron_engine.problems import nearest

_UNITS: Final = (*days.UNITS, *(u + "s" for u in days.UNITS))


def typed_call(infer: Infer, s: Syntax) -> Node:
    """The node of a function call."""
    function = FUNCTIONS.get(s.name)
    if function is None:
        raise Fault(
            "expr_unknown_function", f"there is no function {s.name}", s.at, nearest(s.name, FUNCTIONS)
        )
    infer.functions.add(s.name)
    if function.special is None:
        return apply(infer, function, [infer.node(i) for i in s.items], s.at)
    rule = _RULES.get(function.special)
    if rule is not None:
        return rule(infer, function, s)
    return figure(infer, function, s)


# Conditions


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
        raise Fault("expr_types", f"COALESCE takes no {t.kind}", s.at)
    return nodes.Coalesce(tuple(infer.as_kind(v, t.kind) for v in values), t, s.at)


# Texts


def _as_text(infer: Infer, node: Node, at: int) -> Node:
    kinds: dict[str, Operation] = {
        "number": texts.TEXT_NUMBER, "duration": texts.TEXT_NUMBER, "date": texts.TEXT_DATE, "datetime": texts.TEXT_MOMENT,
        "time": texts.TEXT_TIME, "boolean": texts.TEXT_TRUTH, "link": texts.TEXT_SAME,
    }  # fmt: skip
    if node.type.kind in ("text", "choice"):
        return node
    if node.type.kind in ("json", "empty"):
        return infer.as_kind(node, "text")
    op = kinds.get(node.type.kind)
    if op is None:
        raise Fault("expr_types", f"{say_type(node.type)} has no text", at)
    return call(op, (node,), TEXT, at=at)


def _concat(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, None)
    return call(texts.CONCAT, tuple(_as_text(infer, infer.node(i), i.at) for i in s.items), TEXT, at=s.at)


def _text(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 2)
    value = infer.node(s.items[0])
    if len(s.items) == 1:
        return _as_text(infer, value, s.at)
    form = _constant(f, s.items[1], "a format such as '0.00' or 'YYYY-MM-DD'")
    if value.type.kind in ("date", "datetime"):
        parts = texts.date_format(form)
        if parts is None:
            raise Fault(
                "expr_arguments", f"{form!r} is no format of dates", s.items[1].at, "YYYY YY MM DD HH MI SS"
            )
        op = texts.TEXT_FORMAT_DATE if value.type.kind == "date" else texts.TEXT_FORMAT_MOMENT
        return call(op, (value,), TEXT, (parts,), s.at)
    value = infer.as_kind(value, "number")
    if not fits(value.type, "number"):
        raise Fault("expr_types", f"{say_type(value.type)} takes no format", s.at)
    if not texts.NUMBER_FORMAT.fullmatch(form):
        raise Fault(
            "expr_arguments", f"{form!r} is no format of numbers", s.items[1].at, "0, 0.00, #,##0.00, 0%"
        )
    return call(texts.TEXT_FORMAT_NUMBER, (value,), TEXT, (form,), s.at)


def _contains(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    first, second = infer.node(s.items[0]), infer.node(s.items[1])
    if first.type.kind == "list":
        return member(infer, second, first, s.at)
    sides = tuple(infer.as_kind(n, "text") for n in (first, second))
    for n in sides:
        if not fits(n.type, "text"):
            raise Fault(
                "expr_types", f"CONTAINS looks into texts and lists, but this is {say_type(n.type)}", n.at
            )
    return call(texts.CONTAINS, sides, BOOLEAN, at=s.at)


def _matches(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    value = infer.as_kind(infer.node(s.items[0]), "text")
    if not fits(value.type, "text"):
        raise Fault("expr_types", f"MATCHES looks into a text, but this is {say_type(value.type)}", s.at)
    written = _constant(f, s.items[1], "a pattern")
    return call(matches.MATCHES, (value,), BOOLEAN, (matches.checked(written, s.items[1].at),), s.at)


# Dates


def _dateadd(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 3, 3)
    at = infer.as_kind(infer.node(s.items[0]), "date")
    count = infer.as_kind(infer.node(s.items[1]), "number")
    if at.type.kind not in ("date", "datetime", "empty") or not fits(count.type, "number"):
        raise Fault("expr_types", f"DATEADD takes a date and a number, not {say_type(at.type)} and "
                    f"{say_type(count.type)}", s.at)  # fmt: skip
    moment = at.type.kind == "datetime"
    t = DATETIME if moment else DATE
    unit = s.items[2]
    if unit.kind == "constant":
        word = _one_of(f, unit, tuple(days.UNITS), str(unit.value).removesuffix("s"))
        if not moment and word in ("hour", "minute"):
            raise Fault("expr_types", f"a date has no {word}s", unit.at, "add days, or use a moment")
        return call(days.MOMENT_ADD_UNIT if moment else days.DATE_ADD_UNIT, (at, count), t, (word,), s.at)
    node = infer.as_kind(infer.node(unit), "text")
    if not fits(node.type, "text"):
        raise Fault(
            "expr_types", f"the unit is a text or a choice, but this is {say_type(node.type)}", unit.at
        )
    for option in node.type.options or ():
        if option not in _UNITS:
            infer.fault(
                "expr_arguments",
                f"the option {option!r} is no unit",
                unit.at,
                f"units: {', '.join(days.UNITS)}",
            )
    return call(days.MOMENT_ADD if moment else days.DATE_ADD, (at, count, node), t, at=s.at)


def _period_edge(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    at = infer.as_kind(infer.node(s.items[0]), "date")
    moment, end = at.type.kind == "datetime", f.name == "END_OF"
    known = (*periods.PERIODS, "hour") if moment else tuple(periods.PERIODS)
    unit = _one_of(f, s.items[1], known)
    if moment:
        return Call(periods.MOMENT_END if end else periods.MOMENT_START, (at,), DATETIME, (unit,), s.at)
    if at.type.kind not in ("date", "empty"):
        raise Fault("expr_types", f"{f.name} takes a date or a moment, but this is {say_type(at.type)}", s.at)
    return Call(periods.PERIOD_END if end else periods.PERIOD_START, (at,), DATE, (unit, 0), s.at)


def _range(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    unit = _one_of(f, s.items[0], tuple(periods.PERIODS))
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
        raise Fault("expr_arguments", f"{f.name} takes a whole number of days from 1 to 36525", s.at)
    today = Call(days.TODAY, (), DATE, at=s.at)
    by = Literal(count - 1, NUMBER, s.at)
    edge = days.SUBTRACT_DAYS if f.name == "LAST_DAYS" else days.ADD_DAYS
    other = Call(edge, (today, by), DATE, at=s.at)
    return nodes.Parts((other, today) if f.name == "LAST_DAYS" else (today, other), DATES, at=s.at)


# People, links, settings


def _link(infer: Infer, f: Function, s: Syntax, objects: tuple[str, ...] = ()) -> Node:
    node = infer.as_kind(infer.node(s), "link")
    if node.type.kind not in ("link", "empty"):
        raise Fault("expr_types", f"{f.name} takes a link here, but this is {say_type(node.type)}", s.at)
    if objects and node.type.objects and not set(objects) & set(node.type.objects):
        raise Fault(
            "expr_types",
            f"{f.name} takes a link to {' or '.join(objects)}, but this is {say_type(node.type)}",
            s.at,
        )
    return node


def _me(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 0, 0)
    return Call(people.ME, (), ExprType("link", objects=("user",)), at=s.at)


def _reports_to(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    sides = tuple(_link(infer, f, i, ("user",)) for i in s.items)
    return Call(people.REPORTS_TO, sides, BOOLEAN, at=s.at)


def _of_person(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    objects = ("user", "department") if f.name == "IN_DEPARTMENT" else ("user",)
    op = people.IN_DEPARTMENT if f.name == "IN_DEPARTMENT" else people.IN_ROLE
    who, code = _link(infer, f, s.items[0], objects), infer.as_kind(infer.node(s.items[1]), "text")
    if not fits(code.type, "text"):
        raise Fault(
            "expr_types", f"{f.name} takes a code as a text, but this is {say_type(code.type)}", s.items[1].at
        )
    return Call(op, (who, code), BOOLEAN, at=s.at)


def _on_duty(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    return Call(people.ON_DUTY, (_link(infer, f, s.items[0], ("user",)),), BOOLEAN, at=s.at)


def _setting(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    name = _constant(f, s.items[0], "the name of a setting")
    t = infer.scope.catalog.setting(name)
    if t is None:
        raise Fault("expr_unknown_setting", f"there is no setting {name!r}", s.items[0].at)
    return Call(people.SETTING, (), t, (name,), s.at)


def _ref(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    catalog = infer.scope.catalog
    object = catalog.canonical("", _constant(f, s.items[0], "the name of an object"))
    if not catalog.names(object):
        raise Fault("expr_unknown_object", f"there is no object {object!r}", s.items[0].at)
    external = _constant(f, s.items[1], "an external id")
    return Call(people.REF, (), ExprType("link", objects=(object,)), (object, external), s.at)


def _in_segment(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 2)
    name = _constant(f, s.items[0], "the name of a segment")
    object = infer.scope.catalog.segment(name)
    if object is None:
        raise Fault("expr_unknown_segment", f"there is no segment {name!r}", s.items[0].at)
    if len(s.items) == 2:
        record = _link(infer, f, s.items[1], (object,))
    elif infer.scope.object == object:
        record = nodes.Path("id", ExprType("link", objects=(object,)), s.at)
    else:
        raise Fault(
            "expr_types", f"the segment {name!r} is one of {object}", s.at, f"name a link to {object}"
        )
    return Call(people.IN_SEGMENT, (record,), BOOLEAN, (name,), s.at)


def _under(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    a, b = infer.sides("==", infer.node(s.items[0]), infer.node(s.items[1]), s.at)
    if a.type.kind == "link":
        object = a.type.objects[0] if len(a.type.objects) == 1 else ""
        return Call(people.UNDER, (a, b), BOOLEAN, (object,), s.at)
    if not (fits(a.type, "text") and fits(b.type, "text")):
        raise Fault("expr_types", f"UNDER takes links or paths, but this is {say_type(a.type)}", s.at)
    return call(people.UNDER_PATH, (a, b), BOOLEAN, at=s.at)


def _label(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    choice = infer.node(s.items[0])
    if choice.type.kind not in ("choice", "empty") or not isinstance(choice, nodes.Path):
        raise Fault(
            "expr_types", f"LABEL takes a field with options, but this is {say_type(choice.type)}", s.at
        )
    return Call(people.LABEL, (choice,), TEXT, (choice.path,), s.at)


def _distance(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    sides = tuple(infer.node(i) for i in s.items)
    for n in sides:
        if not isinstance(n, nodes.Parts) or n.type.kind != "location":
            raise Fault("expr_types", f"DISTANCE takes two locations, but this is {say_type(n.type)}", n.at)
    return Call(people.DISTANCE, sides, NUMBER, at=s.at)


# Constants


def _constant(f: Function, s: Syntax, what: str) -> str:
    if s.kind != "constant" or not isinstance(s.value, str) or not s.value:
        raise Fault("expr_arguments", f"{f.name} takes {what} in quotes here: {f.form}", s.at)
    return s.value


def _one_of(f: Function, s: Syntax, known: tuple[str, ...], value: str | None = None) -> str:
    word = _constant(f, s, "a unit") if value is None else value
    if word not in known:
        hint = nearest(word, known) or f"units: {', '.join(known)}"
        raise Fault("expr_arguments", f"{f.name} knows no unit {word!r}", s.at, hint)
    return word


_RULES: Final[dict[str, Callable[[Infer, Function, Syntax], Node]]] = {
    "if": _if, "ifs": _ifs, "case": _case, "and": _and, "or": _and, "not": _not, "isblank": _isblank,
    "coalesce": _coalesce, "concat": _concat, "text": _text, "contains": _contains, "matches": _matches,
    "dateadd": _dateadd, "start_of": _period_edge, "end_of": _period_edge, "this": _range, "last": _range, "next": _range,
    "last_days": _days_range, "next_days": _days_range, "me": _me, "reports_to": _reports_to, "in_department": _of_person,
    "in_role": _of_person, "on_duty": _on_duty, "setting": _setting, "ref": _ref, "in_segment": _in_segment,
    "under": _under, "label": _label, "distance": _distance, "goal": goal, "total": total, "previous": previous,
    "sum": aggregate, "average": aggregate, "min": aggregate, "max": aggregate, "count": aggregate,
}  # fmt: skip
