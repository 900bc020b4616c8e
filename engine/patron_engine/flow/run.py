"""Run: one automation under way for one record. A value; what happens to it are functions that give the next one.

In: where it stands and what a step gave. Out: the run after it: further on, waiting, done, to be tried again, parked.
Touches no database.

    ready      waits for a worker, from `due_at` on
    waiting    a step lets it wait: until `due_at`, or until its condition holds
    done, stopped       came to its end, or to a `stop`, or its `stop_when` holds
    parked     failed six times: somebody mends and replays it, or gives it up
    cut        it would have gone round in circles
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from patron_engine import jsonio
from patron_engine.flow.program import NOTHING
from patron_engine.phrases import Phrase, found_again, kept
from patron_engine.problems import Problem

State = Literal["ready", "waiting", "done", "stopped", "parked", "cut", "given_up"]
OPEN: Final = ("ready", "waiting", "parked")
MAX_LEVEL: Final = 10  # runs that start each other
PAUSES: Final = tuple(
    timedelta(seconds=s) for s in (10, 60, 300, 1_200, 3_600)
)  # before a failed step is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`event` is what `event.` offers; `old` the values before, in JSON form; `results` step -> what it gave; `loops` the
    items still to come of each loop under way, by its instruction. `via` are the rules and records that led here."""

    id: str
    rule: str
    version: str
    release: int
    object: str | None
    record: str | None
    causer: str | None
    event: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    old: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    via: tuple[tuple[str, str | None], ...] = ()
    at: int = 0
    results: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    loops: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    state: State = "ready"
    due_at: datetime | None = None
    attempts: int = 0
    steps: int = 0
    wrote: int = 0
    error: str | None = None


def gone_on(run: Run, to: int, result: Any = None, name: str | None = None, wrote: int = 0) -> Run:
    """After a step that was carried out. `result` is kept under the step's name."""
    results = {**run.results, name: result} if name is not None and result is not None else run.results
    return replace(
        run, at=to, results=results, steps=run.steps + 1, wrote=run.wrote + wrote, attempts=0, error=None, state="ready",
        due_at=None,
    )  # fmt: skip


def given(run: Run, name: str | None, gave: Mapping[str, Any]) -> Run:
    """With what a step gave besides: part -> record; "" is the step's own result, others are `steps.NAME.PART`."""
    more = {f"{name}.{part}" if part else name: record for part, record in gave.items()} if name else {}
    return replace(run, results={**run.results, **more})


def waiting(run: Run, until: datetime | None) -> Run:
    """It stands where it is, until then or until something wakes it."""
    return replace(run, state="waiting", due_at=until)


def ended(run: Run, state: State, error: str | None = None) -> Run:
    return replace(run, state=state, error=error, due_at=None)


def because_of(problems: Sequence[Problem]) -> str:
    """Why a step was refused, as a run keeps it: whoever looks at it reads it in his language."""
    return jsonio.dumps([kept(p.message) for p in problems]).decode()


def said(error: str | None) -> str | None:
    """What `because_of` kept, as a sentence; a word of ours, or what an error said, as it is."""
    if error is None or not error.startswith("["):
        return error
    try:
        sentences = [found_again(one) for one in jsonio.loads(error)]
    except ValueError:
        return error
    return sentences[0] if len(sentences) == 1 else Phrase("{reasons}", reasons=sentences)


def failed(run: Run, error: str, now: datetime) -> Run:
    """The step that failed is tried again after a pause; after the last pause the run is parked."""
    if run.attempts >= len(PAUSES):
        return replace(run, state="parked", error=error, due_at=None)
    pause = PAUSES[run.attempts]
    return replace(run, state="ready", attempts=run.attempts + 1, error=error, due_at=now + pause)


def circling(rule: str, record: str | None, via: tuple[tuple[str, str | None], ...]) -> str | None:
    """Why a run of this rule must not begin after those that led to it; None when it may."""
    if (rule, record) in via:
        return "met_itself"
    return "too_deep" if len(via) >= MAX_LEVEL else None
