"""Paths: the addresses of one object's records, for the OpenAPI description.

In: an object and its label. Out: path -> item, as JSON values. Only what the object's features and sets give: no `void` where
nothing can be void. The schemas they name are made in `openapi.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patron_engine.model.model import Object
from patron_engine.query.parse import PARAMETERS
from patron_engine.query.spec import DEFAULT_LIMIT, MAX_LIMIT

JsonValue = dict[str, Any]

TEXT: JsonValue = {"type": "string"}
ID: JsonValue = {"type": "string", "format": "uuid"}


def _ref(name: str) -> JsonValue:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(schema: JsonValue) -> JsonValue:
    return {"type": "array", "items": schema}


def _record_of(properties: JsonValue) -> JsonValue:
    return {"type": "object", "properties": properties}


def _query(name: str, schema: JsonValue, description: str) -> JsonValue:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _header(name: str, description: str) -> JsonValue:
    return {"name": name, "in": "header", "schema": TEXT, "description": description}


def _in_path(name: str, schema: JsonValue) -> JsonValue:
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
LIST_PARAMETERS = [_query(name, *_ASKED[name]) for name in PARAMETERS]
ONE_PARAMETERS = [
    _query("fields", TEXT, "Fields and paths, joined by commas: name,account.name"),
    _query("expand", TEXT, "Sets of details to answer with the record, joined by commas"),
]
QUESTION: JsonValue = {
    **_record_of(
        {name: _list(TEXT) if name in ("sort", "fields") else schema for name, (schema, _) in _ASKED.items()}
        | {"ids": _list(ID)}
    ),
    "additionalProperties": False,
}
IDEMPOTENCY_KEY = _header(
    "Idempotency-Key", "Repeated within 24 hours with the same body: one effect, the first answer"
)
IF_MATCH = _header("If-Match", "The ETag that was read; 412 with both values when somebody else was faster")
CONFIRM = _query("confirm", TEXT, "Rules whose warnings are accepted, joined by commas")
WRITING = [CONFIRM, IDEMPOTENCY_KEY]
CHANGING = [CONFIRM, IF_MATCH, IDEMPOTENCY_KEY]
REFUSED: JsonValue = {"default": {"$ref": "#/components/responses/Refused"}}


@dataclass(frozen=True, slots=True)
class _Records:
    """The records of one object: makes operations with its name and label in them."""

    name: str
    label: str

    @property
    def record(self) -> JsonValue:
        return _ref(self.name)

    def of(self, use: str) -> JsonValue:
        return _ref(f"{self.name}.{use}")

    def act(
        self,
        verb: str,
        summary: str,
        answers: JsonValue,
        parameters: list[JsonValue],
        body: JsonValue | None = None,
    ) -> JsonValue:
        made: JsonValue = {
            "operationId": f"{verb}_{self.name}",
            "summary": f"{summary}: {self.label}",
            "tags": [self.label],
            "responses": {**answers, **REFUSED},
        }
        if parameters:
            made["parameters"] = parameters
        if body is not None:
            made["requestBody"] = {"content": {"application/json": {"schema": body}}, "required": True}
        return made


def paths_of(object: Object, label: str) -> JsonValue:
    """Every address of this object's records."""
    here = f"/records/{object.name}"
    records = _Records(object.name, label)
    made = {f"{here}{path}": item for path, item in _of_all(records).items()}
    for path, item in (_of_one(records, object) | _of_sets(records, object)).items():
        made[f"{here}/{{id}}{path}"] = {"parameters": [_in_path("id", ID)], **item}
    return made


def _of_all(records: _Records) -> JsonValue:
    one, created = (
        _answers("200", "The record", records.record),
        _answers("201", "The record", records.record),
    )
    many = _answers("200", "A page of records", _page(records.record))
    results = _answers("200", "What became of each", _record_of({"results": _list(_ref("Result"))}))
    rows = _record_of({"mode": {"enum": ["all", "each"]}, "records": _list(records.of("row"))}) | {
        "required": ["records"]
    }
    change, write = records.of("change"), records.of("write")
    return {
        "": {
            "get": records.act("list", "List", many, LIST_PARAMETERS),
            "post": records.act("create", "Create", created, WRITING, write),
        },
        "/query": {"post": records.act("query", "List, asked by a body", many, [], QUESTION)},
        "/bulk": {
            "post": records.act("bulk", "Create, update and delete many", results, [IDEMPOTENCY_KEY], rows)
        },
        "/by/{field}/{value}": {
            "parameters": [_in_path("field", TEXT), _in_path("value", TEXT)],
            "put": records.act(
                "upsert", "Create or update by a unique field", one | created, CHANGING, change
            ),
        },
    }


def _of_one(records: _Records, object: Object) -> JsonValue:
    one, created = (
        _answers("200", "The record", records.record),
        _answers("201", "The record", records.record),
    )
    result = _answers("200", "What became of it", _ref("Result"))
    entries = _answers("200", "What happened to it", _record_of({"history": _list(_ref("HistoryEntry"))}))
    purge = _query("purge", {"type": "boolean"}, "For ever; only from the recycle bin")
    change = records.of("change")
    made: JsonValue = {
        "": {
            "get": records.act("read", "Read", one, ONE_PARAMETERS),
            "patch": records.act("update", "Update", one, CHANGING, change),
            "delete": records.act("delete", "Delete", result, [*CHANGING, purge]),
        },
        "/history": {"get": records.act("history", "History", entries, [])},
        "/clone": {"post": records.act("clone", "Clone with details", created, WRITING, change)},
    }
    for verb, summary in _acts(object).items():
        made[f"/{verb}"] = {"post": records.act(verb, summary, one, CHANGING, _record_of({}))}
    return made


def _of_sets(records: _Records, object: Object) -> JsonValue:
    if not object.sets:
        return {}
    related = _answers("200", "A page of records", _page({"type": "object"}))
    set = _in_path("set", {"enum": sorted(object.sets)})
    return {
        "/related/{set}": {
            "get": records.act("related", "Records of a set", related, [set, *LIST_PARAMETERS])
        }
    }


def _acts(object: Object) -> dict[str, str]:
    voiding = {"void": "Make void", "unvoid": "Make valid again"} if "void" in object.features else {}
    return {"restore": "Restore from the recycle bin", **voiding}


def _answers(status: str, description: str, schema: JsonValue) -> JsonValue:
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def _page(record: JsonValue) -> JsonValue:
    return _record_of(
        {
            "records": _list(record),
            "next": {"type": ["string", "null"]},
            "count": {"type": ["integer", "null"]},
        }
    )
