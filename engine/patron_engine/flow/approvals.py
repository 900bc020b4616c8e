"""Approvals: steps that start and withdraw them. Plan stage.

In: a step, runs, what they read. Out: an `Act` with a command for each run. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patron_engine.flow.act import Act, Command
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import targets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StartApproval(Command):
    """A record is submitted: to the named approval, or to the first that fits."""

    object: str
    record: str
    approval: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawApproval(Command):
    object: str
    record: str
    reason: str | None


def start_approval(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return [
        Act(
            commands=tuple(StartApproval(object=o, record=i, approval=step.body.get("approval")) for _, o, i in found),
            told={} if found else {"left_out": "no_record"},
        )
        for found in targets_of(reading, step, subjects)
    ]  # fmt: skip


def withdraw_approval(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    reason = step.body.get("reason")
    text = reason if isinstance(reason, str) else None
    return [
        Act(
            commands=tuple(WithdrawApproval(object=o, record=i, reason=text) for _, o, i in found),
            told={} if found else {"left_out": "no_record"},
        )
        for found in targets_of(reading, step, subjects)
    ]  # fmt: skip
