"""Approving: an approval's event carried out: its frame, and what the pure core asks for. Part of the way approve.

In: a connection, a call, an instance that is locked, what the core made of an event. Out: the instance as it stands, its tasks, log and
notices written, steps run, an intent carried out. Everything in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from patron_engine.actor import SYSTEM, Cause
from patron_engine.approval import state, store
from patron_engine.approval.ahead import Ahead
from patron_engine.approval.going import Going
from patron_engine.approval.program import Program, program_of, version_of
from patron_engine.approval.route import Stop, route
from patron_engine.approval.value import DoSteps, Effect, Follow, Instance, Left, Log, Tell
from patron_engine.approval.who import Around, run_of
from patron_engine.errors import Conflict, NotFound, PatronError, Refused
from patron_engine.flow import store as runs
from patron_engine.flow.program import Do, Flow, flow_at
from patron_engine.flow.run import Run, said
from patron_engine.model.automations import WAITING, runs_at_once
from patron_engine.model.model import Model, label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.release.active import load_model
from patron_engine.ways.approval_notices import tell
from patron_engine.ways.approval_right import actor_of
from patron_engine.ways.approval_told import let_in, mirror, raise_events
from patron_engine.ways.flow import advance
from patron_engine.ways.intended import as_intended, change_kept
from patron_engine.ways.save import save
from patron_engine.ways.steps import flow_named
from patron_engine.ways.transfer import transferred


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`instance` as it was found, locked; `model` is that of its version."""

    conn: Conn
    call: Call
    model: Model
    program: Program
    instance: Instance
    facts: Around


def frame_of(conn: Conn, call: Call, instance: Instance) -> Frame:
    """Conflict when the definition it was begun with is nowhere any more."""
    model, program = _program(conn, call, instance)
    facts = Around(conn, call, program, instance)
    facts.intended = partial(as_intended, conn, call)
    return Frame(conn=conn, call=call, model=model, program=program, instance=instance, facts=facts)


def opened(conn: Conn, call: Call, id: str) -> Frame:
    """The frame of an instance, locked until the transaction ends."""
    instance = store.load(conn, call.schema, id, lock=True)
    if instance is None:
        raise NotFound(Phrase("there is no such approval"), code="approval_not_found")
    return frame_of(conn, call, instance)


def _program(conn: Conn, call: Call, instance: Instance) -> tuple[Model, Program]:
    """The definition of the instance's version: today's, or that of the release it was begun under."""
    body = call.model.documents.get(("approval", instance.approval))
    today = body is not None and version_of(body) == instance.version
    number = call.model.release if today else instance.release

    def make() -> tuple[Model, Program | None]:
        model = call.model if today else load_model(conn, call.schema, number)
        return model, program_of(model, instance.approval)

    model, program = Programs.of(call.tables).keep(("approval", instance.approval, number), make)
    if program is None:
        raise Conflict(Phrase("the definition of this approval is gone"), code="definition_gone")
    return model, program


def way_on(frame: Frame) -> tuple[Stop, ...]:
    """The route with what comes, as if everybody approved; of a change that waits: of the record with it."""
    with as_intended(frame.conn, frame.call, frame.instance):
        return route(
            frame.program, frame.instance, Ahead(frame.conn, frame.call, frame.program, frame.instance)
        )


# -- effects --------------------------------------------------------------------------------------------------------


def carry(frame: Frame, going: Going) -> Instance:
    """Carries out what the core asked for, and writes the instance. What `after` is refused raises Refused: nothing is done."""
    instance = _kept(frame, frame.instance, going.instance)
    waiting: list[Effect] = list(going.effects)
    lines: list[Log] = []
    tells: list[Tell] = []
    while waiting:
        effect = waiting.pop(0)
        if isinstance(effect, Log):
            lines.append(effect)
        elif isinstance(effect, Tell):
            tells.append(effect)
        elif isinstance(effect, Left):
            raise_events(frame.conn, frame.call, instance, effect.result, effect.node, frame.facts.approver)
        else:
            before = instance
            after = (
                _follow(frame, before, effect) if isinstance(effect, Follow) else _do(frame, before, effect)
            )
            waiting = [*after.effects, *waiting] if isinstance(effect, Follow) else [*waiting, *after.effects]
            instance = _kept(frame, before, after.instance)
    store.log(frame.conn, frame.call.schema, instance.id, frame.call.now, lines)
    let_in(frame.conn, frame.call, frame.instance, instance, tells)
    mirror(frame.conn, frame.call, frame.program, frame.instance, instance)
    tell(frame.conn, frame.call, frame.program, instance, tells)
    return instance


def _kept(frame: Frame, before: Instance, now: Instance) -> Instance:
    step = ", ".join(step_labels(frame, now)) or None
    store.keep(
        frame.conn, frame.call.schema, before, now, step=step, locks=locks_of(frame.program, now),
        open_fields=(frame.program.tells("lock") or {}).get("except") or (),
    )  # fmt: skip
    return now


def step_labels(frame: Frame, instance: Instance) -> list[str]:
    """What people call the nodes where it stands."""
    nodes = [n for n in frame.program.by_name.values() if n.type in ("approve", "do")]
    standing = [n for n in nodes if (p := instance.places.get(n.name)) is not None and p.state == "open"]
    if instance.state not in ("running", "parked"):
        return []
    return [
        str(label_of(n.body.get("label") or "", n.name, frame.call.model.workspace.languages))
        for n in standing
    ]


def locks_of(program: Program, instance: Instance) -> str:
    """What the record's lock is now."""
    if instance.state in ("running", "parked"):
        during = (program.tells("lock") or {}).get("while", "all")
        return "running" if during == "all" or (during == "first" and not instance.decided) else ""
    if instance.state == "approved":
        return {"locked": "after", "reapprove": "reapprove"}.get(str(program.tells("after_lock")), "")
    return ""


def _do(frame: Frame, instance: Instance, effect: DoSteps) -> Going:
    """The steps of a node: at once where they only change records, else by the worker; then the node is through."""
    node = frame.program.by_name[effect.node]
    key = f"approval:{instance.approval}:{node.step.path}.steps"
    flow = _flow(frame, key)
    if flow is None:
        return state.steps_done(frame.program, instance, effect.node, frame.facts)
    run = _begin(frame, instance, flow, node=effect.node)
    if runs_at_once(node.body.get("steps") or ()):
        run, _ = _advanced(frame, flow, run)
    if run.state in ("done", "stopped"):
        return steps_done(frame, instance, effect.node)
    return Going(frame.program, instance, frame.facts)


def steps_done(frame: Frame, instance: Instance, node: str) -> Going:
    """The way on after the steps of a node. Where they deleted the record nobody is asked about it any more."""
    going = state.steps_done(frame.program, instance, node, frame.facts)
    asks = going.instance.state == "parked" or going.instance.waiting
    if not asks or fetch_values(frame.conn, frame.call, instance.object, [instance.record], ["id"]):
        return going
    return state.lost(frame.program, instance, frame.facts.approver, frame.facts)


def _flow(frame: Frame, key: str) -> Flow | None:
    return flow_named(frame.call, key) if frame.model is frame.call.model else flow_at(frame.model, key)


def _begin(frame: Frame, instance: Instance, flow: Flow, **more: Any) -> Run:
    made = run_of(instance, frame.call, rule=flow.name, approver=frame.facts.approver, **more)
    run = replace(made, version=flow.version)
    runs.begin(frame.conn, frame.call.schema, [run], frame.call.now)
    return run


def _advanced(frame: Frame, flow: Flow, run: Run) -> tuple[Run, Sequence[Problem]]:
    """As far as it goes without a worker, and why it does not."""
    problems: Sequence[Problem] = ()
    while run.state == "ready" and not run.attempts and _at_once(flow, run.at):
        gone = advance(frame.conn, frame.call, [run], lambda *_: SYSTEM, lambda *_: flow)
        problems = gone.problems.get(run.id, problems)
        run = runs.find(frame.conn, frame.call.schema, run.id) or run
    return run, problems


def _at_once(flow: Flow, at: int) -> bool:
    """Whether what stands there is done when it returns; the worker goes on with the rest."""
    what = flow.code[at] if at < len(flow.code) else None
    return not isinstance(what, Do) or what.step.do not in WAITING


def _follow(frame: Frame, instance: Instance, effect: Follow) -> Going:
    """The intent first, then the steps, then whoever listens."""
    result = effect.result
    if result == "approved" and instance.intent is not None:
        parked = _carry_out(frame, instance)
        if parked is not None:
            going = Going(
                frame.program, replace(instance, state="parked", ended_at=None, problems=parked), frame.facts
            )
            going.add(Log(kind="parked", detail={"problems": list(parked)}), Tell(kind="parked", people=()))
            return going
    key = f"approval:{instance.approval}:after.{result}"
    flow = _flow(frame, key) if (frame.program.tells("after") or {}).get(result) else None
    if flow is not None:
        run = _begin(frame, instance, flow, result=result, gone=_deleted(instance, result))
        run, problems = _advanced(frame, flow, run)
        if run.attempts or run.state == "parked":
            wrong = problems or [Problem(code="after", message=said(run.error) or result)]
            hint = Phrase("fill it in with the decision, in `fields`")
            raise Refused(wrong, code="after_refused", hint=hint)
    raise_events(frame.conn, frame.call, instance, result, None, frame.facts.approver)
    going = Going(frame.program, instance, frame.facts)
    if result != "submitted":
        people = tuple(dict.fromkeys(p for p in (instance.submitter, instance.initiator) if p is not None))
        going.add(Tell(kind=result, people=people))
    return going


def _deleted(instance: Instance, result: str) -> bool:
    return result == "approved" and instance.intent is not None and instance.intent["action"] == "delete"


def _carry_out(frame: Frame, instance: Instance) -> tuple[dict[str, Any], ...] | None:
    """Does what was asked for, as whoever asked. None when it is done, else why not."""
    assert instance.intent is not None
    actor = actor_of(frame.conn, frame.call, instance.submitter)
    if actor is None:
        return ({"code": "submitter_gone", "message": Phrase("whoever submitted is switched off")},)
    detail = {"approval": instance.approval, "instance": instance.id, "of": instance.record}
    call = replace(frame.call, actor=actor, cause=Cause(kind="approval", detail=detail))
    try:
        with frame.conn.transaction():
            change = change_kept(instance.intent)
            save(frame.conn, call, [change])
            handing = instance.intent.get("handing")
            if handing is not None and change.id is not None:
                transferred(frame.conn, call, change.object, change.id, change.set["owner"], handing)
    except PatronError as error:
        found = getattr(error, "problems", ()) or [Problem(code=error.code, message=error.detail)]
        return tuple({"code": p.code, "message": p.message, "path": p.path} for p in found)
    return None
