"""Steps: what stands at one place of an automation, carried out for the runs that stand there.

In: runs at one instruction, within a transaction. Out: the runs that may go on in it; `kept` what becomes of the others. A step that wrote
something ends the transaction's part in its run: what was done is committed before the next one. A step that is refused fails
alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from patron_engine.errors import NotFound, PatronError
from patron_engine.flow.act import Act
from patron_engine.flow.acts import acts_of
from patron_engine.flow.assigning import program_in
from patron_engine.flow.program import Choose, Do, Flow, Jump, Loop, Rescue, Step
from patron_engine.flow.run import Run, because_of, ended, failed, given, gone_on, waiting
from patron_engine.flow.select import Choice, chosen
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import MOST
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Outcome
from patron_engine.record.each import problems_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.ways.effects import carried, saved

Done = list[
    Outcome | tuple[Problem, ...]
]  # what became of the changes of one run; problems where they were refused
TOLD: Final = 20  # records that the log of a step names


def flow_named(call: Call, name: str) -> Flow | None:
    """The program of that name; made once a release."""
    found: Flow | None = Programs.of(call.tables).keep(("flow", name), lambda: program_in(call.model, name))
    return found


@dataclass(slots=True)
class Under:
    """Runs under way in one transaction. `kept` are as they will stand, `log` the steps taken, `problems` why a step was refused,
    by run."""

    conn: Conn
    call: Call
    flow: Flow
    reading: Reading
    kept: dict[str, Run] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    begins: list[Run] = field(default_factory=list)
    problems: dict[str, Sequence[Problem]] = field(default_factory=dict)

    def keep(self, run: Run) -> None:
        self.kept[run.id] = run

    def told(self, run: Run, step: str, outcome: str, told: Mapping[str, Any], began: float) -> None:
        ms = round((time.monotonic() - began) * 1000)
        self.log.append((run.id, run.steps, step, outcome, told, self.call.now, ms))


def instruction(under: Under, at: int, runs: Sequence[Run]) -> list[Run]:
    """What stands at this place; gives back the runs that may go on in this transaction."""
    if at >= len(under.flow.code):
        for run in runs:
            under.keep(ended(run, "done"))
        return []
    what = under.flow.code[at]
    if isinstance(what, Jump):
        return [replace(run, at=what.to) for run in runs]
    if isinstance(what, Rescue):
        wrong = [bool((run.results.get(what.step.name or "") or {}).get("error")) for run in runs]
        return [replace(run, at=at + 1 if w else what.otherwise) for run, w in zip(runs, wrong, strict=True)]
    runs = [run for run in runs if not _beyond(under, run)]
    act = _choose if isinstance(what, Choose) else _loop if isinstance(what, Loop) else _do
    try:
        with under.conn.transaction():
            return act(under, what, runs)
    except PatronError as error:
        if len(runs) > 1:  # whose fault it is shows when each goes alone
            return [gone for run in runs for gone in instruction(under, at, [run])]
        for run in runs:
            _fail(under, run, what.step.path, problems_of(error))
        return []


def _beyond(under: Under, run: Run) -> bool:
    if run.steps < under.flow.max_steps:
        return False
    said = Phrase("the run has taken {most} steps, as many as one may", most=under.flow.max_steps)
    under.keep(ended(run, "parked", because_of([Problem(code="limit_run_steps", message=said)])))
    return True


def _fail(under: Under, run: Run, step: str, problems: Sequence[Problem], began: float | None = None) -> None:
    why = because_of(problems)
    under.problems[run.id] = problems
    under.told(run, step, "failed", {"why": why}, began or time.monotonic())
    under.keep(failed(run, why, under.call.now))


def _choose(under: Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
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


def _asked(under: Under, step: Any, runs: Sequence[Run], past: int) -> tuple[list[Run], list[Run]]:
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


def _loop(under: Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
    assert isinstance(instruction, Loop)
    step, key = instruction.step, str(runs[0].at) if runs else ""
    fresh = [run for run in runs if key not in run.loops]
    open, gone = _asked(under, step, fresh, instruction.end)
    going = [run for run in runs if key in run.loops]
    for run, items in zip(open, _items(under, step, open), strict=True):
        going.append(replace(_handed(under, step, run), loops={**run.loops, key: items}))
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


def _handed(under: Under, step: Step, run: Run) -> Run:
    """What a `find` found is the loop's from now on, where nobody else goes through it: a run is kept once a round, and ten
    thousand ids need not be kept twice each time."""
    name = str(step.body["each"]).removeprefix("steps.")
    loops = [
        one for one in under.flow.code if isinstance(one, Loop) and one.step.body["each"] == f"steps.{name}"
    ]
    if run.loops or len(loops) != 1 or "ids" not in (run.results.get(name) or {}):
        return run
    rest = {key: value for key, value in run.results[name].items() if key != "ids"}
    return replace(run, results={**run.results, name: rest})


def _items(under: Under, step: Any, runs: Sequence[Run]) -> list[dict[str, Any]]:
    each = step.body["each"]
    if each.startswith("steps."):
        found = [run.results.get(each.removeprefix("steps.")) or {} for run in runs]
        return [{"object": f.get("object"), "ids": f.get("ids") or []} for f in found]
    if not runs:
        return []
    among = under.call.model.objects[runs[0].object or ""].sets.get(each)
    if among is None:
        raise NotFound(Phrase("there is no set {name}", name=each), code="unknown_set")
    sort = step.body.get("sort") or ()
    choice = Choice(
        key=f"{step.rule}.{step.path}", object=among.object, where=step.expressions.get("where"),
        sort=(sort,) if isinstance(sort, str) else tuple(sort), among=among,
        limit=max(MOST, under.flow.max_records), whole=True,
    )  # fmt: skip
    ids = chosen(under.reading, choice, [Subject(run=run) for run in runs])
    return [{"object": among.object, "ids": list(i)} for i in ids]


# -- a step -------------------------------------------------------------------------------------------------------


def _do(under: Under, instruction: Any, runs: Sequence[Run]) -> list[Run]:
    """Carries a step out. Runs whose step wrote something stop here: what was done is committed before the next step."""
    assert isinstance(instruction, Do)
    step, began = instruction.step, time.monotonic()
    open, gone = _asked(under, step, runs, runs[0].at + 1 if runs else 0)
    acts = acts_of(under.reading, under.flow, step, [Subject(run=run) for run in open]) if open else []
    pairs = _apart(under, step, open, acts)
    if under.call.trial is not None:
        under.call.trial.acts += [(run.id, run.steps, act) for run, act in pairs]
    outcomes = saved(under.conn, under.call, under.flow, pairs)
    told_of = carried(under.conn, under.call, pairs, outcomes)
    for run, act in pairs:
        done = outcomes.get(run.id, [])
        wrong = [o for o in done if isinstance(o, tuple)]
        if wrong:
            _fail(under, run, step.path, wrong[0], began)
            continue
        records = [{"object": o.object, "id": o.id, "did": o.action} for o in done if isinstance(o, Outcome)]
        more = told_of.get(run.id, {})
        after = given(_after(run, act, records, step.name), step.name, more.pop("gave", {}))
        told = {**act.told, **({"records": records[:TOLD]} if records else {}), **more}
        if not (act.waits and "wait" in run.loops):  # that it still waits is no news
            under.told(run, step.path, _word(act), told, began)
        under.begins += [_begun(under, run, *begin) for begin in act.begins]
        if after.state != "ready":
            under.keep(after)
        elif records or act.commands:  # the next step has its own transaction, the end needs none
            under.keep(ended(after, "done") if after.at >= len(under.flow.code) else after)
        else:
            gone.append(after)
    return gone


def _apart(under: Under, step: Step, runs: Sequence[Run], acts: Sequence[Act]) -> list[tuple[Run, Act]]:
    """Of runs that change the same record only the first, where what is written is worked out: the others read what it
    wrote, in a transaction after this one. The same where acts say so themselves."""
    worked = any(key.startswith("set.") for key in step.expressions)
    taken: set[object] = set()
    kept = []
    for run, act in zip(runs, acts, strict=True):
        changed: set[object] = (
            {(c.object, c.id) for c in act.changes if c.id is not None} if worked else set()
        )
        changed |= {act.alone} - {""}
        if changed & taken:
            under.keep(run)
        else:
            kept.append((run, act))
            taken |= changed
    return kept


def _word(act: Act) -> str:
    return "waits" if act.waits else "left_out" if "left_out" in act.told else "done"


def _after(run: Run, act: Act, records: Sequence[Mapping[str, Any]], name: str | None) -> Run:
    if act.stops is not None:
        return ended(replace(run, steps=run.steps + 1), "stopped", act.stops)
    if act.waits:
        until = act.until
        kept = replace(
            run, loops={**run.loops, "wait": {**act.keeps, "until": until.isoformat() if until else None}}
        )
        return waiting(kept, min((m for m in (until, act.again) if m is not None), default=None))
    loops = {k: v for k, v in run.loops.items() if k != "wait"}
    result = {**act.result, "id": records[0]["id"]} if act.made and records else act.result
    return gone_on(replace(run, loops=loops), run.at + 1, result, name, wrote=len(records))


def _begun(under: Under, run: Run, rule: str, object: str | None, record: str | None) -> Run:
    known = flow_named(under.call, rule)
    event = {"name": "run", "at": under.call.now.isoformat(), "by": run.causer}
    return Run(
        id=under.call.new_id(), rule=rule, version=known.version if known else "", release=under.call.model.release,
        object=object, record=record, causer=run.causer, event=event, via=(*run.via, (run.rule, run.record)),
    )  # fmt: skip
