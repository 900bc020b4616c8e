"""Converted: the step `convert` of an automation, carried out as a person converts.

In: a connection, the frame of the call, a run, a command of flow/converting. Out: the records, and what later steps read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patron_engine.actor import Cause
from patron_engine.flow.converting import Convert
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.convert import convert


def convert_record(conn: Conn, call: Call, run: Run, command: Convert) -> Mapping[str, Any]:
    detail = {**call.cause.detail, "run": run.id, "causer": run.causer}
    call = replace(call, cause=Cause(kind=call.cause.kind, detail=detail))
    done = convert(conn, call, command.object, command.record, command.conversion)
    gave = {m.target: {"object": m.object, "id": m.id} for m in done.made}
    first = next((m for m in done.made if m.id is not None), None)
    records = [{"object": m.object, "id": m.id, "did": m.did} for m in done.made if m.id is not None]
    return {
        "records": records,
        "gave": {**gave, **({"": {"object": first.object, "id": first.id}} if first else {})},
    }
