"""Carrying: effects of steps that are not changes of records, carried out in the transaction of the run.

In: a connection, the frame of the call, a run, a command. Out: what the step's log says of it, beside what it did; under `gave` the
records that later steps read (ways/steps). A command that cannot be carried out raises a PatronError: the step then fails as one whose change was refused does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from patron_engine.actor import Cause
from patron_engine.flow.act import Command
from patron_engine.flow.converting import Convert
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.convert import convert

Carrier = Callable[[Conn, Call, Run, Any], Mapping[str, Any]]


def _convert(conn: Conn, call: Call, run: Run, command: Convert) -> Mapping[str, Any]:
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


CARRIERS: Final[Mapping[type[Command], Carrier]] = {Convert: _convert}


def carry(conn: Conn, call: Call, run: Run, command: Command) -> Mapping[str, Any]:
    """Carries one command out."""
    return CARRIERS[type(command)](conn, call, run, command)
