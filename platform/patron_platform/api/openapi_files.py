"""Paths of files, for the OpenAPI description: sending and fetching one, and the files of a record itself.

In: nothing, or an object and its label. Out: path -> item, as JSON values.
"""

from __future__ import annotations

from functools import partial

from patron_engine.model.model import Object
from patron_engine.query.files import FEATURE
from patron_platform.api.openapi_paths import (
    ID,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    REFUSED,
    TEXT,
    JsonValue,
    answers,
    header,
    in_path,
    list_of,
    operation,
    query,
    record_of,
    ref,
)

FILE: JsonValue = {
    "type": "object",
    "description": "a file; its bytes are at /files/{id}",
    "properties": {
        "id": ID,
        "name": TEXT,
        "mime": {"type": "string", "description": "what its bytes say it is"},
        "size": {"type": "integer", "description": "bytes"},
        "sha256": TEXT,
        "created_at": {"type": "string", "format": "date-time"},
        "created_by": {
            "type": ["object", "null"],
            "properties": {"id": ID, "title": {"type": ["string", "null"]}},
        },
    },
}
BYTES: JsonValue = {"type": "string", "format": "binary"}
_SENT = {**record_of({"file": BYTES}), "required": ["file"], "additionalProperties": False}
_NAME = header(
    "Content-Disposition", "The name, where the body is the file itself: attachment; filename*=UTF-8''a.pdf"
)
_FETCHING = [
    query("inline", {"type": "boolean", "default": False}, "Show a picture or a PDF in place"),
    header("Range", "One range of bytes: bytes=0-1023"),
    header("If-None-Match", "The ETag of what is there already"),
]


def _bytes(description: str) -> JsonValue:
    return {"description": description, "content": {"application/octet-stream": {"schema": BYTES}}}


SENDING: JsonValue = {
    "/files": {
        "post": {
            "operationId": "send_file",
            "summary": "Send a file; it is the sender's until a record names its id",
            "tags": ["Files"],
            "parameters": [_NAME, IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": _SENT}, "*/*": {"schema": BYTES}},
            },
            "responses": {**answers("201", "The file", ref("File")), **REFUSED},
        }
    },
    "/files/{id}": {
        "parameters": [in_path("id", ID)],
        "get": {
            "operationId": "fetch_file",
            "summary": "Fetch a file; whoever may read what it hangs on may",
            "tags": ["Files"],
            "parameters": _FETCHING,
            "responses": {
                "200": _bytes("The file"),
                "206": _bytes("The range that was asked for"),
                "304": {"description": "It is as it was"},
                **REFUSED,
            },
        },
        "delete": {
            "operationId": "discard_file",
            "summary": "Throw away an upload of one's own that no record names",
            "tags": ["Files"],
            "parameters": [IDEMPOTENCY_KEY],
            "responses": {**answers("200", "What became of it", ref("Result")), **REFUSED},
        },
    },
}


def file_paths_of(object: Object, label: str) -> JsonValue:
    """The addresses of the files of its records themselves; none without the feature."""
    if FEATURE not in object.features:
        return {}
    act, here = partial(operation, object.name, label), f"/records/{object.name}/{{id}}/files"
    every = answers("200", "Its files", record_of({"files": list_of(ref("File"))}))
    added, gone = answers("201", "The file", ref("File")), answers("200", "What became of it", ref("Result"))
    body = {**record_of({"file": ID}), "required": ["file"], "additionalProperties": False}
    writing = [IF_MATCH, IDEMPOTENCY_KEY]
    return {
        here: {
            "parameters": [in_path("id", ID)],
            "get": act("files", "Files of the record itself", every, []),
            "post": act("add_file", "Hang a file that was sent on the record", added, writing, body),
        },
        f"{here}/{{file}}": {
            "parameters": [in_path("id", ID), in_path("file", ID)],
            "delete": act("take_off_file", "Take a file off the record", gone, writing),
        },
    }
