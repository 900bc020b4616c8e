"""The way try: what an automation would do with chosen records, and whatever it sets going, in a transaction that is undone.

    the event as it would be (or a change that is made) -> which rules fit, and why not -> their runs, step by step -> undone

In: the name of an automation, records, a change that is supposed. Out: a `Tried` for each record. Nothing stays and nothing leaves:
what steps want done outside is a command, which is listed. A wait is not waited for: the trial goes on as if its time were over.
Runs and events of others are not touched; the records are locked while it lasts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from patron_engine import jsonio
from patron_engine.errors import LimitExceeded, NotFound, PatronError
from patron_engine.fields.registry import type_of
from patron_engine.flow import store
from patron_engine.flow.deciding import Part, parts_of
from patron_engine.flow.look import told_of
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run, gone_on, said
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call, Trial
from patron_engine.query.names import known_object
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways import flow
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_engine.ways.standing import Who
from patron_engine.ways.steps import flow_named

MOST: Final = 20  # limit_try_records: records an automation is tried on at once
MOST_STEPS: Final = (
    500  # steps of one trial, those of other rules among them; past them it says limit_try_steps
)
SECONDS: Final = 10.0  # of one trial; past them it says limit_try_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is tried. `set` (JSON form) is a change that is supposed; without it the event is supposed as the record is."""

    rule: str
    records: tuple[str, ...] = ()
    event: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TriedRun:
    """One run. `steps` are those of its log, with what each would write and what would leave."""

    run: Run
    steps: list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Tried:
    """`began`: whether the automation's own run did. `cut_short` names the limit that ended the trial."""

    record: str | None
    began: bool
    parts: list[Part]
    problems: Sequence[Any] = ()
    runs: list[TriedRun] = field(default_factory=list)
    why: str = ""
    cut_short: str = ""


def try_rule(conn: Conn, call: Call, who: Who, wanted: Wanted) -> list[Tried]:
    """What would become of each record, one after the other, each as if the others were not."""
    program = flow_named(call, wanted.rule)
    if program is None:
        raise NotFound(
            Phrase("there is no automation {name!r} that runs", name=wanted.rule[:60]), code="automation_not_found",
            hint=Phrase("one that is switched off, or runs inside the save, cannot be tried"),
        )  # fmt: skip
    if len(wanted.records) > MOST:
        raise LimitExceeded(
            Phrase("an automation is tried on at most {most} records at once", most=MOST), code="limit_try_records"
        )  # fmt: skip
    records: Sequence[str | None] = wanted.records
    if program.object is None:
        records = [None]
    else:
        object = known_object(call, program.object)
        records = [
            str(read_one(conn, call, object.name, id, fields=("id",)).record()["id"]) for id in wanted.records
        ]
    end, found = time.monotonic() + SECONDS, []
    for record in records:
        found.append(_one(conn, call, who, program, wanted, record, end))
    return found


def _one(
    conn: Conn, call: Call, who: Who, program: Flow, wanted: Wanted, record: str | None, end: float
) -> Tried:
    trial = Trial()
    within = replace(call, trial=trial, committed=[])
    with conn.transaction(force_rollback=True):
        return _Trying(conn, within, who, program, trial, end).tried(wanted, record)


def _event(told: Sequence[Any]) -> store.Event:
    """An event as a worker takes it from its table."""
    at, object, record, kind, release, payload = told
    return store.Event(
        id=0, at=at, object=object, record=record, kind=kind, release=release, payload=jsonio.loads(jsonio.dumps(payload))
    )  # fmt: skip


class _Trying:
    def __init__(self, conn: Conn, call: Call, who: Who, program: Flow, trial: Trial, end: float) -> None:
        self.conn, self.call, self.who, self.program = conn, call, who, program
        self.trial, self.end = trial, end
        self.left = MOST_STEPS

    def tried(self, wanted: Wanted, record: str | None) -> Tried:
        made = Tried(record=record, began=False, parts=[])
        try:
            if wanted.set and record is not None:
                self._changed(made, wanted, record)
            else:
                self._supposed(made, wanted, record)
        except PatronError as error:
            made.problems = getattr(error, "problems", ()) or (error,)
            return made
        made.cut_short = self._on()
        made.runs = [self._told(run.id) for run in self.trial.runs]
        return made

    # -- how it begins ------------------------------------------------------------------------------------------------

    def _changed(self, made: Tried, wanted: Wanted, record: str) -> None:
        """A change that is made: the save decides which rules fit."""
        object = known_object(self.call, self.program.object or "")
        old = self._old(object, record, wanted.set)
        save(self.conn, self.call, [Change(action="update", object=object.name, id=record, set=wanted.set)])
        run = self._run("updated", record, old)
        made.parts = self._parts(run)
        mine = [e for e in self.trial.events if e[5]["rule"] == self.program.name and e[2] == record]
        made.began = bool(mine)
        made.why = "" if mine else self._unheard(wanted, made.parts)

    def _supposed(self, made: Tried, wanted: Wanted, record: str | None) -> None:
        """The event as if it happened to the record as it is."""
        names = [str(e["event"]) for e in self.program.on]
        run = self._run(wanted.event or names[0], record, {})
        made.parts = self._parts(run)
        if all(p.holds for p in made.parts):
            made.began = bool(flow.start(self.conn, self.call, [run]))
            made.why = "" if made.began else "once"
        else:
            made.why = "when"

    def _unheard(self, wanted: Wanted, parts: Sequence[Part]) -> str:
        """Why the save told this rule nothing. Where its condition holds, nothing it listens to became another value."""
        events = [e for e in self.program.on if e["event"] == "updated"]
        if not events:
            return "event"
        named = [set(e.get("fields") or ()) for e in events]
        if all(n and not n & set(wanted.set) for n in named):
            return "fields"
        return "fields" if all(p.holds for p in parts) else "when"

    def _run(self, event: str, record: str | None, old: Mapping[str, Any]) -> Run:
        offered = {"name": event, "at": self.call.now.isoformat(), "by": self.call.actor.user}
        return Run(
            id=self.call.new_id(), rule=self.program.name, version=self.program.version, release=self.call.model.release,
            object=self.program.object, record=record, causer=self.call.actor.user, event=offered, old=old,
        )  # fmt: skip

    def _old(self, object: Object, record: str, names: Mapping[str, Any]) -> dict[str, Any]:
        known = [n for n in names if n in object.fields and object.fields[n].columns]
        values = fetch_values(self.conn, self.call, object.name, [record], known, money="own").get(record, {})
        return {
            n: None if v is None else type_of(object.fields[n]).to_wire(object.fields[n], v)
            for n, v in values.items()
        }

    def _parts(self, run: Run) -> list[Part]:
        when = self.program.when
        return [] if when is None else parts_of(Reading(self.conn, self.call), when, Subject(run=run))

    # -- how it goes on -----------------------------------------------------------------------------------------------

    def _on(self) -> str:
        """Until nothing more would happen; the limit that ended it before."""
        while True:
            if self.trial.events:
                flow.begin_of(self.conn, self.call, [_event(e) for e in self.trial.take()])
            due = [run for run in map(self._now, self.trial.runs) if run.state in ("ready", "waiting")]
            due = [
                run for run in due if not run.error
            ]  # a step that was refused would be tried again, in vain
            if not due:
                return ""
            for run in due:
                if self.left <= 0:
                    return "limit_try_steps"
                if time.monotonic() > self.end:
                    return "limit_try_seconds"
                self.left -= 1
                self._step(run)

    def _step(self, run: Run) -> None:
        if run.state == "waiting":
            code = (flow_named(self.call, run.rule) or self.program).code
            name = code[run.at].step.name if run.at < len(code) else None  # type: ignore[union-attr]
            run = gone_on(replace(run, loops={}), run.at + 1, {"timed_out": True}, name)
            store.keep(self.conn, self.call.schema, [run], self.call.now)
            return
        flow.advance(self.conn, self.call, [run], self.who)

    def _now(self, run: Run) -> Run:
        return store.find(self.conn, self.call.schema, run.id) or run

    def _told(self, id: str) -> TriedRun:
        found = store.find(self.conn, self.call.schema, id)
        assert found is not None
        rows = self.conn.execute(store.steps_of(self.call.schema), (id,)).fetchall()
        acts = {(run, number): act for run, number, act in self.trial.acts}
        steps = []
        for number, step, outcome, told in rows:
            act = acts.get((id, number))
            steps.append({"step": step, "outcome": outcome, "told": told_of(told), "act": act})
        return TriedRun(run=replace(found, error=said(found.error)), steps=steps)
