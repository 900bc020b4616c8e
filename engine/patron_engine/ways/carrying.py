"""Carrying: effects of steps that are not changes of records, carried out in the transaction of the run.

In: a connection, the frame of the call, a run, a command. Out: what the step's log says of it, beside what it did; under `gave`
the records that later steps read (ways/steps). A command that cannot be carried out raises a PatronError: the step then fails as one
whose change was refused does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from patron_engine.flow.act import Command
from patron_engine.flow.approvals import StartApproval, WithdrawApproval
from patron_engine.flow.assigning import Chosen
from patron_engine.flow.calling import Leave, Revive
from patron_engine.flow.converting import Convert
from patron_engine.flow.giving import GiveRecord, Serve, TakeRecord
from patron_engine.flow.mailing import Mail
from patron_engine.flow.run import Run
from patron_engine.flow.telling import Tell
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways import chosen, converted, giving, leaving, mailing
from patron_engine.ways.doors import approvals

Carrier = Callable[[Conn, Call, Run, Any], Mapping[str, Any]]


def _start(conn: Conn, call: Call, run: Run, command: StartApproval) -> Mapping[str, Any]:
    given = (command.object, command.record, command.approval, run.causer)
    return {"instance": approvals().start(conn, call, *given)}


def _withdraw(conn: Conn, call: Call, run: Run, command: WithdrawApproval) -> Mapping[str, Any]:
    return {"instance": approvals().withdraw(conn, call, command.object, command.record, command.reason)}


CARRIERS: Final[Mapping[type[Command], Carrier]] = {
    Chosen: chosen.keep_chosen,
    Convert: converted.convert_record,
    GiveRecord: giving.give_record,
    Leave: leaving.leave,
    Mail: mailing.mail_out,
    Revive: leaving.revive,
    Serve: giving.serve,
    StartApproval: _start,
    TakeRecord: giving.take_record,
    Tell: leaving.tell_people,
    WithdrawApproval: _withdraw,
}


def carry(conn: Conn, call: Call, run: Run, command: Command) -> Mapping[str, Any]:
    """Carries one command out."""
    return CARRIERS[type(command)](conn, call, run, command)
