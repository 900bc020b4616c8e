"""Raising: tells whoever listens what a way did to a record that no save tells by itself: that it was converted.

In: a record, the name of an event and what `event.` offers under it. Out: a row of `sys__event` for each automation that fits, as
record/events writes them for what a save does. Decided on the record as it is now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.automations import automations, events_of
from patron_engine.query.call import Call
from patron_engine.record.batch import CARRIED
from patron_engine.record.statements import Conn


def raise_event(
    conn: Conn, call: Call, object: str, record: str, name: str, offers: Mapping[str, Any]
) -> None:
    """`offers` are compared with what an automation's event names: `{event: converted, conversion: lead_to_customer}`."""
    by = call.actor.user or call.cause.detail.get("causer")
    event = {"name": name, "at": call.now.isoformat(), "by": by, **offers}
    for rule, body in automations(call.model):
        if body.get("object") != object or not any(
            entry["event"] == name and all(entry.get(k) in (None, v) for k, v in offers.items())
            for entry in events_of(body)
        ):
            continue
        run = Run(
            id=call.new_id(), rule=rule, version="", release=call.model.release, object=object, record=record,
            causer=by, event=event,
        )  # fmt: skip
        when = call.model.expressions.get(("automation", rule, "when"))
        if not Reading(conn, call).holds(when, [Subject(run=run)])[0]:
            continue
        payload = {
            "rule": rule, "event": event, "old": {},
            "cause": {k: v for k, v in call.cause.as_dict().items() if k not in CARRIED},
            "via": list(call.cause.detail.get("via", ())),
        }  # fmt: skip
        insert = sql.SQL(
            "INSERT INTO {} (at, object, record, kind, release, payload) VALUES (%s, %s, %s, %s, %s, %s)"
        )
        conn.execute(
            insert.format(sql.Identifier(call.schema, "sys__event")),
            (call.now, object, record, name, call.model.release, Jsonb(payload, dumps=jsonio.dumps)),
        )
