"""The way flow: what happens by itself.

    event -> which rule -> a run -> its step (pure) -> acts -> save, and where the run stands -> the next step

In: events that saves wrote, runs that are due. Out: runs further on. A step's effect and that it was done are one transaction; runs
that stand at the same step of the same automation take it together, in one save. What a step may not do fails alone: it is tried
again, and after a while parked. Flow never writes a record itself.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.errors import PatronError, Refused
from patron_engine.flow import store
from patron_engine.flow.acts import MOST, Act, acts_of
from patron_engine.flow.program import Choose, Do, Flow, Jump, Loop, flow_of
from patron_engine.flow.run import Run, circling, ended, failed, gone_on, waiting
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.ways.save import save

Who = Callable[[Conn, Call, str], Actor | None]  # a user as he stands now; None when he may not do anything
LOOK_AGAIN: Final = timedelta(minutes=5)  # at a wait's condition, where no save of the record woke it
TOLD: Final = 20  # records that the log of a step names


def flow_named(call: Call, name: str) -> Flow | None:
    """The automation of that name, made once a release."""
    found: Flow | None = Programs.of(call.tables).keep(("flow", name), lambda: flow_of(call.model, name))
    return found


# -- events begin runs --------------------------------------------------------------------------------------------


def begin(conn: Conn, call: Call) -> int:
    """Makes runs of the oldest events; how many events there were. Everything in the caller's write transaction."""
    events = store.take_events(conn, call.schema)
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
    return len(events)


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
    order = {run.id: n for n, run in enumerate(runs)}
    begun.sort(key=lambda run: order[run.id])
    store.begin(conn, call.schema, begun, call.now)
    return begun


def _once(conn: Conn, call: Call, flow: Flow, runs: Sequence[Run]) -> list[Run]:
    open = [run for run in runs if run.state != "cut"]
    if flow.once == "per_change" or not open:
        return list(runs)
    if isinstance(flow.once, str):
        keys = [str(run.record) for run in open]
    else:
        reading = Reading(conn, call)
        keys = [str(k) for k in reading.evaluate(flow.once, [Subject(run=run) for run in open])]
        keys = [f"{run.record}:{key}" for run, key in zip(open, keys, strict=True)]
    free = store.once(conn, call.schema, flow.name, [(k, r.id) for k, r in zip(keys, open, strict=True)])
    return [run for run in runs if run.state == "cut" or run.id in free]


# -- runs go on ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Under:
    """Runs under way in one transaction. `kept` are as they will stand, `log` the steps taken."""

    conn: Conn
    call: Call
    flow: Flow
    reading: Reading
    kept: dict[str, Run] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    begins: list[Run] = field(default_factory=list)

    def keep(self, run: Run) -> None:
        self.kept[run.id] = run

    def told(self, run: Run, step: str, outcome: str, told: Mapping[str, Any], began: float) -> None:
        ms = round((time.monotonic() - began) * 1000)
        self.log.append((run.id, run.steps, step, outcome, told, self.call.now, ms))


def go_on(conn: Conn, call: Call, who: Who, older: Callable[[int], Flow | None] | None = None) -> int:
    """Takes the next step of the runs that are due and stand at the same place; how many there were."""
    store.wake(conn, call.schema, call.now)
    runs = store.claim(conn, call.schema, call.now)
    if not runs:
        return 0
    advance(conn, call, runs, who, older)
    return len(runs)


def advance(
    conn: Conn, call: Call, runs: Sequence[Run], who: Who, older: Callable[[int], Flow | None] | None = None
) -> None:
    """One step further with runs of one automation, version and causer that stand at the same place."""
    first = runs[0]
    flow = flow_named(call, first.rule)
    if flow is None or flow.version != first.version:
        flow = older(first.release) if older is not None else None
    actor = None
    if flow is not None:
        actor = SYSTEM if flow.by_system or first.causer is None else who(conn, call, first.causer)
    if flow is None or actor is None:
        why = "definition_gone" if flow is None else "causer_gone"
        store.keep(conn, call.schema, [ended(run, "parked", why) for run in runs], call.now)
        return
    detail = {"rule": flow.name, "via": [*first.via, (first.rule, first.record)]}
    call = replace(call, actor=actor, cause=Cause(kind="automation", detail=detail))
    under = _Under(conn, call, flow, Reading(conn, call))
    open = _stopped(under, runs)
    while open:
        by_place: dict[int, list[Run]] = defaultdict(list)
        for run in open:
            by_place[run.at].append(run)
        open = [run for at, mine in sorted(by_place.items()) for run in _instruction(under, at, mine)]
    store.keep(conn, call.schema, under.kept.values(), call.now)
    store.log(conn, call.schema, under.log)
    start(conn, call, under.begins)


def _stopped(under: _Under, runs: Sequence[Run]) -> list[Run]:
    """Without those whose `stop_when` holds by now."""
    if under.flow.stop_when is None:
        return list(runs)
    holds = under.reading.holds(under.flow.stop_when, [Subject(run=run) for run in runs])
    for run, over in zip(runs, holds, strict=True):
        if over:
            under.keep(ended(run, "stopped", "stop_when"))
    return [run for run, over in zip(runs, holds, strict=True) if not over]


def _instruction(under: _Under, at: int, runs: Sequence[Run]) -> list[Run]:
    """What stands at this place; gives back the runs that may go on in this transaction."""
    if at >= len(under.flow.code):
        for run in runs:
            under.keep(ended(run, "done"))
        return []
    instruction = under.flow.code[at]
    if isinstance(instruction, Jump):
        return [replace(run, at=instruction.to) for run in runs]
    runs = [run for run in runs if not _beyond(under, run)]
    act = _choose if isinstance(instruction, Choose) else _loop if isinstance(instruction, Loop) else _do
    try:
        with under.conn.transaction():
            return act(under, instruction, runs)
    except PatronError as error:
        if len(runs) > 1:  # whose fault it is shows when each goes alone
            return [gone for run in runs for gone in _instruction(under, at, [run])]
        for run in runs:
            _fail(under, run, instruction.step.path, str(error))
        return []


def _beyond(under: _Under, run: Run) -> bool:
    if run.steps < under.flow.max_steps:
        return False
    under.keep(ended(run, "parked", "limit_run_steps"))
    return True


def _fail(under: _Under, run: Run, step: str, why: str, began: float | None = None) -> None:
    under.told(run, step, "failed", {"why": why}, began or time.monotonic())
    under.keep(failed(run, why, under.call.now))


def _choose(under: _Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
    assert isinstance(instruction, Choose)
    began = time.monotonic()
    open, gone = _asked(under, instruction.step, runs, instruction.otherwise)
    for number, (when, to) in enumerate(instruction.cases):
        holds = under.reading.holds(when, [Subject(run=run) for run in open])
        name = instruction.step.body["cases"][number]["name"]
        for run, fits in zip(open, holds, strict=True):
            if fits:
                under.told(run, instruction.step.path, "chosen", {"case": name}, began)
                gone.append(gone_on(run, to))
        open = [run for run, fits in zip(open, holds, strict=True) if not fits]
    for run in open:
        under.told(run, instruction.step.path, "chosen", {"case": None}, began)
        gone.append(gone_on(run, instruction.otherwise))
    return gone


def _asked(under: _Under, step: Any, runs: Sequence[Run], past: int) -> tuple[list[Run], list[Run]]:
    """Those for whom `when` of a step holds, and the others, gone past it."""
    if step.when is None:
        return list(runs), []
    holds = under.reading.holds(step.when, [Subject(run=run) for run in runs])
    gone = []
    for run, fits in zip(runs, holds, strict=True):
        if not fits:
            under.told(run, step.path, "left_out", {"why": "when"}, time.monotonic())
            gone.append(gone_on(run, past))
    return [run for run, fits in zip(runs, holds, strict=True) if fits], gone


def _loop(under: _Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
    assert isinstance(instruction, Loop)
    step, key = instruction.step, str(runs[0].at) if runs else ""
    fresh = [run for run in runs if key not in run.loops]
    open, gone = _asked(under, step, fresh, instruction.end)
    going = [run for run in runs if key in run.loops]
    for run, items in zip(open, _items(under, step, open), strict=True):
        going.append(replace(run, loops={**run.loops, key: items}))
    for run in going:
        left = run.loops[key]
        if not left["ids"]:
            gone.append(
                replace(run, at=instruction.end, loops={k: v for k, v in run.loops.items() if k != key})
            )
            continue
        item = {"object": left["object"], "id": left["ids"][0]}
        loops = {**run.loops, key: {**left, "ids": left["ids"][1:]}}
        gone.append(gone_on(replace(run, loops=loops), run.at + 1, item, step.name))
    return gone


def _items(under: _Under, step: Any, runs: Sequence[Run]) -> list[dict[str, Any]]:
    each = step.body["each"]
    if each.startswith("steps."):
        found = [run.results.get(each.removeprefix("steps.")) or {} for run in runs]
        return [{"object": f.get("object"), "ids": f.get("ids") or []} for f in found]
    if not runs:
        return []
    among = under.call.model.objects[runs[0].object or ""].sets.get(each)
    if among is None:
        raise Refused([], f"there is no set {each}", code="unknown_set")
    sort = step.body.get("sort") or ()
    choice = Choice(
        key=f"{step.rule}.{step.path}", object=among.object, where=step.expressions.get("where"),
        sort=(sort,) if isinstance(sort, str) else tuple(sort), among=among, limit=MOST,
    )  # fmt: skip
    ids = chosen(under.reading, choice, [Subject(run=run) for run in runs])
    return [{"object": among.object, "ids": list(i)} for i in ids]


# -- a step -------------------------------------------------------------------------------------------------------


def _do(under: _Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
    """Carries a step out. Runs whose step wrote something stop here: what was done is committed before the next step."""
    assert isinstance(instruction, Do)
    step, began = instruction.step, time.monotonic()
    open, gone = _asked(under, step, runs, runs[0].at + 1 if runs else 0)
    acts = acts_of(under.reading, under.flow, step, [Subject(run=run) for run in open]) if open else []
    pairs = list(zip(open, acts, strict=True))
    outcomes = _saved(under, pairs)
    for run, act in pairs:
        done = outcomes.get(run.id, [])
        wrong = [o for o in done if isinstance(o, str)]
        if wrong:
            _fail(under, run, step.path, wrong[0], began)
            continue
        records = [{"object": o.object, "id": o.id, "did": o.action} for o in done if isinstance(o, Outcome)]
        after = _after(run, act, records, step.name)
        under.told(
            run,
            step.path,
            _word(act),
            {**act.told, **({"records": records[:TOLD]} if records else {})},
            began,
        )
        under.begins += [_begun(under, run, *begin) for begin in act.begins]
        if after.state != "ready":
            under.keep(after)
        elif records:
            under.keep(after)  # the next step has its own transaction
        else:
            gone.append(after)
    return gone


def _word(act: Act) -> str:
    return "waits" if act.waits else "left_out" if "left_out" in act.told else "done"


def _after(run: Run, act: Act, records: Sequence[Mapping[str, Any]], name: str | None) -> Run:
    if act.stops is not None:
        return ended(replace(run, steps=run.steps + 1), "stopped", act.stops)
    if act.waits:
        until = act.until
        kept = replace(run, loops={**run.loops, "wait": {"until": until.isoformat() if until else None}})
        return waiting(kept, until)
    loops = {k: v for k, v in run.loops.items() if k != "wait"}
    result = {**act.result, "id": records[0]["id"]} if act.made and records else act.result
    return gone_on(replace(run, loops=loops), run.at + 1, result, name, wrote=len(records))


def _begun(under: _Under, run: Run, rule: str, object: str | None, record: str | None) -> Run:
    known = flow_named(under.call, rule)
    event = {"name": "run", "at": under.call.now.isoformat(), "by": run.causer}
    return Run(
        id=under.call.new_id(), rule=rule, version=known.version if known else "", release=under.call.model.release,
        object=object, record=record, causer=run.causer, event=event, via=(*run.via, (run.rule, run.record)),
    )  # fmt: skip


def _saved(under: _Under, pairs: Sequence[tuple[Run, Act]]) -> dict[str, list[Outcome | str]]:
    """Run -> what became of its changes, or why they were refused. One change each go together; several of one run are
    saved or refused together."""
    found: dict[str, list[Outcome | str]] = {}
    single: list[tuple[Run, Change]] = []
    for run, act in pairs:
        changes = [_because(run, change) for change in act.changes]
        if run.wrote + len(changes) > under.flow.max_records:
            found[run.id] = ["limit_run_records"]
        elif len(changes) == 1:
            single.append((run, changes[0]))
        elif changes:
            found[run.id] = _together(under, changes)
    if single:
        outcomes = save(under.conn, under.call, [change for _, change in single], mode="each")
        for (run, _), outcome in zip(single, outcomes, strict=True):
            refused = outcome.action == "refused"
            found[run.id] = ["; ".join(str(p.message) for p in outcome.problems)] if refused else [outcome]
    return found


def _together(under: _Under, changes: Sequence[Change]) -> list[Outcome | str]:
    try:
        with under.conn.transaction():
            return list(save(under.conn, under.call, changes))
    except PatronError as error:
        return [_why(error)]


def _why(error: PatronError) -> str:
    problems = getattr(error, "problems", ())
    return "; ".join(str(p.message) for p in problems) or str(error)


def _because(run: Run, change: Change) -> Change:
    via = [*run.via, (run.rule, run.record)]
    change.because = {"run": run.id, "via": via}
    return change
