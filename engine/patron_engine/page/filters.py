"""Filters: what may be asked of each field, in words: the fields one may choose, their operators, the widget of a value.

In: the frame of a call, an object, a Reader. Out: `Choosable` fields, one step of links included, and what stands in a condition
as people read it. A moment's conditions speak of its business day. Pure but for titles of records, which are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from patron_engine.access.decide import readable
from patron_engine.errors import WrongUse
from patron_engine.fields.field import ChoiceSpec, Field, Option
from patron_engine.model.model import LINKS, Object
from patron_engine.page.conditions import Condition, Group, Parameter, holes, write_conditions
from patron_engine.page.operators import NUMERIC, OPERATORS, PATTERNS
from patron_engine.page.paths import field_at, value_type
from patron_engine.page.reader import Reader
from patron_engine.page.show import UNTITLED, option_item
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call

LONGEST_KEY = 36  # unknown_group: characters of a number that names a group, and of what is said of one
Widget = Literal["", "text", "number", "date", "time", "options", "records"]
UNASKED = frozenset(
    {
        "secret",
        "json",
        "location",
        "signature",
        "audio",
        "file",
        "image",
        "address",
        "date_range",
        "rich_text",
    }
)
FAMILIES: Mapping[str, str] = {
    "integer": "number", "decimal": "number", "percent": "number", "money": "number", "rating": "number",
    "duration": "number", "date": "date", "datetime": "datetime", "time": "time", "boolean": "boolean",
    "select": "choice", "multi_select": "list", "tags": "list", "cascade": "cascade", "lookup": "link",
    "master": "link", "user": "user", "department": "department",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosable:
    """A field that may be filtered by. `of` is what it hangs on, for one behind a link."""

    path: str
    label: str
    family: str
    of: str = ""


def family_of(field: Field) -> str:
    """Which operators a field has."""
    if field.type in LINKS and (field.link.many or len(field.link.to) != 1):
        return "other"
    if field.type == "id":
        return "other"
    return FAMILIES.get(value_type(field), "text")


def choosable(call: Call, object: Object, reader: Reader) -> list[Choosable]:
    """The fields of an object, those it was made with before those every record has, and of the records it links to."""
    system = {f.name for f in call.model.objects[object.name].fields.values() if f.system}
    own = sorted(fields_of(call, object, reader, "", ""), key=lambda f: f.path in system)
    linked: list[Choosable] = []
    for field in readable(call.model, call.actor, object.name).values():
        if field.type not in LINKS or field.link.many or len(field.link.to) != 1:
            continue
        target = call.model.objects.get(field.link.to[0])
        if target is not None and (not field.system or field.name == "owner"):
            linked += fields_of(call, target, reader, f"{field.name}.", reader.say(field.label, field.name))
    return own + linked


def fields_of(call: Call, object: Object, reader: Reader, before: str, of: str) -> list[Choosable]:
    """The fields of an object under a path that leads to it; "" for the object's own."""
    return [
        Choosable(
            path=before + f.name, label=reader.say(f.label, f.name), family=family_of(f),
            of=of,
        )
        for f in readable(call.model, call.actor, object.name).values()
        if f.type not in UNASKED and value_type(f) not in UNASKED and not f.encrypted and f.name not in ("id", "version")
        and f.name != "deleted_at" and not (before and f.system)
    ]  # fmt: skip


def operators_of(field: Field | None) -> tuple[str, ...]:
    """The operators of a field, the usual ones first."""
    return OPERATORS[family_of(field)] if field is not None else OPERATORS["other"]


def widget_for(field: Field | None, operator: str) -> Widget:
    """What a value is given with; "" for an operator without one."""
    if field is None or operator not in PATTERNS or holes(operator) in ((), ("R",)):
        return ""
    family = family_of(field)
    if operator in NUMERIC or family == "number":
        return "number"
    if family in ("link", "user", "department"):
        return "records"
    if isinstance(_choice(field), ChoiceSpec) and operator not in ("starts", "ends", "contains", "lacks"):
        return "options"
    return {"date": "date", "datetime": "date", "time": "time"}.get(family, "text")  # type: ignore[return-value]


GIVES: Mapping[str, frozenset[str]] = {  # the types of parameters that may stand for a value of a family
    "date": frozenset({"date"}), "datetime": frozenset({"date"}), "user": frozenset({"user"}), "department": frozenset({"department"}),
    "number": frozenset({"integer", "decimal", "percent", "money", "rating", "duration"}), "link": frozenset({"lookup"}),
    "text": frozenset({"text", "email", "phone"}), "choice": frozenset({"select"}), "cascade": frozenset({"cascade"}),
}  # fmt: skip


def fitting_parameters(
    field: Field, operator: str, parameters: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The parameters of a report that may give the value of a condition."""
    wanted = holes(operator)
    if wanted == ("R",):
        return [p for p in parameters if p["type"] == "date_range"]
    if wanted != ("A",):
        return []
    family = "number" if operator in NUMERIC else family_of(field)
    return [
        p
        for p in parameters
        if p["type"] in GIVES.get(family, ()) and (family != "link" or p.get("to") in field.expr.objects)
    ]


def _choice(field: Field) -> ChoiceSpec | None:
    spec = field.extra.get("value_spec") or field.spec
    return spec if isinstance(spec, ChoiceSpec) else None


def options_for(field: Field, reader: Reader) -> list[tuple[str, str]]:
    """Every option with its label; those of a cascade with their way."""
    spec = _choice(field)
    return spread(spec.options if spec else (), reader)


def spread(
    options: tuple[Option, ...], reader: Reader, before: str = "", said: str = ""
) -> list[tuple[str, str]]:
    """(name, label) of every option that may be chosen; those of a cascade with their ways."""
    found: list[tuple[str, str]] = []
    for option in options:
        if option.retired:
            continue
        name, text = before + option.name, said + reader.say(option.label, option.name)
        found += [(name, text), *spread(option.options, reader, f"{name}/", f"{text} / ")]
    return found


def said_values(
    call: Call, object: Object, condition: Condition, reader: Reader, titles: Mapping[str, str]
) -> tuple[str, ...]:
    """The values of a condition as people read them; `titles` are those of records by id, and of parameters by their paths."""
    field = field_at(call.model, call.actor, object, condition.path)
    if any(isinstance(value, Parameter) for value in condition.values):
        return tuple(titles.get(value, value) for value in condition.values)
    if field is None or condition.operator in NUMERIC:
        return condition.values
    widget = widget_for(field, condition.operator)
    if widget == "options":
        return tuple(
            option_item(field, value.rpartition("/")[2] if "/" in value else value, reader).text
            for value in condition.values
        )
    if widget == "records":
        return tuple(titles.get(value, UNTITLED) for value in condition.values)
    if widget == "number":
        return tuple(_number(value, reader) for value in condition.values)
    if widget == "date":
        return tuple(_day(value, reader) for value in condition.values)
    return condition.values


def _number(value: str, reader: Reader) -> str:
    try:
        return reader.number(value)
    except (ArithmeticError, ValueError):
        return value


def _day(value: str, reader: Reader) -> str:
    try:
        return reader.day(date.fromisoformat(value))
    except ValueError:
        return value


def keys_of(field: Field, keys: Sequence[str]) -> tuple[str, ...]:
    """The keys of groups that are values of a field. WrongUse for one that is no number where numbers are gathered."""
    filled = tuple(key for key in keys if key)
    for key in filled if family_of(field) == "number" else ():
        if not key.removeprefix("-").isdecimal() or len(key) > LONGEST_KEY:
            raise WrongUse(Phrase("there is no group {key}", key=key[:LONGEST_KEY]), code="unknown_group")
    return filled


def among(path: str, field: Field, keys: Sequence[str]) -> str:
    """The condition that a field has one of some values, given as texts; "" is no value. WrongUse for a key that is none."""
    filled = keys_of(field, keys)
    if family_of(field) == "boolean":
        found = [Condition(path, "yes" if key == "true" else "no") for key in filled]
    else:
        found = [Condition(path, "among", filled, numbers=family_of(field) == "number")] if filled else []
    empty = [Condition(path, "empty")] if "" in keys else []
    return write_conditions(Group(False, (*found, *empty)))


def adjusted(field: Field | None, condition: Condition) -> Condition:
    """The condition as its field's type wants it: numbers as numbers, moments by their day."""
    if field is None:
        return condition
    family = family_of(field)
    ranged = condition.operator.split("_")[0] in (
        "this",
        "last",
        "next",
        "within",
    ) and not condition.operator.endswith(("months", "years"))
    return replace(
        condition,
        numbers=family == "number",
        day=family == "datetime" and not ranged and condition.operator not in ("empty", "filled"),
    )
