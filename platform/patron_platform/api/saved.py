"""Saved: what the API answers after a save: the record as it is now, what became of a change, or the approval it waits for.

In: a write transaction, a change. Out: an `Answer`, with the headers that tell version, place, warnings and approval.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_engine.jsonio import dumps
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.ways.read import Reading, read_one
from patron_engine.ways.save import save
from patron_platform.api.approvals_written import instance_json
from patron_platform.api.idempotency import Answer
from patron_platform.api.requests import etag
from patron_platform.phrases import Languages, at_field


def saved(conn: psycopg.Connection[Any], call: Call, change: Change, *, created: bool = False) -> Answer:
    """Saves and answers with the record as it is now."""
    reading = Reading(call)
    outcome = save(conn, call, [change], reading=reading)[0]
    if outcome.action == "submitted":
        return _waits(conn, call, outcome)
    found = reading.found or read_one(conn, call, outcome.object, str(outcome.id))
    headers = etag(found.version)
    made = created or outcome.action == "created"
    if made:
        headers["Location"] = f"/api/v1/records/{outcome.object}/{outcome.id}"
    if outcome.instance is not None:
        headers["Patron-Approval"] = outcome.instance
    if outcome.problems:
        headers["Patron-Warnings"] = ",".join(sorted({p.rule or p.code for p in outcome.problems}))
    return Answer(found.json, 201 if made else 200, headers)


def done(conn: psycopg.Connection[Any], call: Call, change: Change) -> Answer:
    outcome = save(conn, call, [change])[0]
    if outcome.action == "submitted":
        return _waits(conn, call, outcome)
    return Answer(dumps(result(outcome, call.actor.languages)))


def _waits(conn: psycopg.Connection[Any], call: Call, outcome: Outcome) -> Answer:
    """The act waits for an approval: its instance."""
    return Answer(dumps(instance_json(conn, call, str(outcome.instance))), 202)


def result(outcome: Outcome, languages: Languages) -> dict[str, Any]:
    made: dict[str, Any] = {"action": outcome.action, "id": outcome.id, "version": outcome.version}
    if outcome.instance is not None:
        made["instance"] = outcome.instance
    if outcome.problems:
        made["problems"] = [at_field(p, languages) for p in outcome.problems]
    return made
