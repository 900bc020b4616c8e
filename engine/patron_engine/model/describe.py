"""Describe: objects and fields as the API shows them.

In: a model, and the fields the caller may see. Out: plain JSON values with texts of all languages. Decides nothing about
rights: who may see what is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import (
    AutoNumber,
    ChoiceSpec,
    Field,
    FileSpec,
    Formula,
    LinkSpec,
    NumberSpec,
    Option,
    PlaceSpec,
    Rollup,
    Texts,
    TextSpec,
    TimeSpec,
)
from patron_engine.fields.options import walk_options
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import decimal_text
from patron_engine.model.model import LinkSet, Object


def describe_object(
    object: Object, readable: Collection[str] | None = None, writable: Collection[str] | None = None
) -> dict[str, Any]:
    """An object for `GET /objects/{object}`: labels, fields, sets, rules, record types. None means every field."""
    fields = [f for f in object.fields.values() if readable is None or f.name in readable]
    return {
        "name": object.name,
        "label": dict(object.label),
        "plural": dict(object.plural),
        "icon": object.icon,
        "title": object.title,
        "owner": object.owner,
        "currency": "record" if object.record_currency else "workspace",
        "features": sorted(object.features),
        "search": [s for s in object.search if readable is None or s.partition(".")[0] in readable],
        "fields": [describe_field(f, writable is None or f.name in writable) for f in fields],
        "sets": [describe_set(s) for s in object.sets.values()],
        "details": list(object.details),
        "rules": [
            {"name": r.name, "level": r.level, "at": r.at, "message": dict(r.message)} for r in object.rules
        ],
        "unique": [
            {"name": u.name, "fields": list(u.fields)}
            for u in object.uniques
            if readable is None or set(u.fields) <= set(readable)
        ],
        "record_types": [
            {"name": t.name, "label": dict(t.label), "options": {k: list(v) for k, v in t.options.items()}}
            for t in object.record_types.values()
        ],
    }


def describe_brief(object: Object) -> dict[str, Any]:
    """An object in the list of objects."""
    return {
        "name": object.name,
        "label": dict(object.label),
        "plural": dict(object.plural),
        "icon": object.icon,
        "master": object.master,
    }


def describe_set(link_set: LinkSet) -> dict[str, Any]:
    return {
        "name": link_set.name, "object": link_set.object, "field": link_set.field, "label": dict(link_set.label),
        "details": link_set.master,
    }  # fmt: skip


def describe_field(field: Field, writable: bool = True) -> dict[str, Any]:
    """One field: what it is, what may be written into it, and for computed ones how it comes about."""
    type = type_of(field)
    found: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "label": dict(field.label),
        "wire": type.wire,
        "required": _truth(field.required),
        "readonly": True if field.computed or not writable else _truth(field.readonly),
        "visible": _truth(field.visible),
        "sortable": type.sortable,
        "stored": field.stored,
    }
    if field.help:
        found["help"] = dict(field.help)
    for key in ("unique", "sensitive", "encrypted", "system", "deprecated", "public"):
        if getattr(field, key):
            found[key] = True
    if field.personal is not None:
        found["personal"] = field.personal
    if field.default is not None:
        found["default"] = (
            f"={field.default.source}"
            if isinstance(field.default, Expression)
            else type.to_wire(field, field.default)
        )
    found.update(_spec(field))
    return {k: v for k, v in found.items() if v is not None}


def _truth(value: bool | Expression) -> bool | str:
    return value.source if isinstance(value, Expression) else value


def _spec(field: Field) -> dict[str, Any]:
    match field.spec:
        case Formula(expression=expression, stored=stored, why=why):
            return {
                "expression": expression.source,
                "stored": stored,
                "why": why,
                "returns": field.extra.get("value_type"),
                **_values(field),
            }
        case Rollup() as rollup:
            return {
                "of": ".".join(rollup.path), "function": rollup.function, "field": rollup.field, "stored": rollup.stored, "why": rollup.why,
                "where": rollup.where.source if rollup.where else None, "returns": field.extra.get("value_type"), **_values(field),
            }  # fmt: skip
        case AutoNumber(pattern=pattern, reset=reset):
            return {"pattern": pattern, "reset": reset}
        case _:
            return _values(field)


def _values(field: Field) -> dict[str, Any]:
    spec = field.extra.get("value_spec") if isinstance(field.spec, Formula | Rollup) else field.spec
    match spec:
        case TextSpec(max_length=length, pattern=pattern, format=preset, case=case):
            return {"max_length": length, "pattern": pattern, "format": preset, "case": case}
        case NumberSpec(scale=scale, min=low, max=high, unit=unit):
            return {
                "scale": scale,
                "min": _number(low),
                "max": _number(high),
                "unit": dict(unit) if isinstance(unit, Mapping) else unit,
            }
        case TimeSpec(min=low, max=high):
            return {"min": None if low is None else str(low), "max": None if high is None else str(high)}
        case ChoiceSpec(options=options, controlled_by=by, free=free):
            return {
                "options": [describe_option(o) for o in options],
                "controlled_by": by,
                "free": free or None,
            }
        case LinkSpec() as link:
            return {
                "to": list(link.to), "many": link.many or None, "on_delete": link.on_delete, "tree": link.tree or None,
                "same_currency": link.same_currency or None,
                "where": link.where.source if link.where else None, "reverse": link.reverse, "fill": dict(link.fill) or None,
            }  # fmt: skip
        case PlaceSpec(target=target, radius=radius, manual=manual):
            return {
                "target": ".".join(target) if target else None,
                "radius": f"={radius.source}" if isinstance(radius, Expression) else radius,
                "manual": None if manual is True else manual,
            }
        case FileSpec(max_size=size, accept=accept, many=many, capture=capture):
            return {
                "max_size": size,
                "accept": list(accept) or None,
                "many": many or None,
                "capture": capture,
            }
        case _:
            return {}


def _number(value: Any) -> str | None:
    return None if value is None else decimal_text(value)


def describe_option(option: Option) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": option.name,
        "label": dict(option.label) or {"en": option.name.replace("_", " ").capitalize()},
    }
    if option.color:
        found["color"] = option.color
    if option.only_for is not None:
        found["only_for"] = list(option.only_for)
    if option.retired:
        found["retired"] = True
    if option.options:
        found["options"] = [describe_option(o) for o in option.options]
    return found


def option_label(field: Field, value: str) -> Texts:
    """The label of a chosen option (of a cascade the whole path), by language."""
    labels = {path: option for path, _, option in walk_options(field.choice.options)}
    found = labels.get(value)
    return {} if found is None else found.label
