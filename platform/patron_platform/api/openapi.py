"""OpenAPI 3.1 of a workspace's own objects, as the caller may see them.

In: a model and an actor. Out: a plain JSON value: for each object its fields with types, labels, limits and options, and
the addresses of its records. Fields the caller may not read are not in it. Made from the model alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.access.decide import readable, writable
from patron_engine.actor import Actor
from patron_engine.fields.field import ChoiceSpec, Field, LinkSpec, NumberSpec, Option, TextSpec
from patron_engine.model.model import Model, Object, say

JsonValue = dict[str, Any]

DECIMAL: JsonValue = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["1250.50"]}
DATE: JsonValue = {"type": "string", "format": "date", "examples": ["2026-03-31"]}
MOMENT: JsonValue = {"type": "string", "format": "date-time", "examples": ["2026-03-31T08:30:00Z"]}
ID: JsonValue = {"type": "string", "format": "uuid"}
TEXT: JsonValue = {"type": "string"}
ADDRESS_PARTS = ("country", "province", "city", "district", "street", "postcode")

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
    "date_range": {"type": "object", "properties": {"from": DATE, "to": DATE}, "additionalProperties": False},
    "address": {
        "type": "object",
        "properties": {part: TEXT for part in ADDRESS_PARTS},
        "additionalProperties": False,
    },
    "location": {
        "type": "object",
        "properties": {"lat": DECIMAL, "lng": DECIMAL},
        "required": ["lat", "lng"],
        "additionalProperties": False,
    },
}
BY_KIND: Mapping[str, JsonValue] = {
    "number": DECIMAL, "text": TEXT, "choice": TEXT, "boolean": {"type": "boolean"}, "date": DATE, "datetime": MOMENT,
    "duration": {"type": "integer"}, "link": ID, "time": {"type": "string", "format": "time"},
}  # fmt: skip


def describe(model: Model, actor: Actor, workspace: str, address: str) -> JsonValue:
    """The whole document."""
    schemas: JsonValue = {"Problem": PROBLEM}
    paths: JsonValue = {}
    for object in model.objects.values():
        fields = readable(model, actor, object.name)
        if not fields:
            continue
        label = say(object.label, actor.languages)
        schemas[object.name] = _record(model, actor, object, fields, label)
        schemas[f"{object.name}_write"] = _body(model, actor, object, label)
        paths.update(_paths(object.name, label))
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
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
            },
        },
        "paths": paths,
    }


def _record(
    model: Model, actor: Actor, object: Object, fields: Mapping[str, Field], label: str
) -> JsonValue:
    properties = {name: _field(field, actor, answer=True) for name, field in fields.items()}
    return {"type": "object", "title": label, "properties": properties}


def _body(model: Model, actor: Actor, object: Object, label: str) -> JsonValue:
    fields = {n: f for n, f in writable(model, actor, object.name).items() if not f.computed}
    properties = {name: _field(field, actor, answer=False) for name, field in fields.items()}
    for name in object.details:
        child = object.sets[name].object
        properties[name] = {
            "type": "array",
            "items": {
                "allOf": [
                    {"$ref": f"#/components/schemas/{child}_write"},
                    {"type": "object", "properties": {"id": ID, "version": {"type": "integer"}, "delete": {"const": True}}},
                ]
            },
        }
    required = [n for n, f in fields.items() if f.required is True and f.default is None and not f.system]
    made: JsonValue = {"type": "object", "title": label, "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made


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
    if "type" in made and isinstance(made["type"], str):
        made["type"] = [made["type"], "null"]
    return made


def _value(field: Field, actor: Actor, *, answer: bool) -> JsonValue:
    spec = field.spec
    if isinstance(spec, LinkSpec):
        return _link(spec, answer=answer)
    if isinstance(spec, ChoiceSpec):
        return _choice(field, spec, actor)
    if field.type in ("formula", "rollup"):
        return BY_KIND.get(field.expr.kind, {})
    made = dict(PLAIN.get(field.type, TEXT))
    if isinstance(spec, TextSpec):
        made["maxLength"] = spec.max_length
        if spec.pattern:
            made["pattern"] = spec.pattern
    if isinstance(spec, NumberSpec) and made.get("type") == "integer":
        made.update({k: int(v) for k, v in (("minimum", spec.min), ("maximum", spec.max)) if v is not None})
    return made


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
        by = {"type": "object", "minProperties": 1, "maxProperties": 1, "description": "unique field or external id"}
        one = {"anyOf": [ID, by], "description": title}
    return {"type": "array", "items": one} if spec.many else one


def _choice(field: Field, spec: ChoiceSpec, actor: Actor) -> JsonValue:
    texts = "; ".join(f"{o.name}: {say(o.label, actor.languages)}" for o in spec.options[:100] if o.label)
    if field.type == "cascade":
        return {"type": "string", "description": "path of options, joined by /"}
    one: JsonValue = {"type": "string"} if spec.free else {"enum": [*(o.name for o in _live(spec.options)), None]}
    if texts:
        one["description"] = texts
    if field.type in ("multi_select", "tags"):
        items = {**one, "enum": [o for o in one["enum"] if o is not None]} if "enum" in one else one
        return {"type": "array", "items": items}
    return one


def _live(options: tuple[Option, ...]) -> list[Option]:
    return [o for o in options if not o.retired]


def _paths(name: str, label: str) -> JsonValue:
    record = {"$ref": f"#/components/schemas/{name}"}
    body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}_write"}}}, "required": True}
    one = {"description": "The record", "content": {"application/json": {"schema": record}}}
    page: JsonValue = {
        "type": "object",
        "properties": {
            "records": {"type": "array", "items": record},
            "next": {"type": ["string", "null"]},
            "count": {"type": ["integer", "null"]},
        },
    }
    many = {"description": "A page of records", "content": {"application/json": {"schema": page}}}
    refused = {"default": {"$ref": "#/components/responses/Refused"}}
    gone = {"200": {"description": "In the recycle bin"}, **refused}
    id_parameter = {"name": "id", "in": "path", "required": True, "schema": ID}
    return {
        f"/records/{name}": {
            "get": _act(f"list_{name}", f"List: {label}", {"200": many, **refused}, label, LIST_PARAMETERS),
            "post": _act(f"create_{name}", f"Create: {label}", {"201": one, **refused}, label, body=body),
        },
        f"/records/{name}/{{id}}": {
            "parameters": [id_parameter],
            "get": _act(f"read_{name}", f"Read: {label}", {"200": one, **refused}, label),
            "patch": _act(f"update_{name}", f"Update: {label}", {"200": one, **refused}, label, body=body),
            "delete": _act(f"delete_{name}", f"Delete: {label}", gone, label),
        },
    }


def _act(
    operation: str,
    summary: str,
    responses: JsonValue,
    tag: str,
    parameters: list[JsonValue] | None = None,
    body: JsonValue | None = None,
) -> JsonValue:
    made: JsonValue = {"operationId": operation, "summary": summary, "tags": [tag], "responses": responses}
    if parameters:
        made["parameters"] = parameters
    if body:
        made["requestBody"] = body
    return made


def _query(name: str, schema: JsonValue, description: str) -> JsonValue:
    return {"name": name, "in": "query", "schema": schema, "description": description}


LIST_PARAMETERS: list[JsonValue] = [
    _query("where", TEXT, "A condition in the expression language: amount > 1000 and stage == 'won'"),
    _query("sort", TEXT, "Fields, joined by commas; a minus before one turns it round: -close_date,name"),
    _query("fields", TEXT, "Fields and paths, joined by commas: name,account.name"),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Records a page"),
    _query("after", TEXT, "`next` of the page before"),
    _query("count", {"enum": ["none", "exact", "estimate"], "default": "none"}, "Whether to count"),
]
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
