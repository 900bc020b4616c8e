"""Paths of what is done with records beside saving them, for the OpenAPI description: buttons, conversions, merging, sharing, handing
over, pools; and of automations and their runs.

In: an object, its label, the model. Out: path -> item, as JSON values. Only what the definitions give: no `claim` without a pool.
"""

from __future__ import annotations

from functools import partial

from patron_engine.model.automations import events_of
from patron_engine.model.model import Model, Object
from patron_platform.api.openapi_paths import (
    CHOSEN,
    CONFIRM,
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
)

_ANY: JsonValue = {"type": "object"}
_TEXTS, _IDS = list_of(TEXT), list_of(ID)
_RULES: JsonValue = {**_TEXTS, "description": "rules whose warnings are accepted"}
_WHOM: JsonValue = {"type": "object", "description": "{user | role | group | department: id, code or e-mail}"}
_GIFT: JsonValue = {"level": {"enum": ["read", "edit"]}, "until": TEXT, "with": _TEXTS}
_HANDING: JsonValue = {
    "to": _WHOM,
    "keep": {"enum": ["read", "edit", None]},
    "with": _TEXTS,
    "confirm": _RULES,
}
_POOLS: JsonValue = {
    "claim": {"to": ID},
    "return": {"pool": TEXT, "reason": TEXT, "note": TEXT},
    "pool": {"pool": TEXT},
    "extend": {"note": TEXT, "grant": {"type": "boolean"}},
}
_SAID: JsonValue = {
    "claim": "Claim out of its pool",
    "return": "Give back to its pool",
    "pool": "Move to another pool",
    "extend": "Ask for more time before it goes back, or answer who asked",
}


def _body(properties: JsonValue, *required: str) -> JsonValue:
    return {**record_of(properties), "required": list(required), "additionalProperties": False}


def _results(description: str = "What became of each") -> JsonValue:
    return answers("200", description, record_of({"results": list_of(_ANY)}))


def flow_paths_of(object: Object, label: str, model: Model) -> JsonValue:
    """What is done with this object's records."""
    here, id = f"/records/{object.name}", [in_path("id", ID)]
    act = partial(operation, object.name, label)
    made: JsonValue = {
        f"{here}/duplicates": {
            "get": act(
                "duplicates", "Records that look alike", answers("200", "Pairs", _ANY), [query("after", TEXT, "`next` of the page before")]
            )
        },
        f"{here}/{{id}}/hanging": {"parameters": id, "get": act("hanging", "What a merge would move", answers("200", "By object", _ANY), [])},
        f"{here}/{{id}}/merge": {
            "parameters": id,
            "post": act(
                "merge", "Merge others into it", answers("200", "The merge, and what stayed", _ANY), [CONFIRM, IDEMPOTENCY_KEY],
                _body({"losers": _IDS, "choose": {"type": "object", "additionalProperties": ID}, "confirm": _RULES}, "losers"),
            ),
        },
        f"{here}/{{id}}/merge/{{merge_id}}/undo": {
            "parameters": [*id, in_path("merge_id", ID)],
            "post": act("unmerge", "Take a merge back", answers("200", "What stayed as it is", _ANY), [IDEMPOTENCY_KEY], record_of({})),
        },
    }  # fmt: skip
    if "owner" in object.fields:
        made |= _given(object, here, id, act)
    if any(b["object"] == object.name for (kind, _), b in model.documents.items() if kind == "pool"):
        for verb, keys in _POOLS.items():
            one = answers(
                "200", "Where it is now", record_of({"id": ID, "pool": TEXT, "waits": {"type": "boolean"}})
            )
            made[f"{here}/{{id}}/{verb}"] = {
                "parameters": id,
                "post": act(verb, _SAID[verb], one, [IDEMPOTENCY_KEY], _body(keys)),
            }
            many = _body({"ids": _IDS, **keys}, "ids")
            made[f"{here}/{verb}"] = {"post": act(f"{verb}_many", f"{_SAID[verb]}, several", _results(), [IDEMPOTENCY_KEY], many)}  # fmt: skip
    conversions = [
        n
        for (kind, n), b in sorted(model.documents.items())
        if kind == "conversion" and b["object"] == object.name
    ]
    return (
        made
        | _buttons(object, here, id, act, model)
        | (_converted(here, id, act, conversions) if conversions else {})
    )


def _given(object: Object, here: str, id: list[JsonValue], act: partial[JsonValue]) -> JsonValue:
    made: JsonValue = {}
    whom: JsonValue = {"share": {"to": _WHOM}, "members": {"user": ID, "role": TEXT}}
    for verb, summary in (("share", "Share"), ("members", "Team")):
        listed = answers("200", "Who has it", _ANY)
        made[f"{here}/{{id}}/{verb}"] = {
            "parameters": id,
            "get": act(f"list_{verb}", f"{summary}: who has it", listed, []),
            "post": act(
                f"add_{verb}", f"{summary}: give it to somebody", answers("201", "Who has it", _ANY), [IDEMPOTENCY_KEY],
                _body({**whom[verb], **_GIFT}, "to" if verb == "share" else "user"),
            ),
        }  # fmt: skip
        made[f"{here}/{{id}}/{verb}/{{principal}}"] = {
            "parameters": [*id, in_path("principal", ID)],
            "delete": act(
                f"end_{verb}", f"{summary}: take it back", {"204": {"description": "Taken back"}}, []
            ),
        }
    count = answers("200", "How many records went", record_of({"records": {"type": "integer"}}))
    made[f"{here}/{{id}}/transfer"] = {
        "parameters": id,
        "post": act("transfer", "Hand over", count, [IDEMPOTENCY_KEY], _body(_HANDING, "to")),
    }
    many = _body({"ids": _IDS, **_HANDING}, "ids", "to")
    made[f"{here}/transfer"] = {
        "post": act("transfer_many", "Hand several over", _results(), [IDEMPOTENCY_KEY], many)
    }
    return made


def _buttons(
    object: Object, here: str, id: list[JsonValue], act: partial[JsonValue], model: Model
) -> JsonValue:
    names = sorted(
        name
        for (kind, name), body in model.documents.items()
        if kind == "automation" and body.get("object") == object.name and any(e["event"] == "button" for e in events_of(body))
    )  # fmt: skip
    if not names:
        return {}
    run = answers(
        "200",
        "The run it began",
        record_of({"run": ID, "state": TEXT, "error": {"type": ["string", "null"]}}),
    )
    return {
        f"{here}/{{id}}/buttons": {"parameters": id, "get": act("buttons", "Its buttons", answers("200", "Buttons", _ANY), [])},
        f"{here}/{{id}}/buttons/{{name}}": {
            "parameters": [*id, in_path("name", {"enum": names})],
            "post": act("press", "Press a button", run, [IDEMPOTENCY_KEY], _body({"fields": _ANY, "confirm": _RULES, "chosen": CHOSEN})),
        },
    }  # fmt: skip


def _converted(here: str, id: list[JsonValue], act: partial[JsonValue], names: list[str]) -> JsonValue:
    name = in_path("name", {"enum": names})
    wish = record_of(
        {"record": ID, "new": {"type": "boolean"}, "leave_out": {"type": "boolean"}, "set": _ANY}
    )
    body = _body({"targets": {"type": "object", "additionalProperties": wish}, "confirm": _RULES})
    return {
        f"{here}/{{id}}/convert": {"parameters": id, "get": act("conversions", "Conversions that fit", answers("200", "Conversions", _ANY), [])},
        f"{here}/{{id}}/convert/{{name}}": {
            "parameters": [*id, name],
            "get": act("foresee", "What a conversion would make", answers("200", "Its targets", _ANY), []),
            "post": act("convert", "Convert", answers("201", "What was made", _ANY), [CONFIRM, IDEMPOTENCY_KEY], body),
        },
        f"{here}/convert/{{name}}": {
            "parameters": [name],
            "post": act("convert_many", "Convert several, each by itself", _results(), [CONFIRM, IDEMPOTENCY_KEY], _body({"ids": _IDS, "confirm": _RULES}, "ids")),
        },
    }  # fmt: skip


def _plain(
    name: str, summary: str, status: str, body: JsonValue | None = None, *parameters: JsonValue
) -> JsonValue:
    said = {"204": {"description": "Done"}} if status == "204" else answers(status, summary, _ANY)
    made: JsonValue = {
        "operationId": name,
        "summary": summary,
        "tags": ["automations"],
        "responses": {**said, **REFUSED},
    }
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = {"content": {"application/json": {"schema": body}}, "required": True}
    return made


_NAME, _RUN = [in_path("name", TEXT)], [in_path("id", ID)]
_TRY = _body({"records": _IDS, "set": _ANY, "event": TEXT})
_WHERE = _body({"where": TEXT})
AUTOMATIONS: JsonValue = {
    "/automations": {"get": _plain("list_automations", "Automations", "200")},
    "/automations/{name}/try": {"parameters": _NAME, "post": _plain("try_automation", "Try it; nothing of it stays", "200", _TRY)},
    "/automations/{name}/replay/preview": {"parameters": _NAME, "post": _plain("preview_replay", "Which records would run", "200", _WHERE)},
    "/automations/{name}/replay": {"parameters": _NAME, "post": _plain("replay_automation", "Run over existing records", "201", _WHERE)},
    "/automations/{name}/replays": {"parameters": _NAME, "get": _plain("list_replays", "Runs over existing records", "200")},
    "/automations/{name}/replays/{id}/{move}": {
        "parameters": [*_NAME, *_RUN, in_path("move", {"enum": ["pause", "resume", "stop"]})],
        "post": _plain("move_replay", "Pause, resume, stop", "200"),
    },
    "/automations/{name}/hook": {"parameters": _NAME, "get": _plain("read_hook", "Address and secret of its webhook", "200")},
    "/automations/{name}/hook/rotate": {"parameters": _NAME, "post": _plain("rotate_hook", "Another address and secret", "200")},
    "/runs": {
        "get": _plain(
            "list_runs", "Runs, the latest first", "200", None, query("rule", TEXT, "Of this automation"), query("state", TEXT, "In this state"),
            query("record", ID, "For this record"), query("before", {"type": "integer"}, "`next` of the page before"),
        )
    },
    "/runs/{id}": {"parameters": _RUN, "get": _plain("read_run", "A run and its steps", "200")},
    "/runs/{id}/replay": {"parameters": _RUN, "post": _plain("replay_run", "A parked run goes on", "204")},
    "/runs/{id}/give_up": {"parameters": _RUN, "post": _plain("give_run_up", "A parked run ends", "204")},
}  # fmt: skip
