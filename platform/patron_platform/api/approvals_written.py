"""Approvals as JSON: what the way approve gives, with reasons in the reader's language.

In: `Seen`s, boxes, instances. Out: plain values for `dumps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from patron_engine.approval.value import Instance, Task
from patron_engine.query.call import Call
from patron_engine.ways.approval_box import Box
from patron_engine.ways.approval_drawn import drawn
from patron_engine.ways.approvals_seen import FieldSeen, Mine, Seen, look
from patron_platform.phrases import written


def plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def instance_json(conn: psycopg.Connection[Any], call: Call, id: str) -> dict[str, Any]:
    """One instance for the caller."""
    return seen_json(conn, call, look(conn, call, id))


def seen_json(conn: psycopg.Connection[Any], call: Call, seen: Seen) -> dict[str, Any]:
    it = seen.instance
    named = {"submitter": it.submitter, "initiator": it.initiator}
    own = (
        "id",
        "approval",
        "object",
        "record",
        "state",
        "trigger",
        "began_at",
        "decided_at",
        "ended_at",
        "comment",
        "returned_from",
    )
    return {
        **{name: getattr(it, name) for name in own},
        **{name: person(seen.names, id) for name, id in named.items()},
        "label": seen.label, "subject": seen.subject, "steps": list(seen.steps), "intent": _intent(it, seen),
        "problems": [_problem(call, p) for p in it.problems], "route": drawn(conn, call, seen.route), "log": _log(seen),
        "tasks": [_task(t, seen.names) for t in it.tasks], "acts": acts(call, seen.acts),
        "mine": [_mine(call, m, seen.names) for m in seen.mine], "take_back": seen.take_back,
        "fields": [plain(f) for f in seen.fields], "differences": [plain(d) for d in seen.differences],
        "values": seen.record, "files": list(seen.files.values()), "summary": [_valued(f) for f in seen.summary], "names": dict(seen.names),
    }  # fmt: skip


def person(names: Mapping[str, str], id: str | None) -> dict[str, str] | None:
    return None if id is None else {"id": id, "name": names.get(id, "…")}


def _problem(call: Call, problem: Mapping[str, Any]) -> dict[str, Any]:
    said = problem.get("message")
    return dict(problem) if said is None else {**problem, "message": written(said, call.actor.languages)}


def acts(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """Act -> null where he may, else why not."""
    return {name: None if why is None else written(why, call.actor.languages) for name, why in given.items()}


def _intent(it: Instance, seen: Seen) -> dict[str, Any] | None:
    """What waits: the act and the fields he may read."""
    if it.intent is None:
        return None
    known = set(seen.record or ())
    return {"action": it.intent["action"], "set": {n: v for n, v in it.intent["set"].items() if n in known}}


def _log(seen: Seen) -> list[dict[str, Any]]:
    return [
        {**line, **{k: person(seen.names, line[k]) for k in ("by", "behalf", "person")}} for line in seen.log
    ]


def _task(task: Task, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{
            n: getattr(task, n)
            for n in ("id", "node", "round", "state", "kind", "how", "added_by", "claimed", "comment", "why")
        },
        **{n: getattr(task, n) for n in ("arrived_at", "due_at", "decided_at", "reminded", "urged_at")},
        **{n: person(names, getattr(task, n)) for n in ("person", "behalf", "decided_by")},
    }


def _mine(call: Call, mine: Mine, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "task": mine.task.id, "node": mine.task.node, "state": mine.task.state, "due_at": mine.task.due_at,
        "behalf": person(names, mine.task.behalf), "acts": acts(call, mine.acts), "buttons": dict(mine.buttons),
        "comment": mine.comment, "signature": mine.signature, "return_to": list(mine.return_to),
        "signers": [_task(t, names) for t in mine.signers], "choose": list(mine.choose), "print": mine.print,
        "among": mine.among,
    }  # fmt: skip


def _valued(field: FieldSeen) -> dict[str, Any]:
    return {"name": field.name, "label": field.label, "value": field.value}


def box_json(box: Box) -> dict[str, Any]:
    items = []
    for item in box.items:
        made = plain(item)
        made["approvers"] = [person(box.names, p) for p in item.approvers]
        for who in ("submitter", "behalf"):
            made[who] = person(box.names, made[who])
            del made[f"{who}_name"]
        items.append(made)
    return {"items": items, "counts": dict(box.counts), "next": box.following}


def names_json(people: Sequence[str], names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"id": p, "name": names.get(p, "…")} for p in people]
