"""Snapshot: a record with its details, as its approval keeps it. Part of the way approve.

In: a record. Out: its values as JSON, whoever asks; nothing of one that cannot be read. Of a change that waits: what it would make of
the fields it names, in whatever form it was sent. Changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from patron_engine.actor import SYSTEM
from patron_engine.approval.value import Instance
from patron_engine.errors import PatronError
from patron_engine.jsonio import loads
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.intended import as_intended
from patron_engine.ways.read import read_one


def snapshot(conn: Conn, call: Call, object: str, record: str) -> dict[str, Any]:
    """The record as it is, with its details, as its JSON has it."""
    whole = replace(call, actor=SYSTEM)
    found = call.model.objects[object]
    names = [n for n, f in found.fields.items() if f.type != "secret"]
    try:
        kept: dict[str, Any] = loads(
            read_one(conn, whole, object, record, fields=names, expand=found.details).json
        )
    except PatronError:
        return {}
    return kept


def with_values(conn: Conn, call: Call, instance: Instance) -> Instance:
    """The instance, its intent with the values that the change would write."""
    intent = instance.intent
    if intent is None:
        return instance
    with as_intended(conn, call, instance):
        then = snapshot(conn, call, instance.object, instance.record)
    values = {name: then[name] for name in intent["set"] if name in then}
    return replace(instance, intent={**intent, "values": values})
