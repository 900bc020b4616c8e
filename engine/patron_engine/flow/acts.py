"""Acts: what one step means for the runs that stand at it, found by its word. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here: ways/steps carries acts out, changes by
the save that people's forms use, commands by ways/carrying.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from patron_engine.flow.act import Act
from patron_engine.flow.approvals import start_approval, withdraw_approval
from patron_engine.flow.assigning import DO, assign_by_rules
from patron_engine.flow.calling import call
from patron_engine.flow.changing import create, delete, find, update, upsert
from patron_engine.flow.converting import convert
from patron_engine.flow.giving import add_member, assign, share, unshare
from patron_engine.flow.going import run, stop, wait
from patron_engine.flow.mailing import mail
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.telling import comment, notify
from patron_engine.flow.values import Reading, Subject

_ACTS: Final[Mapping[str, Callable[[Reading, Flow, Step, Sequence[Subject]], list[Act]]]] = {
    "add_member": add_member,
    "assign": assign,
    "call": call,
    DO: assign_by_rules,
    "comment": comment,
    "convert": convert,
    "create": create,
    "delete": delete,
    "find": find,
    "mail": mail,
    "notify": notify,
    "run": run,
    "share": share,
    "start_approval": start_approval,
    "stop": stop,
    "unshare": unshare,
    "update": update,
    "upsert": upsert,
    "wait": wait,
    "withdraw_approval": withdraw_approval,
}


def acts_of(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """What the step does for each."""
    return _ACTS[step.do](reading, flow, step, subjects)
