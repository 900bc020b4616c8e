"""Carrying: effects of steps that are not changes of records, carried out in the transaction of the run.

In: a connection, the frame of the call, a run, a command. Out: what the step's log says of it, beside what it did. A command that
cannot be carried out raises a PatronError: the step then fails as one whose change was refused does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from patron_engine.errors import NotFound
from patron_engine.flow import turns
from patron_engine.flow.act import Command
from patron_engine.flow.giving import GiveRecord, Serve, TakeRecord
from patron_engine.flow.run import Run
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.give import Wish, give, owner_of, take
from patron_engine.ways.principals import principal_of

Carrier = Callable[[Conn, Call, Run, Any], Mapping[str, Any]]


def _served(conn: Conn, call: Call, run: Run, command: Serve) -> Mapping[str, Any]:
    turns.serve(conn, call, command.list, command.people)
    return {}


def _give(conn: Conn, call: Call, run: Run, command: GiveRecord) -> Mapping[str, Any]:
    """As people share. Who has the record anyway, as its owner or by whose rights the run goes, gets nothing beside it."""
    owner = owner_of(conn, call, call.model.objects[command.object], command.id)
    if command.to.get("user") in (owner, call.actor.user or owner):
        return {}
    wish = Wish(reason=command.reason, to=command.to, level=command.level, until=command.until)
    return {"given": give(conn, call, command.object, command.id, wish)}


def _take(conn: Conn, call: Call, run: Run, command: TakeRecord) -> Mapping[str, Any]:
    """What was not given needs no taking."""
    principal = principal_of(conn, call, command.to)
    try:
        return {"taken": take(conn, call, command.object, command.id, principal.id, "share")}
    except NotFound:
        return {"taken": 0}


CARRIERS: Final[Mapping[type[Command], Carrier]] = {Serve: _served, GiveRecord: _give, TakeRecord: _take}


def carry(conn: Conn, call: Call, run: Run, command: Command) -> Mapping[str, Any]:
    """Carries one command out."""
    return CARRIERS[type(command)](conn, call, run, command)
