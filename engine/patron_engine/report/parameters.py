"""Parameters: what a reader chose, read as the types the report names, and put into its conditions as constants.

In: the definition's `parameters`, values in JSON form. Out: values in Python form, and texts of the expression language in which
each parameter stands as its constant: such a text is a question's condition like any other, so what a report counts and what
its drilled list shows are asked in the same words. What has no meaning is a problem with its place; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from patron_engine.expr.compile import Expression, compile_expression
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import evaluate
from patron_engine.expr.functions.adding import add_months
from patron_engine.expr.normal import normal
from patron_engine.expr.scope import Scope
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.expr.types import ExprType
from patron_engine.fields.base import Around, ValueFault
from patron_engine.fields.field import Field, LinkSpec
from patron_engine.fields.options import read_options
from patron_engine.fields.registry import TYPES, type_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog

LINKED: Final[Mapping[str, str]] = {"user": "user", "department": "department"}
IsMoment = Callable[[Syntax], bool]


def context_of(call: Call, zone: Any = None) -> Context:
    """What formulas of a report may know besides figures."""
    workspace, settings = call.model.workspace, call.model.settings

    def setting(name: str) -> Any:
        value = settings[name].default if name in settings else None
        return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return Context(
        now=call.now,
        zone=zone or workspace.zone,
        me=call.actor.user,
        week_from=workspace.week_from,
        fiscal_year_from=workspace.fiscal_year_from,
        settings=setting,
    )


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values of one request, in Python form, by name; those that have none are None."""

    values: Mapping[str, Any]
    wire: Mapping[str, Any]  # the same in JSON form

    def moved(self, months: int) -> Parameters:
        """The same with every day and moment some months later."""
        return replace(self, values={name: _moved(value, months) for name, value in self.values.items()})

    @property
    def dated(self) -> bool:
        """Whether any of them is a day, a moment or a range of days."""
        return self.moved(1).values != self.values


def read_parameters(
    call: Call, body: Mapping[str, Any], asked: Mapping[str, Any], problems: Problems
) -> Parameters:
    """What was asked, with defaults for what was not said. Faults go to `problems`, under `parameters.NAME`."""
    defined = {p["name"]: p for p in body.get("parameters") or ()}
    for name in asked:
        if name not in defined:
            problems.add(
                "unknown_parameter",
                Phrase("the report has no parameter {name!r}", name=str(name)[:60]),
                path="parameters",
                hint=nearest(str(name)[:60], defined),
            )
    values, wire = {}, {}
    for name, parameter in defined.items():
        field = _field(call, parameter)
        value = _value(call, parameter, field, asked, problems)
        if value is None and parameter.get("required"):
            problems.add(
                "required",
                Phrase("the report needs a value for {name!r}", name=name),
                path=f"parameters.{name}",
            )
        values[name] = value
        wire[name] = None if value is None else type_of(field).to_wire(field, value)
    return Parameters(values=values, wire=wire)


def _value(
    call: Call, parameter: Mapping[str, Any], field: Field, asked: Mapping[str, Any], problems: Problems
) -> Any:
    name, default = parameter["name"], parameter.get("default")
    if name not in asked and isinstance(default, str) and default.startswith("="):
        return _computed(call, default[1:])
    raw = asked.get(name, default)
    try:
        value = type_of(field).read_wire(field, raw)
    except ValueFault as fault:
        problems.add(fault.code, fault.message, path=f"parameters.{name}", hint=fault.hint)
        return None
    for code, message, hint in type_of(field).check(field, value) if value is not None else ():
        problems.add(code, message, path=f"parameters.{name}", hint=hint)
    return value


def _computed(call: Call, text: str) -> Any:
    """A default that is worked out; one that cannot be (a name that is not his to read) is none."""
    made = compile_expression(text, Scope(catalog=ReadableCatalog(call.tables, call.actor)))
    return evaluate(made, {}, context_of(call)) if isinstance(made, Expression) else None


def _field(call: Call, parameter: Mapping[str, Any]) -> Field:
    """The parameter as a field that belongs to no object: its type reads and checks its value."""
    kind = parameter["type"]
    type = TYPES[kind]
    named = parameter.get("option_set")
    sets = call.model.documents.get(("option_set", str(named)), {}).get("options") or ()
    around = Around(
        currency=call.model.workspace.currency,
        option_sets={str(named): read_options(sets, Around())} if named else {},
    )
    to = LINKED.get(kind) or (parameter.get("to") if kind == "lookup" else None)
    spec = LinkSpec(to=(str(to),)) if to else type.spec(parameter, around)
    expr = ExprType("link", objects=(str(to),)) if to else type.expr_type(spec)
    return Field(object="parameters", name=parameter["name"], type=kind, expr=expr, spec=spec)


# -- in texts ---------------------------------------------------------------------------------------------------------


def constants_in(text: str, values: Mapping[str, Any], is_moment: IsMoment) -> str:
    """The text with a constant for each parameter. `is_moment` tells of what stands left of `in` whether it is a moment (a range
    counts days). A Fault for what is no expression."""
    if not values:
        return text
    return normal(_put(parse(text.strip()), values, is_moment), {})


def _put(node: Syntax, values: Mapping[str, Any], is_moment: IsMoment) -> Syntax:
    if node.kind == "or" and (chosen := _unless(node.items[0], values)) is not None:
        if values[chosen] is None:
            return Syntax("constant", node.at, value=True)
        rest = node.items[1:]
        return _put(rest[0] if len(rest) == 1 else replace(node, items=rest), values, is_moment)
    if node.kind == "and":  # what holds for everything is left out: people read these conditions
        parts = tuple(
            p
            for p in (_put(i, values, is_moment) for i in node.items)
            if not (p.kind == "constant" and p.value is True)
        )
        return (
            Syntax("constant", node.at, value=True)
            if not parts
            else parts[0]
            if len(parts) == 1
            else replace(node, items=parts)
        )
    name, part = _parameter(node, values)
    if name is not None:
        value = values[name]
        return constant(value.get(part) if isinstance(value, Mapping) and part else value, node.at)
    if node.kind == "compare" and node.name in ("in", "not in"):
        name, part = _parameter(node.items[1], values)
        value = values[name] if name is not None else None
        if name is not None and not part and (value is None or isinstance(value, Mapping)):
            inside = _within(_put(node.items[0], values, is_moment), value or {}, is_moment)
            return inside if node.name == "in" else Syntax("not", node.at, (inside,))
    return replace(node, items=tuple(_put(i, values, is_moment) for i in node.items))


def _unless(node: Syntax, values: Mapping[str, Any]) -> str | None:
    """The parameter of `parameters.who == none`, beside which a condition holds where it has no value."""
    if node.kind != "compare" or node.name != "==":
        return None
    name, part = _parameter(node.items[0], values)
    none = node.items[1]
    return name if not part and none.kind == "constant" and none.value is None else None


def _parameter(node: Syntax, values: Mapping[str, Any]) -> tuple[str | None, str]:
    """`since`, `parameters.since`, `parameters.period.from`: which parameter a path names, and which part."""
    if node.kind != "path":
        return None, ""
    parts = node.parts[1:] if node.parts[0] == "parameters" else node.parts
    if not parts or parts[0] not in values:
        return None, ""
    return parts[0], parts[1] if len(parts) > 1 and isinstance(parts[1], str) else ""


def _within(item: Syntax, range: Mapping[str, Any], is_moment: IsMoment) -> Syntax:
    """`item in (from … to)`; a range without ends holds everything: nothing was chosen."""
    at = item.at
    day = Syntax("call", at, (item,), name="DAY_OF") if is_moment(item) else item
    ends = [
        Syntax("compare", at, (day, constant(range[part], at)), name=sign)
        for part, sign in (("from", ">="), ("to", "<="))
        if range.get(part) is not None
    ]
    if not ends:
        return Syntax("constant", at, value=True)
    return ends[0] if len(ends) == 1 else Syntax("and", at, tuple(ends))


def constant(value: Any, at: int = 0) -> Syntax:
    """A value of Python as it is written in an expression."""
    if isinstance(value, list | tuple):
        return Syntax("list", at, tuple(constant(v, at) for v in value))
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if isinstance(value, date | datetime | time):
        value = value.isoformat()
    return Syntax("constant", at, value=value)


def _moved(value: Any, months: int) -> Any:
    if isinstance(value, Mapping):
        return {part: _moved(v, months) for part, v in value.items()}
    if isinstance(value, datetime):
        day = add_months(value.date(), months)
        return value if day is None else datetime.combine(day, value.timetz())
    return add_months(value, months) or value if isinstance(value, date) else value


def moved_wire(parameters: Parameters, months: int) -> dict[str, Any]:
    """The values some months later, in JSON form: as they are asked for."""
    return {name: _wire(value) for name, value in parameters.moved(months).values.items()}


def _wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {part: _wire(v) for part, v in value.items()}
    if isinstance(value, list | tuple):
        return [_wire(v) for v in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | time) else value
