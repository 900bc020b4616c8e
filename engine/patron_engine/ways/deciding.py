"""Deciding: what an approver does with his task. Part of the way approve.

    his task, waiting? -> may he -> the conditional UPDATE -> fields of the record -> what the step asks for -> does the way on change?
        -> the core -> what follows

In: a task, a `Wish`. Out: the instance as it stands then. Refused (422) with what is missing, Conflict (409) when it was decided or the
way on changed; then nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from patron_engine.approval import state, store
from patron_engine.approval.finishing import finish_early
from patron_engine.approval.may import acts_of_task, involved, taken_back
from patron_engine.approval.program import Node
from patron_engine.approval.route import token
from patron_engine.approval.value import Instance, Log, Task
from patron_engine.errors import Conflict, Forbidden, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_choices import check_named
from patron_engine.ways.approval_drawn import drawn
from patron_engine.ways.approval_fields import Fields, edited, missing, save_fields
from patron_engine.ways.approval_files import hang_files, hang_signature
from patron_engine.ways.approval_people import (
    Wish,
    add_signer,
    ask,
    claim,
    delegate,
    people_named,
    remove_signer,
    speak,
    transfer,
)
from patron_engine.ways.approval_snapshot import snapshot
from patron_engine.ways.approve import asker_of, check_comment
from patron_engine.ways.approving import Frame, carry, opened, way_on

SETTLED: Final = {
    "approve": "approved", "finish": "approved", "reject": "rejected", "return": "returned", "transfer": "transferred", "delegate": "delegated",
}  # fmt: skip

DECIDES: Final = ("approve", "finish", "reject", "return")


def act(conn: Conn, call: Call, task: str, wish: Wish) -> Instance:
    """One act of one person."""
    check_comment(wish.comment)
    frame, mine = _task(conn, call, task)
    if wish.act == "take_back":
        return _taken_back(frame, mine)
    may = acts_of_task(frame.program, frame.instance, mine, asker_of(conn, call))
    why = may.get(wish.act)
    if wish.act not in may:
        raise NotFound(Phrase("there is no act {name!r} here", name=wish.act[:40]), code="unknown_act")
    if why is not None:
        raise _refusal(frame, mine, why)
    frame.facts.approver = call.actor.user
    if wish.act in SETTLED:
        _settle(frame, mine, SETTLED[wish.act])
    if wish.act in DECIDES:
        _note_before(frame, mine)
    return _ACTS[wish.act](frame, mine, wish)


def _task(conn: Conn, call: Call, task: str) -> tuple[Frame, Task]:
    """The task with its instance, locked; what he may not know of is not there."""
    id = store.instance_of(conn, call.schema, id_of(task))
    if id is None:
        raise NotFound(Phrase("there is no such task"), code="task_not_found")
    frame = opened(conn, call, id)
    found = frame.instance.task(id_of(task))
    if found is None or not (call.actor.administrator or call.actor.user in involved(frame.instance)):
        raise NotFound(Phrase("there is no such task"), code="task_not_found")
    return frame, found


def act_in_batch(conn: Conn, call: Call, task: str, wish: Wish) -> Instance:
    """One of several decided at once: where the step lets them be."""
    frame, mine = _task(conn, call, task)
    node = frame.program.by_name.get(mine.node)
    if node is None or not node.allows("batch"):
        raise Conflict(Phrase("this step is decided by itself"), code="not_in_batch", hint=Phrase("open it"))
    return act(conn, call, task, wish)


def id_of(text: str) -> str:
    try:
        return read_id(text)
    except ValueFault as fault:
        raise NotFound(Phrase("there is no such task"), code="task_not_found") from fault


def _refusal(frame: Frame, task: Task, why: Phrase) -> Conflict | Forbidden:
    if task.person != frame.call.actor.user:
        return Forbidden(why, hint=Phrase("an administrator may hand the task over"))
    over = task.state not in ("waiting", "copied", "read") or frame.instance.state != "running"
    return Conflict(why, code="task_decided" if over else "not_allowed_here")


def _settle(frame: Frame, task: Task, to: str) -> None:
    if not store.settle(frame.conn, frame.call.schema, task, to, frame.call.actor.user, frame.call.now):
        raise Conflict(
            Phrase("this is decided already"), code="task_decided", hint=Phrase("look at it again")
        )


def _note_before(frame: Frame, task: Task) -> None:
    """The record as it is now: what changes from here on is new to who decides next."""
    instance = frame.instance
    now = snapshot(frame.conn, frame.call, instance.object, instance.record)
    different = {n: v for n, v in now.items() if instance.snapshot.get(n) != v}
    store.note_before(frame.conn, frame.call.schema, task.id, different)


# -- decisions ------------------------------------------------------------------------------------------------------


def _approve(frame: Frame, task: Task, wish: Wish) -> Instance:
    return _decided(frame, task, wish, "approved")


def _reject(frame: Frame, task: Task, wish: Wish) -> Instance:
    return _decided(frame, task, wish, "rejected")


def _decided(frame: Frame, task: Task, wish: Wish, verdict: state.Verdict) -> Instance:
    node = frame.program.by_name[task.node]
    _said(node, wish, verdict)
    frame = _with_choices(frame, wish)
    fields = Fields(frame=frame, node=node, given=wish.fields, source=wish.source)
    if fields.beyond:
        fields.allow(_asked_after(frame, task, replace(wish, fields=fields.own), verdict))
    ends = wish.act == "finish"
    before = way_on(frame) if wish.fields and not ends else None
    save_fields(fields)
    frame = edited(frame, wish.fields)
    if verdict == "approved":
        missing(fields)
    if before is not None and verdict == "approved":
        _same_way(frame, before, wish.confirm)
    comment = None if node.comment == "hidden" else wish.comment
    me, files = frame.call.actor.user, wish.files
    going = (
        finish_early(frame.program, frame.instance, task, me, comment, frame.facts, files)
        if ends
        else state.decide(frame.program, frame.instance, task, verdict, me, comment, frame.facts, files=files)
    )
    if wish.signature is not None:
        going.add(
            Log(
                kind="signed",
                by=frame.call.actor.user,
                node=task.node,
                task=task.id,
                detail={"signature": wish.signature},
            )
        )
    made = carry(frame, going)
    if wish.signature is not None:
        hang_signature(frame.conn, frame.call, made, task, wish.signature)
    hang_files(frame.conn, frame.call, made, wish.files)
    return made


def _asked_after(frame: Frame, task: Task, wish: Wish, verdict: state.Verdict) -> set[str]:
    """The fields that the steps of `after` are refused for without them: these may come with the decision."""
    try:
        with frame.conn.transaction(force_rollback=True):
            _decided(frame, task, wish, verdict)
    except Refused as refused:
        if refused.code == "after_refused":
            return {str(p.path).partition(".")[0].partition("[")[0] for p in refused.problems if p.path}
    return set()


def _said(node: Node, wish: Wish, verdict: str) -> None:
    """What the step asks for beside the word."""
    problems = []
    required = node.comment == "required" or (
        node.comment == "required_to_reject" and verdict in ("rejected", "returned")
    )
    if required and not (wish.comment or "").strip():
        problems.append(Problem(code="required", message=Phrase("say why, in the comment"), path="comment"))
    if node.body.get("signature") and verdict == "approved" and not wish.signature:
        problems.append(Problem(code="required", message=Phrase("sign here"), path="signature"))
    if problems:
        raise Refused(problems)


def _with_choices(frame: Frame, wish: Wish) -> Frame:
    """Whom this approver chose for the steps that come."""
    if not wish.chosen:
        return frame
    named = {n: tuple(people_named(frame, people, f"chosen.{n}")) for n, people in wish.chosen.items()}
    check_named(frame.conn, frame.call, frame.program, frame.instance, named, "approver")
    chosen = {**frame.instance.chosen, **named}
    made = replace(frame.instance, chosen=chosen)
    frame.facts.instance = made
    return replace(frame, instance=made)


def _same_way(frame: Frame, before: Any, confirm: str | None) -> None:
    """An edit that changes who decides next is shown before it is confirmed."""
    now = way_on(frame)
    was, there = token(frame.instance, before), token(frame.instance, now)
    if was == there or confirm == there:
        return
    raise Conflict(
        Phrase("what you changed leads to other approvers"), code="route_changed",
        hint=Phrase("look at the new route and repeat the request with `confirm`"),
        values={"confirm": there, "route": drawn(frame.conn, frame.call, now)},
    )  # fmt: skip


def _return(frame: Frame, task: Task, wish: Wish) -> Instance:
    node = frame.program.by_name[task.node]
    _said(node, wish, "returned")
    to = wish.to if wish.to is not None else state.SUBMITTER
    known = [state.SUBMITTER, state.LAST, *state.return_targets(frame.program, frame.instance, task.node)]
    if to not in known:
        hint = Phrase("it can go back to {known}", known=known)
        raise Refused(
            [Problem(code="not_earlier", message=Phrase("it cannot be returned there"), path="to", hint=hint)]
        )
    return carry(
        frame,
        state.send_back(
            frame.program, frame.instance, task, to, frame.call.actor.user, wish.comment, frame.facts
        ),
    )


def _taken_back(frame: Frame, task: Task) -> Instance:
    why = taken_back(frame.program, frame.instance, task, asker_of(frame.conn, frame.call))
    if why is not None:
        raise (
            Forbidden(why) if task.person != frame.call.actor.user else Conflict(why, code="cannot_take_back")
        )
    return carry(
        frame, state.take_back(frame.program, frame.instance, task, str(frame.call.actor.user), frame.facts)
    )


_ACTS: Final[Mapping[str, Callable[[Frame, Task, Wish], Instance]]] = {
    "approve": _approve, "finish": _approve, "reject": _reject, "return": _return, "transfer": transfer, "delegate": delegate, "add_signer": add_signer,
    "remove_signer": remove_signer, "claim": claim, "ask": ask, "comment": speak,
}  # fmt: skip
