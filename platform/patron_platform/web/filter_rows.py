"""Filter rows: the conditions of a tree as the form of a filter draws them: operators, widgets, values, parameters of a report.

In: an asked list, a tree, what is wrong by place. Out: `Rows` of `Row`s. Where the conditions are those of a report that is being built,
its parameters may stand in the place of values: those that fit, and nothing else is ever written as a path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from patron_engine.fields.field import Field
from patron_engine.jsonio import loads
from patron_engine.model.model import Object
from patron_engine.page.conditions import MAX_NESTED, Condition, Group, Parameter, holes
from patron_engine.page.filters import family_of, fitting_parameters, operators_of, options_for, widget_for
from patron_engine.page.operators import NUMERIC
from patron_engine.page.paths import field_at
from patron_engine.page.show import UNTITLED
from patron_platform.web.list_values import records_of
from patron_platform.web.lists import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition of the form. `widget` draws its value, `parameters` may give it, `parameter` does; `problem` is what is wrong
    with it."""

    path: str
    place: str
    operators: tuple[str, ...]
    operator: str
    widget: str
    values: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    several: bool
    two: bool
    source: str = ""  # the object whose records may be looked up
    problem: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    parameter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A group of the form."""

    place: str
    all: bool
    items: tuple[Row | Rows, ...]
    deep: bool


def elsewhere(it: Asked) -> str:
    """The page of a report whose conditions these are, inside the workspace; "" for those of the list itself."""
    to = it.given.get("to", "")
    return to if re.fullmatch(r"reports/[a-z0-9_-]+(\?.*)?", to) else ""


def parameters_of(it: Asked) -> list[Mapping[str, Any]]:
    """Those of the report that is being built, whose conditions these are; none for a list's own."""
    path, _, query = elsewhere(it).partition("?")
    text = dict(parse_qsl(query)).get("body", "") if path == "reports/build" else ""
    try:
        body = loads(text.encode()) if text else {}
    except ValueError:
        return []
    found = body.get("parameters") if isinstance(body, Mapping) else None
    return [
        p
        for p in found or ()
        if isinstance(p, Mapping) and isinstance(p.get("name"), str) and isinstance(p.get("type"), str)
    ]


def parameter_paths(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The two ways in which a condition names each of them."""
    return {f"{before}{p['name']}": p for p in parameters for before in ("parameters.", "")}


def operators_for(it: Asked, field: Field | None) -> tuple[str, ...]:
    """What may be asked of it; of a day, where the report has a range of days to be chosen, whether it lies in there. What a
    parameter may give is asked first: of several values it gives none."""
    known = operators_of(field)
    parameters = parameters_of(it) if field is not None else []
    if field is None or not parameters:
        return known
    if family_of(field) in ("date", "datetime") and any(p["type"] == "date_range" for p in parameters):
        return ("within", *known)
    fit = (o for o in known if o not in NUMERIC and fitting_parameters(field, o, parameters))
    first = next(fit, known[0])
    return (first, *(o for o in known if o != first))


def operator_of(it: Asked, field: Field | None, given: str) -> str:
    known = operators_for(it, field)
    return given if given in known else known[0]


def parameter_in(it: Asked, field: Field | None, operator: str, values: Sequence[str]) -> str:
    """The path of the parameter that gives the value, where one does that may; nothing else is ever written as a path."""
    if field is None or len(values) != 1 or not isinstance(values[0], Parameter):
        return ""
    fit = parameter_paths(fitting_parameters(field, operator, parameters_of(it)))
    return values[0] if values[0] in fit else ""


def rows_of(it: Asked, tree: Group, titles: Mapping[str, str], wrong: Mapping[str, str], at: str) -> Rows:
    items: list[Row | Rows] = []
    for n, item in enumerate(tree.items):
        place = f"{at}.{n}" if at else str(n)
        if isinstance(item, Group):
            items.append(rows_of(it, item, titles, wrong, place))
        else:
            items.append(_row(it, it.object, item, titles, place, wrong.get(place, "")))
    return Rows(place=at, all=tree.all, items=tuple(items), deep=at.count(".") + 2 >= MAX_NESTED)


def _row(
    it: Asked, object: Object, item: Condition, titles: Mapping[str, str], place: str, problem: str
) -> Row:
    field = field_at(it.call.model, it.call.actor, object, item.path) if item.path else None
    operator = operator_of(it, field, item.operator) if field is not None else ""
    chosen = parameter_in(it, field, operator, item.values)
    if not chosen:
        item = replace(item, values=tuple(v for v in item.values if not isinstance(v, Parameter)))
    offered = fitting_parameters(field, operator, parameters_of(it)) if field is not None else []
    reader = it.visitor.reader(it.call)
    widget = widget_for(field, operator) if field is not None else ""
    choices: list[tuple[str, str]] = []
    if field is not None and widget == "options":
        choices = options_for(field, it.visitor.reader(it.call))
    elif field is not None and widget == "records":
        choices = records_of(it.conn, it.call, field.expr.objects[0])
    known = {value for value, _ in choices}
    choices = (
        [
            (v, titles.get(v, UNTITLED if widget == "records" else v))
            for v in item.values
            if v and v not in known
        ]
        + choices
        if widget in ("options", "records")
        else []
    )
    wanted = holes(operator) if operator else ()
    return Row(
        path=item.path, place=place, operators=operators_for(it, field) if field is not None else (), operator=operator,
        parameters=tuple((chosen if chosen in (p["name"], f"parameters.{p['name']}") else f"parameters.{p['name']}", reader.say(p.get("label"), p["name"])) for p in offered),
        parameter=chosen,
        widget=widget, values=item.values or (("",) if wanted else ()), choices=tuple(choices), several=wanted == ("L",),
        two=wanted == ("A", "B"), problem=problem, source=field.expr.objects[0] if field is not None and widget == "records" else "",
    )  # fmt: skip
