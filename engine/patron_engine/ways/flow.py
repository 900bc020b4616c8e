"""The way flow: what happens by itself.

    event -> which rule -> a run -> its step (pure) -> acts -> save, and where the run stands -> the next step

In: events that saves wrote, runs that are due. Out: runs further on. A step's effect and that it was done are one transaction; runs
that stand at the same step of the same automation take it together, in one save. What a step may not do fails alone: it is tried
again, and after a while parked. Flow never writes a record itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from patron_engine.actor import SYSTEM, Cause
from patron_engine.errors import NotFound, PatronError, ReleaseChanged
from patron_engine.flow import store
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run, because_of, circling, ended, failed
from patron_engine.flow.values import Reading, Subject
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.each import problems_of
from patron_engine.record.statements import Conn
from patron_engine.ways.doors import approvals
from patron_engine.ways.standing import Who
from patron_engine.ways.steps import Under, flow_named, instruction

Older = Callable[[Conn, int, str], Flow | None]  # an automation as a former release has it


# -- events begin runs --------------------------------------------------------------------------------------------


def begin(conn: Conn, call: Call) -> int:
    """Makes runs of the oldest events; how many events there were. Everything in the caller's write transaction."""
    events = store.take_events(conn, call.schema)
    begin_of(conn, call, events)
    return len(events)


def begin_of(conn: Conn, call: Call, events: Sequence[store.Event]) -> None:
    """Makes runs of events."""
    runs = []
    for event in events:
        flow = flow_named(call, event.payload["rule"])
        if flow is not None:
            runs.append(
                Run(
                    id=call.new_id(), rule=flow.name, version=flow.version, release=call.model.release, object=event.object,
                    record=event.record, causer=event.payload["event"].get("by"), event=event.payload["event"],
                    old=event.payload.get("old") or {}, via=tuple((r, i) for r, i in event.payload.get("via") or ()),
                )
            )  # fmt: skip
    start(conn, call, runs)


def start(conn: Conn, call: Call, runs: Sequence[Run]) -> list[Run]:
    """Begins runs: those that would go in circles are cut, those that were to be once and were are left out."""
    begun: list[Run] = []
    by_rule: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        why = circling(run.rule, run.record, run.via)
        by_rule[run.rule].append(run if why is None else ended(run, "cut", why))
    for name, mine in by_rule.items():
        flow = flow_named(call, name)
        if flow is not None:
            begun += _once(conn, call, flow, mine)
        begun = _at_most(conn, call, flow, begun) if flow is not None and flow.per_hour else begun
    order = {run.id: n for n, run in enumerate(runs)}
    begun.sort(key=lambda run: order[run.id])
    store.begin(conn, call.schema, begun, call.now)
    if call.trial is not None:
        call.trial.runs += begun
    return begun


def _at_most(conn: Conn, call: Call, flow: Flow, runs: list[Run]) -> list[Run]:
    """Runs of an automation beyond what it may begin in an hour begin in one of the hours after it, in their order."""
    most = flow.per_hour or 1
    begun = store.begun_since(conn, call.schema, flow.name, call.now - timedelta(hours=1))
    kept = []
    for run in runs:
        mine = run.rule == flow.name and run.state == "ready"
        late = begun // most if mine else 0
        kept.append(replace(run, due_at=call.now + timedelta(hours=late)) if late else run)
        begun += mine
    return kept


def _once(conn: Conn, call: Call, flow: Flow, runs: Sequence[Run]) -> list[Run]:
    open = [run for run in runs if run.state != "cut"]
    if flow.once == "per_change" or not open:
        return list(runs)
    if isinstance(flow.once, str):
        keys = [str(run.record) for run in open]
    else:
        try:
            found = Reading(conn, call).evaluate(flow.once, [Subject(run=run) for run in open])
        except PatronError as error:
            return [
                run if run.state == "cut" else ended(run, "parked", because_of(problems_of(error)))
                for run in runs
            ]
        keys = [f"{run.record}:{key}" for run, key in zip(open, found, strict=True)]
    free = store.once(conn, call.schema, flow.name, [(k, r.id) for k, r in zip(keys, open, strict=True)])
    return [run for run in runs if run.state == "cut" or run.id in free]


# -- runs go on ---------------------------------------------------------------------------------------------------


def go_on(conn: Conn, call: Call, who: Who, older: Older | None = None) -> int:
    """Takes the next step of the runs that are due and stand at the same place; how many there were."""
    store.wake(conn, call.schema, call.now)
    runs = store.claim(conn, call.schema, call.now)
    if not runs:
        return 0
    _told(conn, call, advance(conn, call, runs, who, older))
    return len(runs)


def go_on_alone(conn: Conn, call: Call, who: Who, older: Older | None = None) -> int:
    """The same with one run, after many together met an error that no step foresees: that one is put off, not the others. What had
    been woken was undone with them, so it is woken again: else one that waited would meet its error for ever, and hold up the rest."""
    store.wake(conn, call.schema, call.now)
    for run in store.claim(conn, call.schema, call.now, most=1):
        try:
            with conn.transaction():
                _told(conn, call, advance(conn, call, [run], who, older))
        except ReleaseChanged:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold up the workspace
            late = failed(run, f"{type(error).__name__}: {error}"[:500], call.now)
            store.keep(conn, call.schema, [late], call.now)
            _told(conn, call, Advanced(runs=(late,), problems={}))
        return 1
    return 0


def go_on_with(
    conn: Conn, call: Call, id: str, who: Who, older: Older | None = None
) -> tuple[Run, Sequence[Problem]]:
    """The next step of one run, if it is its turn; how it stands then, and why the step was refused. Whoever waits for a run
    need not wait for a worker."""
    problems: Sequence[Problem] = ()
    for run in store.claim(conn, call.schema, call.now, most=1, only=id):
        gone = advance(conn, call, [run], who, older)
        _told(conn, call, gone)
        problems = gone.problems.get(id, ())
    found = store.find(conn, call.schema, id)
    if found is None:
        raise NotFound(Phrase("there is no such run"), code="run_not_found")
    return found, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """Runs as they stand after a step, and why steps were refused, by run."""

    runs: Sequence[Run]
    problems: Mapping[str, Sequence[Problem]]


def advance(conn: Conn, call: Call, runs: Sequence[Run], who: Who, older: Older | None = None) -> Advanced:
    """One step further with runs of one automation, version and causer that stand at the same place."""
    first = runs[0]
    flow = flow_named(call, first.rule)
    if flow is None or flow.version != first.version:
        flow = older(conn, first.release, first.rule) if older is not None else None
    actor = None
    if flow is not None:
        actor = SYSTEM if flow.by_system else who(conn, call, first.causer) if first.causer else None
    if flow is None or actor is None:
        why = "definition_gone" if flow is None else "causer_gone"
        gone = [ended(run, "parked", why) for run in runs]
        store.keep(conn, call.schema, gone, call.now)
        return Advanced(runs=gone, problems={run.id: (Problem(code=why, message=why),) for run in runs})
    detail = {"rule": flow.name, "via": [*first.via, (first.rule, first.record)]}
    kind = "approval" if flow.name.startswith("approval:") else "automation"
    call = replace(call, actor=actor, cause=Cause(kind=kind, detail=detail))
    under = Under(conn, call, flow, Reading(conn, call))
    open = _stopped(under, runs)
    while open:
        by_place: dict[int, list[Run]] = defaultdict(list)
        for run in open:
            by_place[run.at].append(run)
        open = [run for at, mine in sorted(by_place.items()) for run in instruction(under, at, mine)]
    store.keep(conn, call.schema, under.kept.values(), call.now)
    store.log(conn, call.schema, under.log)
    start(conn, call, under.begins)
    return Advanced(runs=tuple(under.kept.values()), problems=under.problems)


def _told(conn: Conn, call: Call, gone: Advanced) -> None:
    """Approvals go on where the steps of a node have come to their end, and park where these are parked."""
    for run in gone.runs:
        if (
            run.rule.startswith("approval:")
            and "node" in run.event
            and run.state in ("done", "stopped", "parked")
        ):
            approvals().node_done(conn, call, run)


def _stopped(under: Under, runs: Sequence[Run]) -> list[Run]:
    """Without those whose `stop_when` holds by now."""
    if under.flow.stop_when is None:
        return list(runs)
    holds = under.reading.holds(under.flow.stop_when, [Subject(run=run) for run in runs])
    for run, over in zip(runs, holds, strict=True):
        if over:
            under.keep(ended(run, "stopped", "stop_when"))
    return [run for run, over in zip(runs, holds, strict=True) if not over]
