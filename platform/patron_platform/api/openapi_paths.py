"""Paths: the addresses of one object's records, for the OpenAPI description.

In: an object and its label. Out: path -> item, as JSON values. Only what the object's features and sets give: no `void` where
nothing can be void. The schemas they name are made in `openapi.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from patron_engine.model.model import Object
from patron_engine.query.parse import PARAMETERS
from patron_engine.query.spec import DEFAULT_LIMIT, MAX_LIMIT

JsonValue = dict[str, Any]

TEXT: JsonValue = {"type": "string"}
ID: JsonValue = {"type": "string", "format": "uuid"}


def ref(name: str) -> JsonValue:
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: JsonValue) -> JsonValue:
    return {"type": "array", "items": schema}


def record_of(properties: JsonValue) -> JsonValue:
    return {"type": "object", "properties": properties}


def query(name: str, schema: JsonValue, description: str) -> JsonValue:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def header(name: str, description: str) -> JsonValue:
    return {"name": name, "in": "header", "schema": TEXT, "description": description}


def in_path(name: str, schema: JsonValue) -> JsonValue:
    return {"name": name, "in": "path", "required": True, "schema": schema}


_ASKED: JsonValue = {
    "where": (TEXT, "A condition in the expression language: amount > 1000 and stage == 'won'"),
    "sort": (TEXT, "Fields, joined by commas; a minus before one turns it round: -close_date,name"),
    "fields": (TEXT, "Fields and paths, joined by commas: name,account.name"),
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "Records a page",
    ),
    "after": (TEXT, "`next` of the page before"),
    "count": ({"enum": ["none", "exact", "estimate"], "default": "none"}, "Whether to count"),
    "deleted": ({"type": "boolean", "default": False}, "The recycle bin instead"),
    "voided": ({"enum": ["no", "yes", "only"], "default": "no"}, "Void records too, or only them"),
    "q": (TEXT, "Words to search for"),
}
LIST_PARAMETERS = [query(name, *_ASKED[name]) for name in PARAMETERS]
ONE_PARAMETERS = [
    query("fields", TEXT, "Fields and paths, joined by commas: name,account.name"),
    query("expand", TEXT, "Sets of details to answer with the record, joined by commas"),
]
QUESTION: JsonValue = {
    **record_of(
        {
            name: list_of(TEXT) if name in ("sort", "fields") else schema
            for name, (schema, _) in _ASKED.items()
        }
        | {"ids": list_of(ID)}
    ),
    "additionalProperties": False,
}
IDEMPOTENCY_KEY = header(
    "Idempotency-Key", "Repeated within 24 hours with the same body: one effect, the first answer"
)
IF_MATCH = header("If-Match", "The ETag that was read; 412 with both values when somebody else was faster")
CONFIRM = query("confirm", TEXT, "Rules whose warnings are accepted, joined by commas")
CHOSEN: JsonValue = {
    "type": "object", "additionalProperties": list_of(ID),
    "description": "step -> who decides there, of the approval that this begins; asked for with 422 `choose_people`",
}  # fmt: skip
WRITING = [CONFIRM, IDEMPOTENCY_KEY]
CHANGING = [CONFIRM, IF_MATCH, IDEMPOTENCY_KEY]
REFUSED: JsonValue = {"default": {"$ref": "#/components/responses/Refused"}}


def operation(
    name: str,
    label: str,
    verb: str,
    summary: str,
    responses: JsonValue,
    parameters: list[JsonValue],
    body: JsonValue | None = None,
) -> JsonValue:
    """One method of one address of an object."""
    made: JsonValue = {
        "operationId": f"{verb}_{name}",
        "summary": f"{summary}: {label}",
        "tags": [label],
        "responses": {**responses, **REFUSED},
    }
    if parameters:
        made["parameters"] = parameters
    if body is not None:
        made["requestBody"] = {"content": {"application/json": {"schema": body}}, "required": True}
    return made


def paths_of(object: Object, label: str) -> JsonValue:
    """Every address of this object's records."""
    name = object.name
    record, here = ref(name), f"/records/{name}"

    act = partial(operation, name, label)
    one, created = answers("200", "The record", record), answers("201", "The record", record)
    many = answers("200", "A page of records", _page(record))
    result = answers("200", "What became of it", ref("Result"))
    results = answers("200", "What became of each", record_of({"results": list_of(ref("Result"))}))
    entries = answers("200", "What happened to it", record_of({"history": list_of(ref("HistoryEntry"))}))
    rows = {
        **record_of({"mode": {"enum": ["all", "each"]}, "records": list_of(ref(f"{name}.row"))}),
        "required": ["records"],
    }
    delete = [*CHANGING, query("purge", {"type": "boolean"}, "For ever; only from the recycle bin")]
    nothing = record_of({})
    id = [in_path("id", ID)]
    made: JsonValue = {
        here: {
            "get": act("list", "List", many, LIST_PARAMETERS),
            "post": act("create", "Create", created, WRITING, ref(f"{name}.write")),
        },
        f"{here}/query": {"post": act("query", "List, asked by a body", many, [], QUESTION)},
        f"{here}/bulk": {
            "post": act("bulk", "Create, update and delete many", results, [IDEMPOTENCY_KEY], rows)
        },
        f"{here}/by/{{field}}/{{value}}": {
            "parameters": [in_path("field", TEXT), in_path("value", TEXT)],
            "put": act(
                "upsert",
                "Create or update by a unique field",
                one | created,
                CHANGING,
                ref(f"{name}.change"),
            ),
        },
        f"{here}/{{id}}": {
            "parameters": id,
            "get": act("read", "Read", one, ONE_PARAMETERS),
            "patch": act("update", "Update", one, CHANGING, ref(f"{name}.change")),
            "delete": act("delete", "Delete", result, delete),
        },
        f"{here}/{{id}}/history": {"parameters": id, "get": act("history", "History", entries, [])},
        f"{here}/{{id}}/clone": {
            "parameters": id,
            "post": act("clone", "Clone with details", created, WRITING, ref(f"{name}.change")),
        },
    }
    for verb, summary in _acts(object).items():
        made[f"{here}/{{id}}/{verb}"] = {"parameters": id, "post": act(verb, summary, one, CHANGING, nothing)}
    if object.sets:
        related = answers("200", "A page of records", _page({"type": "object"}))
        made[f"{here}/{{id}}/related/{{set}}"] = {
            "parameters": [*id, in_path("set", {"enum": sorted(object.sets)})],
            "get": act("related", "Records of a set", related, LIST_PARAMETERS),
        }
    return made


def _acts(object: Object) -> dict[str, str]:
    voiding = {"void": "Make void", "unvoid": "Make valid again"} if "void" in object.features else {}
    return {"restore": "Restore from the recycle bin", **voiding}


def answers(status: str, description: str, schema: JsonValue) -> JsonValue:
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def _page(record: JsonValue) -> JsonValue:
    return record_of(
        {
            "records": list_of(record),
            "next": {"type": ["string", "null"]},
            "count": {"type": ["integer", "null"]},
        }
    )
