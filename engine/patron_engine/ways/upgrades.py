"""Upgrades: a release in which a pack has another version than before starts automations that listen to `upgraded`. Part of flow.

In: the release whose clocks were planned before, the one in force. Out: runs begun. A pack that came or went was not upgraded.
"""

from __future__ import annotations

from psycopg import sql

from patron_engine.flow.run import Run
from patron_engine.flow.values import Reading
from patron_engine.model.automations import automations, events_of
from patron_engine.pack.version import fits
from patron_engine.ways.flow import start
from patron_engine.ways.steps import flow_named


def begin(reading: Reading, before: int) -> int:
    """The runs that began."""
    call = reading.call
    listening = [
        (rule, event)
        for rule, body in automations(call.model)
        for event in events_of(body)
        if event["event"] == "upgraded"
    ]
    if not listening or before == 0:
        return 0
    old, new = (_versions(reading, number) for number in (before, call.model.release))
    runs = []
    for rule, event in listening:
        program = flow_named(call, rule)
        for pack, version in new.items():
            was = old.get(pack, version)
            named = event.get("pack") in (None, pack) and was != version
            if program is None or not named or ("from" in event and not fits(was, event["from"])):
                continue
            offered = {
                "name": "upgraded",
                "at": call.now.isoformat(),
                "pack": pack,
                "from": was,
                "to": version,
            }
            runs.append(
                Run(
                    id=call.new_id(), rule=rule, version=program.version, release=call.model.release, object=None, record=None,
                    causer=None, event=offered,
                )
            )  # fmt: skip
    return len(start(reading.conn, call, runs))


def _versions(reading: Reading, release: int) -> dict[str, str]:
    """Pack -> its version in a release."""
    query = sql.SQL("SELECT DISTINCT layer, version FROM {} WHERE release = %s AND version <> ''").format(
        sql.Identifier(reading.call.schema, "sys__release_document")
    )
    return {layer: version for layer, version in reading.conn.execute(query, (release,)).fetchall()}
