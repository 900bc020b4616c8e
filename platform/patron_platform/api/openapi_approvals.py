"""Paths of approvals, for the OpenAPI description: submitting a record, boxes, what is done with a task.

In: an object that approvals are about, and its label. Out: path -> item, as JSON values.
"""

from __future__ import annotations

from functools import partial

from patron_engine.model.model import Model, Object
from patron_platform.api.openapi_paths import (
    ID,
    IDEMPOTENCY_KEY,
    REFUSED,
    TEXT,
    JsonValue,
    answers,
    in_path,
    list_of,
    operation,
    query,
    record_of,
    ref,
)

_PEOPLE: JsonValue = {"type": "object", "additionalProperties": list_of(ID)}
_COMMENT: JsonValue = {"comment": TEXT}
_ANY: JsonValue = {"type": "object"}
_PERSON: JsonValue = {"type": ["object", "null"], "properties": {"id": ID, "name": TEXT}}
_MOMENT: JsonValue = {"type": ["string", "null"], "format": "date-time"}
APPROVAL: JsonValue = {
    "type": "object",
    "description": "an approval under way, or over: its route, log and tasks, and what the caller may do",
    "properties": {
        "id": ID, "approval": TEXT, "label": TEXT, "subject": TEXT, "object": TEXT, "record": ID, "trigger": TEXT,
        "state": {"enum": ["running", "parked", "returned", "approved", "rejected", "withdrawn", "revoked", "ended"]},
        "submitter": _PERSON, "initiator": _PERSON, "steps": list_of(TEXT), "route": list_of(_ANY), "log": list_of(_ANY),
        "tasks": list_of(_ANY), "mine": list_of(_ANY), "acts": {"type": "object", "description": "act -> null, or why not"},
        "fields": list_of(_ANY), "values": {"type": ["object", "null"], "description": "the record as the caller reads it here"}, "differences": list_of(_ANY), "summary": list_of(_ANY), "files": list_of(_ANY), "intent": {"type": ["object", "null"]},
        "problems": list_of(_ANY), "comment": {"type": ["string", "null"]}, "began_at": _MOMENT, "decided_at": _MOMENT, "ended_at": _MOMENT,
    },
}  # fmt: skip
_WISH: JsonValue = {
    **record_of(
        {
            "comment": TEXT, "fields": {"type": "object", "description": "fields of the record that the step gives"},
            "to": {"description": "whom; of return: submitter, last or a step"}, "how": {"enum": ["before", "after", "beside"]},
            "signature": TEXT, "files": list_of(ID), "chosen": _PEOPLE, "confirm": {"type": "string", "description": "the changed route that was shown"}, "people": _PEOPLE,
        }
    ),
    "additionalProperties": False,
}  # fmt: skip
VERBS = (
    "approve", "finish", "reject", "return", "transfer", "delegate", "add-signer", "remove-signer", "claim", "ask", "comment", "take-back", "read",
)  # fmt: skip
_WHOLE = ("withdraw", "urge", "resubmit", "comment", "jump", "end", "revoke", "mend")


def approved_objects(model: Model) -> frozenset[str]:
    """The objects that approvals are about."""
    return frozenset(body["object"] for (kind, _), body in model.documents.items() if kind == "approval")


def approval_paths_of(object: Object, label: str) -> JsonValue:
    here, id = f"/records/{object.name}", [in_path("id", ID)]
    act = partial(operation, object.name, label)
    waits = answers("202", "It waits: the approval", ref("Approval"))
    done = answers("200", "It is over: the approval", ref("Approval"))
    submit = {
        **record_of({"chosen": _PEOPLE, **_COMMENT, "approval": TEXT, "button": TEXT}),
        "additionalProperties": False,
    }
    seen = answers(
        "200", "The latest, and what submitting would do", record_of({"instance": _ANY, "submit": _ANY})
    )
    whole = {
        **record_of(
            {
                **_COMMENT,
                "to": {"description": "a step, or people"},
                "people": _PEOPLE,
                "files": list_of(ID),
                "chosen": _PEOPLE,
            }
        ),
        "additionalProperties": False,
    }
    return {
        f"{here}/{{id}}/submit": {
            "parameters": id,
            "post": act("submit", "Submit for approval", waits | done, [IDEMPOTENCY_KEY], submit),
        },
        f"{here}/{{id}}/approval": {"parameters": id, "get": act("approval", "Its approval", seen, [])},
        f"{here}/{{id}}/approval/{{act}}": {
            "parameters": [*id, in_path("act", {"enum": list(_WHOLE)})],
            "post": act(
                "approval_act",
                "Withdraw, urge; administrators: jump, end …",
                waits | done,
                [IDEMPOTENCY_KEY],
                whole,
            ),
        },
    }


def _plain(
    name: str, summary: str, responses: JsonValue, body: JsonValue | None = None, *parameters: JsonValue
) -> JsonValue:
    made: JsonValue = {
        "operationId": name,
        "summary": summary,
        "tags": ["approvals"],
        "responses": {**responses, **REFUSED},
    }
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = {"content": {"application/json": {"schema": body}}, "required": True}
    return made


_BOX = [
    query("box", {"enum": ["waiting", "done", "started", "copied"], "default": "waiting"}, "Which box"),
    query("object", TEXT, "Only of this object"),
    query("approval", TEXT, "Only of this approval"),
    query("before", {"type": "integer"}, "`next` of the page before"),
]
_SUBSTITUTE = {
    **record_of({"person": ID, "substitute": ID, "from": TEXT, "until": TEXT, "approvals": list_of(TEXT), "objects": list_of(TEXT)}),
    "required": ["substitute"], "additionalProperties": False,
}  # fmt: skip
APPROVALS: JsonValue = {
    "/approvals": {
        "get": _plain("list_approvals", "A box", answers("200", "Items, counts", record_of({"items": list_of(_ANY), "counts": _ANY})), None, *_BOX)
    },
    "/approvals/batch": {
        "post": _plain(
            "decide_many", "Decide several tasks, each by itself", answers("200", "What became of each", record_of({"results": list_of(_ANY)})),
            {**record_of({"tasks": list_of(ID), "act": {"enum": ["approve", "reject"]}, "comment": TEXT}), "required": ["tasks", "act"]},
            IDEMPOTENCY_KEY,
        )
    },
    "/approvals/substitutes": {
        "get": _plain("list_substitutes", "Who stands in for whom", answers("200", "Substitutes", record_of({"substitutes": list_of(_ANY)}))),
        "post": _plain("name_substitute", "Name a substitute", answers("201", "The substitute", _ANY), _SUBSTITUTE, IDEMPOTENCY_KEY),
    },
    "/approvals/substitutes/{id}": {
        "parameters": [in_path("id", ID)],
        "delete": _plain("remove_substitute", "Take a substitute back", {"204": {"description": "Taken back"}}),
    },
    "/approvals/hand-over": {
        "post": _plain(
            "hand_over_tasks", "All tasks of a person to another", answers("200", "How many", record_of({"tasks": {"type": "integer"}})),
            {**record_of({"from": ID, "to": ID}), "required": ["from", "to"]}, IDEMPOTENCY_KEY,
        )
    },
    "/approvals/statistics": {
        "get": _plain(
            "approval_statistics", "How long what takes", answers("200", "Rows", record_of({"rows": list_of(_ANY)})), None,
            query("by", {"enum": ["node", "person", "both"]}, "What a row is of"), query("approval", TEXT, "Only of this approval"),
            query("since", TEXT, "Decided from"), query("until", TEXT, "Decided before"),
        )
    },
    "/approvals/definitions/{name}/take-over": {
        "parameters": [in_path("name", TEXT)],
        "post": _plain(
            "take_over_versions", "Running ones onto today's version", answers("200", "What becomes of each", record_of({"instances": list_of(_ANY)})),
            record_of({"nodes": {"type": "object", "additionalProperties": TEXT}, "dry_run": {"type": "boolean"}}), IDEMPOTENCY_KEY,
        )
    },
    "/approvals/{id}": {
        "parameters": [in_path("id", ID)],
        "get": _plain("read_approval", "An approval, by its id or a task's", answers("200", "The approval", ref("Approval"))),
    },
    "/approvals/{id}/{act}": {
        "parameters": [in_path("id", ID), in_path("act", {"enum": list(dict.fromkeys((*VERBS, *_WHOLE)))})],
        "post": _plain("act_on_task", "What an approver does with a task; withdraw, urge, end … with the whole", answers("200", "The approval", ref("Approval")), _WISH, IDEMPOTENCY_KEY),
    },
}  # fmt: skip
