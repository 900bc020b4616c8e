"""OpenAPI 3.1 of a workspace's own objects, as the caller may see them.

In: a model and an actor. Out: a plain JSON value: for each object its fields with types, labels, limits and options, and
the addresses of its records. Fields the caller may not read are not in it. Made from the model alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from patron_engine.access.decide import readable, writable
from patron_engine.actor import Actor
from patron_engine.fields.field import ChoiceSpec, Field, FileSpec, LinkSpec, NumberSpec, Option, TextSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Model, Object, say
from patron_engine.record.change import Done
from patron_platform.api.openapi_approvals import (
    APPROVAL,
    APPROVALS,
    approval_paths_of,
    approved_objects,
)
from patron_platform.api.openapi_files import FILE, SENDING, file_paths_of
from patron_platform.api.openapi_flow import AUTOMATIONS, flow_paths_of
from patron_platform.api.openapi_paths import CHOSEN, paths_of
from patron_platform.api.openapi_reports import REPORTS

JsonValue = dict[str, Any]

DECIMAL: JsonValue = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["1250.50"]}
DATE: JsonValue = {"type": "string", "format": "date", "examples": ["2026-03-31"]}
MOMENT: JsonValue = {"type": "string", "format": "date-time", "examples": ["2026-03-31T08:30:00Z"]}
ID: JsonValue = {"type": "string", "format": "uuid"}
TEXT: JsonValue = {"type": "string"}
ADDRESS_PARTS = ("country", "province", "city", "district", "street", "postcode")


def or_null(schema: JsonValue) -> JsonValue:
    """The same, or empty."""
    return {**schema, "type": [schema["type"], "null"]}


PLAIN: Mapping[str, JsonValue] = {
    "integer": {"type": "integer"},
    "rating": {"type": "integer"},
    "duration": {"type": "integer", "description": "seconds"},
    "decimal": DECIMAL,
    "percent": DECIMAL,
    "money": DECIMAL,
    "boolean": {"type": "boolean"},
    "date": DATE,
    "datetime": MOMENT,
    "time": {"type": "string", "format": "time"},
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri"},
    "json": {},
    "date_range": {
        "type": "object",
        "properties": {"from": or_null(DATE), "to": or_null(DATE)},
        "additionalProperties": False,
    },
    "address": {
        "type": "object",
        "properties": {part: or_null(TEXT) for part in ADDRESS_PARTS},
        "additionalProperties": False,
    },
    "location": {
        "type": "object",
        "properties": {"lat": DECIMAL, "lng": DECIMAL},
        "required": ["lat", "lng"],
        "additionalProperties": False,
    },
}
BESIDE: JsonValue = {
    "external_ids": {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "source -> id of the record there",
    },
    "confirm": {"type": "array", "items": TEXT, "description": "rules whose warnings are accepted"},
    "chosen": CHOSEN,
}
OF_ROW: JsonValue = {"id": ID, "version": {"type": "integer"}, "delete": {"type": "boolean"}}


def describe(model: Model, actor: Actor, workspace: str, address: str) -> JsonValue:
    """The whole document."""
    schemas: JsonValue = {"Problem": PROBLEM, "Result": RESULT, "HistoryEntry": HISTORY_ENTRY, "File": FILE}
    paths: JsonValue = {}
    approved = approved_objects(model)
    for object in model.objects.values():
        fields = readable(model, actor, object.name)
        if not fields:
            continue
        label = say(object.label, actor.languages)
        schemas[object.name] = _record(model, actor, object, fields, label)
        schemas.update(_bodies(model, actor, object, label))
        paths.update(paths_of(object, label))
        paths.update(file_paths_of(object, label))
        paths.update(flow_paths_of(object, label, model))
        if object.name in approved:
            paths.update({**approval_paths_of(object, label), **APPROVALS})
            schemas["Approval"] = APPROVAL
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Patron: {workspace}", "version": str(model.release)},
        "servers": [{"url": f"{address.rstrip('/')}/api/v1"}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "responses": {
                "Refused": {
                    "description": "Refused; nothing was changed",
                    "content": {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    },
                }
            },
        },
        "paths": {**paths, **SENDING, **REPORTS, **(AUTOMATIONS if actor.administrator else {})}
        if paths
        else {},  # who sees no records has nothing to hang a file on
    }


def _record(model: Model, actor: Actor, object: Object, fields: Mapping[str, Field], label: str) -> JsonValue:
    properties = {name: _field(field, actor, answer=True) for name, field in fields.items()}
    return {"type": "object", "title": label, "properties": properties}


def _bodies(model: Model, actor: Actor, object: Object, label: str) -> JsonValue:
    """What is written: a new record, a change to one, a row among others (of a bulk), a line of a master."""
    fields = {n: f for n, f in writable(model, actor, object.name).items() if not f.computed}
    values = {name: _field(field, actor, answer=False) for name, field in fields.items()}
    for name in object.details:
        values[name] = {
            "type": "array",
            "items": {"$ref": f"#/components/schemas/{object.sets[name].object}.line"},
        }
    required = [n for n, f in fields.items() if f.required is True and f.default is None and not f.system]
    of_line = [name for name in required if name != object.master]
    named = {"title": label}
    return {
        f"{object.name}.write": {**named, **_closed({**BESIDE, **values}, required)},
        f"{object.name}.change": {**named, **_closed({**BESIDE, **values})},
        f"{object.name}.row": {**named, **_closed({**BESIDE, **OF_ROW, **values}), **_new_or_known(required)},
        f"{object.name}.line": {
            **named,
            **_closed(OF_ROW | {n: v for n, v in values.items() if n != object.master}),
            **_new_or_known(of_line),
        },
    }


def _closed(properties: JsonValue, required: list[str] | None = None) -> JsonValue:
    made: JsonValue = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made


def _new_or_known(required: list[str]) -> JsonValue:
    return {"anyOf": [{"required": ["id"]}, {"required": required}]} if required else {}


def _field(field: Field, actor: Actor, *, answer: bool) -> JsonValue:
    made = dict(_value(field, actor, answer=answer))
    title = say(field.label, actor.languages)
    if title:
        made["title"] = title
    if field.help:
        made["description"] = say(field.help, actor.languages)
    if answer and (field.computed or field.system):
        made["readOnly"] = True
    if field.deprecated:
        made["deprecated"] = True
    return or_null(made) if isinstance(made.get("type"), str) else made


def _value(field: Field, actor: Actor, *, answer: bool) -> JsonValue:
    spec = field.spec
    if field.name == "id":
        return ID
    if isinstance(spec, LinkSpec):
        return _link(spec, answer=answer)
    if isinstance(spec, FileSpec):
        return _file(spec, answer=answer)
    if isinstance(spec, ChoiceSpec):
        return _choice(field, spec, actor)
    if field.expr.kind == "link":
        return {"type": "object", "properties": {"id": ID, "title": or_null(TEXT)}}
    type = type_of(field).name  # a formula has the form of what it gives
    if type in ("tags", "multi_select"):
        return {"type": "array", "items": TEXT}
    made = dict(PLAIN.get(type, TEXT))
    if made == DECIMAL and not answer:
        return {
            "anyOf": [DECIMAL, {"type": ["integer", "null"]}],
            "description": "plain digits as text, or an integer",
        }
    if isinstance(spec, TextSpec) and not field.computed:
        made["maxLength"] = spec.max_length
        if spec.pattern:
            made["pattern"] = spec.pattern
    if isinstance(spec, NumberSpec) and made.get("type") == "integer":
        made.update({k: int(v) for k, v in (("minimum", spec.min), ("maximum", spec.max)) if v is not None})
    return made


def _file(spec: FileSpec, *, answer: bool) -> JsonValue:
    known = {"id": ID, "name": TEXT, "mime": TEXT, "size": {"type": "integer"}}
    one: JsonValue = {"type": "object", "properties": known} if answer else ID
    return {"type": "array", "items": one} if spec.many else one


def _link(spec: LinkSpec, *, answer: bool) -> JsonValue:
    title = f"link to {' or '.join(spec.to)}"
    if answer:
        parts: JsonValue = {"id": ID, "title": TEXT}
        if spec.several:
            parts["object"] = {"enum": list(spec.to)}
        one: JsonValue = {"type": "object", "properties": parts, "description": title}
    elif spec.several:
        parts = {"object": {"enum": list(spec.to)}, "id": ID}
        one = {"type": "object", "properties": parts, "required": ["object", "id"], "description": title}
    else:
        by = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "description": "unique field or external id",
        }
        one = {"anyOf": [ID, by], "description": title}
    return {"type": "array", "items": one} if spec.many else one


def _choice(field: Field, spec: ChoiceSpec, actor: Actor) -> JsonValue:
    texts = "; ".join(f"{o.name}: {say(o.label, actor.languages)}" for o in spec.options[:100] if o.label)
    if field.type == "cascade":
        return {"type": "string", "description": "path of options, joined by /"}
    one: JsonValue = (
        {"type": "string"} if spec.free else {"enum": [*(o.name for o in _live(spec.options)), None]}
    )
    if texts:
        one["description"] = texts
    if field.type in ("multi_select", "tags"):
        items = {**one, "enum": [o for o in one["enum"] if o is not None]} if "enum" in one else one
        return {"type": "array", "items": items}
    return one


def _live(options: tuple[Option, ...]) -> list[Option]:
    return [o for o in options if not o.retired]


PROBLEM: JsonValue = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "properties": {
        "status": {"type": "integer"},
        "code": TEXT,
        "title": TEXT,
        "detail": TEXT,
        "hint": TEXT,
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": TEXT, "code": TEXT, "message": TEXT, "hint": TEXT, "rule": TEXT},
            },
        },
    },
    "required": ["status", "code", "detail"],
}
RESULT: JsonValue = {
    "type": "object",
    "description": "what became of one record",
    "properties": {
        "action": {"enum": [*get_args(Done)]},
        "id": {"type": ["string", "null"], "format": "uuid"},
        "version": {"type": ["integer", "null"]},
        "problems": PROBLEM["properties"]["problems"],
    },
}
HISTORY_ENTRY: JsonValue = {
    "type": "object",
    "description": "one save: when, who, why, and the values there were before",
    "properties": {
        "at": MOMENT,
        "version": {"type": "integer"},
        "release": {"type": "integer"},
        "action": TEXT,
        "by": {"type": ["object", "null"], "properties": {"id": ID, "title": TEXT}},
        "cause": {"type": ["object", "null"]},
        "old": {"type": "object"},
    },
}
