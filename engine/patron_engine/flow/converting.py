"""Converting: the step `convert {conversion}`. Plan stage.

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
class Convert(Command):
    """A record goes through a conversion: what is found is taken, everything else made."""

    conversion: str
    object: str
    record: str


def convert(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    acts = []
    for found in targets_of(reading, step, subjects):
        commands = tuple(
            Convert(conversion=step.body["conversion"], object=o, record=i) for _, o, i in found[:1]
        )
        acts.append(Act(commands=commands, told={} if found else {"left_out": "no_record"}))
    return acts
