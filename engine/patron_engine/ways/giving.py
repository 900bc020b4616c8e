"""Giving: what steps of automations give and take, carried out as people share; who had his turn.

In: a connection, the frame of the call, a run, a command of flow/giving. Out: what the step's log says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.errors import NotFound
from patron_engine.flow import turns
from patron_engine.flow.giving import GiveRecord, Serve, TakeRecord
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.give import Wish, give, owner_of, take
from patron_engine.ways.principals import principal_of


def serve(conn: Conn, call: Call, run: Run, command: Serve) -> Mapping[str, Any]:
    turns.serve(conn, call, command.list, command.people)
    return {}


def give_record(conn: Conn, call: Call, run: Run, command: GiveRecord) -> Mapping[str, Any]:
    """As people share. Who has the record anyway, as its owner or by whose rights the run goes, gets nothing beside it."""
    owner = owner_of(conn, call, call.model.objects[command.object], command.id)
    if command.to.get("user") in (owner, call.actor.user or owner):
        return {}
    wish = Wish(reason=command.reason, to=command.to, level=command.level, until=command.until)
    return {"given": give(conn, call, command.object, command.id, wish)}


def take_record(conn: Conn, call: Call, run: Run, command: TakeRecord) -> Mapping[str, Any]:
    """What was not given needs no taking."""
    principal = principal_of(conn, call, command.to)
    try:
        return {"taken": take(conn, call, command.object, command.id, principal.id, "share")}
    except NotFound:
        return {"taken": 0}
