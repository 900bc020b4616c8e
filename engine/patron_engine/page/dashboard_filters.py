"""The filters of a dashboard: what one may choose in each, and what stands in it.

In: the model, a filter as a dashboard has it, what an address says, the context of expressions. Out: a `Chosen`: days, or values as
conditions have them. Without a choice the filter has its default; an empty choice asks for nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from patron_engine.errors import Refused
from patron_engine.expr.context import Context
from patron_engine.expr.evaluate import evaluate
from patron_engine.expr.functions.periods import PERIOD_END, period
from patron_engine.fields.field import Texts
from patron_engine.fields.options import texts
from patron_engine.meta.document import is_expression, literal
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

Span = tuple[date | None, date | None]
Widget = Literal["days", "options", "records", "flag", "number", "text"]
PRESETS: Final[Mapping[str, tuple[str, int]]] = {
    "today": ("day", 0), "this_week": ("week", 0), "this_month": ("month", 0), "last_month": ("month", -1),
    "this_quarter": ("quarter", 0), "last_quarter": ("quarter", -1), "this_year": ("year", 0), "last_year": ("year", -1),
}  # fmt: skip
_DAYS: Final = frozenset({"date_range", "date", "datetime"})
_CHOICES: Final = frozenset({"select", "multi_select", "tags", "cascade"})
_LINKS: Final[Mapping[str, str]] = {"user": "user", "department": "department"}
_NUMBERS: Final = frozenset({"integer", "decimal", "percent", "money", "rating", "duration"})
MOST_VALUES: Final = 50  # limit_filter_values: values of one filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One filter. `preset` is the span's name where it has one; `options` are (value, label) of a choice; `to` the object of
    whose records one chooses."""

    name: str
    label: Texts
    widget: Widget
    reaches: Mapping[str, str]
    span: Span | None = None
    preset: str = ""
    values: tuple[str, ...] = ()
    options: tuple[tuple[str, Texts], ...] = ()
    to: str = ""
    given: bool = field(default=False)

    @property
    def empty(self) -> bool:
        return not self.values and (self.span is None or self.span == (None, None))


def chosen_of(
    model: Model, dashboard: str, number: int, body: Mapping[str, Any], given: str | None, context: Context
) -> Chosen:
    """`given` is what the address says; None where it says nothing. Refused for what is no value of the filter."""
    kind = str(body["type"])
    to = str(body.get("to") or "") if kind == "lookup" else _LINKS.get(kind, "")
    widget = _widget(kind, to)
    options = _options(model, body) if kind in _CHOICES else ()
    base: dict[str, Any] = {
        "name": str(body["name"]),
        "label": texts(body.get("label")) or {"": str(body["name"])},
        "widget": widget,
        "reaches": {str(k): str(v) for k, v in (body.get("reaches") or {}).items()},
        "options": options,
        "to": to,
        "given": given is not None,
    }
    if widget == "days":
        span, preset = (
            _span_in(str(body["name"]), given, context)
            if given is not None
            else _span_of(_default(model, dashboard, number, body, context), context)
        )
        return Chosen(**base, span=span, preset=preset)
    values = (
        _values_in(str(body["name"]), widget, options, given)
        if given is not None
        else _texts(_default(model, dashboard, number, body, context))
    )
    return Chosen(**base, values=values)


def _widget(kind: str, to: str) -> Widget:
    if kind in _DAYS:
        return "days"
    if kind in _CHOICES:
        return "options"
    if to:
        return "records"
    return "flag" if kind == "boolean" else "number" if kind in _NUMBERS else "text"


def _options(model: Model, body: Mapping[str, Any]) -> tuple[tuple[str, Texts], ...]:
    written = body.get("options")
    if body.get("option_set"):
        written = (model.documents.get(("option_set", str(body["option_set"]))) or {}).get("options")
    return tuple(
        (str(o["name"]), texts(o.get("label")) or {"": str(o["name"])})
        if isinstance(o, Mapping)
        else (str(o), {"": str(o)})
        for o in written or ()
    )


# -- what it has unless somebody chose ----------------------------------------------------------------------------


def _default(model: Model, dashboard: str, number: int, body: Mapping[str, Any], context: Context) -> Any:
    written = body.get("default")
    if not is_expression(written):
        return literal(written)
    found = next(
        (
            model.expressions[key]
            for path in (f"filters.{body['name']}.default", f"filters[{number}].default")
            if (key := ("dashboard", dashboard, path)) in model.expressions
        ),
        None,
    )
    return None if found is None else evaluate(found, {}, context)


def _texts(value: Any) -> tuple[str, ...]:
    if value in (None, ""):
        return ()
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return tuple(str(v) for v in value) if isinstance(value, tuple | list) else (str(value),)


def _span_of(value: Any, context: Context) -> tuple[Span | None, str]:
    """Days a default means, and the preset that says the same."""
    if isinstance(value, Mapping):
        value = (value.get("from"), value.get("to"))
    pair = value if isinstance(value, tuple | list) and len(value) == 2 else (value, value)
    span = (_day(pair[0]), _day(pair[1]))
    if span == (None, None):
        return None, ""
    return span, next((p for p in PRESETS if preset_span(p, context) == span), "")


def _day(value: Any) -> date | None:
    if isinstance(value, str) and value:
        return date.fromisoformat(value[:10])
    return value if isinstance(value, date) else None


def preset_span(preset: str, context: Context) -> Span:
    unit, shift = PRESETS[preset]
    return period(context, unit, shift, context.today), PERIOD_END.py(context, unit, shift, context.today)


# -- what an address says -----------------------------------------------------------------------------------------


def _span_in(name: str, given: str, context: Context) -> tuple[Span | None, str]:
    if given in PRESETS:
        return preset_span(given, context), given
    if not given or given == "..":
        return None, ""
    first, dots, last = given.partition("..")
    try:
        begin = date.fromisoformat(first) if first else None
        end = (date.fromisoformat(last) if last else None) if dots else begin
    except ValueError:
        raise _wrong(name, Phrase("{given!r} is no period", given=given)) from None
    if begin is not None and end is not None and end < begin:
        begin, end = end, begin
    return (begin, end), ""


def _values_in(
    name: str, widget: Widget, options: Sequence[tuple[str, Texts]], given: str
) -> tuple[str, ...]:
    values = (
        tuple(v for v in dict.fromkeys(given.split(",")) if v) if widget != "text" else (given,) * bool(given)
    )
    if len(values) > MOST_VALUES:
        said = Phrase("a filter has at most {most} values", most=MOST_VALUES)
        raise Refused([Problem(code="limit_filter_values", message=said, path=name)])
    known = {value for value, _ in options}
    for value in values:
        wrong = (
            (widget == "options" and value not in known)
            or (widget == "number" and not _number(value))
            or (widget == "flag" and value not in ("true", "false"))
        )
        if wrong:
            raise _wrong(name, Phrase("{given!r} is no value of this filter", given=value))
    return values


def _number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _wrong(name: str, message: Phrase) -> Refused:
    return Refused([Problem(code="bad_value", message=message, path=name)])
