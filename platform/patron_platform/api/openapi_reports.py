"""Paths of reports, for the OpenAPI description.

In: nothing. Out: path -> item, as JSON values. Which reports there are the API itself lists: they are not told here one by one.
"""

from __future__ import annotations

from patron_platform.api.openapi_paths import REFUSED, TEXT, JsonValue, answers, in_path, list_of, record_of

_ANY: JsonValue = {"type": "object"}
_MEMBER: JsonValue = {
    "description": "an option's name, a record's id, the first day of a period, the number of a bucket; null without value; "
    '{"rest": true} for everything beyond the limit'
}
_KEY: JsonValue = list_of(_MEMBER)
_CELL: JsonValue = record_of(
    {
        "rows": _KEY,
        "columns": _KEY,
        "values": {"type": "object", "description": "figure by measure, decimals as text"},
    }
)
_AXIS: JsonValue = record_of(
    {"name": TEXT, "label": TEXT, "kind": TEXT, "path": TEXT, "by": TEXT, "members": list_of(_ANY)}
)
_ANSWER: JsonValue = record_of(
    {
        "report": TEXT, "type": TEXT, "object": TEXT, "rows": list_of(_AXIS), "columns": list_of(_AXIS),
        "measures": list_of(_ANY), "row_keys": list_of(_KEY), "column_keys": list_of(_KEY), "cells": list_of(_CELL),
        "parameters": _ANY, "references": list_of(_ANY), "notes": list_of(TEXT), "as_of": TEXT, "since": TEXT, "kept_at": TEXT,
        "currency": TEXT,
    }
)  # fmt: skip
_ASKED: JsonValue = {
    "parameters": {"type": "object", "description": "values by name; those not named have their defaults"},
    "filters": {**list_of(TEXT), "description": "further conditions over the report's records"},
    "as_of": {
        "description": "a past day or moment, or {from, to}: each figure then, later and by how much it changed"
    },
}
_BEHIND: JsonValue = {
    **_ASKED, "rows": _KEY, "columns": _KEY, "measure": TEXT, "fields": list_of(TEXT), "sort": list_of(TEXT),
    "limit": {"type": "integer"}, "after": TEXT, "count": TEXT,
}  # fmt: skip
_NAME: JsonValue = {"parameters": [in_path("name", TEXT)]}


def _operation(name: str, summary: str, answer: JsonValue, body: JsonValue | None = None) -> JsonValue:
    made: JsonValue = {
        "operationId": name,
        "summary": summary,
        "tags": ["reports"],
        "responses": {**answers("200", summary, answer), **REFUSED},
    }
    if body is not None:
        schema = {**record_of(body), "additionalProperties": False}
        made["requestBody"] = {"content": {"application/json": {"schema": schema}}, "required": True}
    return made


REPORTS: JsonValue = {
    "/reports": {
        "get": _operation("list_reports", "Reports one may open", record_of({"reports": list_of(_ANY)}))
    },
    "/reports/{name}": {
        **_NAME,
        "get": _operation("read_report", "Its figures; parameters in the address", _ANSWER),
        "post": _operation("run_report", "Its figures, with parameters and filters", _ANSWER, _ASKED),
    },
    "/reports/{name}/records": {
        **_NAME,
        "post": _operation("read_report_records", "The records behind one figure", _ANY, _BEHIND),
    },
}
