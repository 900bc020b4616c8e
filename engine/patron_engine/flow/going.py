"""Going: steps that decide how a run goes on: wait, run, stop. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from patron_engine.flow.act import Act
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import targets_of

LOOK_AGAIN: Final = timedelta(minutes=5)  # at the condition of a wait that no save of the record woke


def wait(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    """The first time it is seen when the wait ends at the latest; a run that is woken before looks at its condition."""
    until = step.expressions.get("until")
    holds = reading.holds(until, subjects) if until is not None else [False] * len(subjects)
    spans = _spans(reading, step, subjects)
    acts = []
    for subject, over, span in zip(subjects, holds, spans, strict=True):
        began = subject.run.loops.get("wait")
        ends = datetime.fromisoformat(began["until"]) if began and began["until"] else None
        if not began and span is not None:
            ends = after(reading.call.now, read_span(span), reading.context)
        late = ends is not None and ends <= reading.call.now
        if over or late:
            acts.append(Act(result={"timed_out": not over and until is not None}))
        else:
            again = reading.call.now + LOOK_AGAIN if until is not None else None
            acts.append(Act(waits=True, until=ends, again=again))
    return acts


def _spans(reading: Reading, step: Step, subjects: Sequence[Subject]) -> list[str | None]:
    expression = step.expressions.get("for")
    if expression is None:
        return [step.body.get("for")] * len(subjects)
    made = reading.evaluate(expression, subjects)
    return [None if v is None else v if isinstance(v, str) else f"{int(v) // 60} minutes" for v in made]


def run(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    targets = targets_of(reading, step, subjects)
    return [Act(begins=tuple((step.body["automation"], o, i) for _, o, i in found)) for found in targets]


def stop(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    return [Act(stops="stop") for _ in subjects]
