"""The way approve: a record is submitted, people decide, what follows is done.

    submitted -> which approval -> its first nodes -> tasks -> one decision (a conditional UPDATE) -> the next nodes … -> the end
        -> intent and steps of `after`, in the deciding transaction -> record, log, notices, events

In: who asks, a record or a task, what he wants. Out: the instance as it stands then. Everything in the caller's write transaction,
the instance locked first, so that of two at once one has its effect and the other is told. The core (approval/) is pure;
approving.py carries out what it asks for; deciding.py knows what a decision needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from patron_engine.access.beside import holds
from patron_engine.access.pick import fits
from patron_engine.approval import state, store
from patron_engine.approval.may import FORBIDDEN, Asker, acts_of_instance, closed_to
from patron_engine.approval.program import Program, program_of
from patron_engine.approval.value import Instance
from patron_engine.approval.who import run_of
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.values import fetch_values
from patron_engine.record.asking import Ask, Trigger, triggers_of
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_choices import ask_choices, ask_of_save, check_named, chosen_people
from patron_engine.ways.approval_snapshot import snapshot, with_values
from patron_engine.ways.approving import Frame, carry, frame_of, opened
from patron_engine.ways.read import read_one

Chosen = Mapping[str, Sequence[str]]
MAX_COMMENT: Final = 10_000  # limit_approval_comment: characters


# -- begun ----------------------------------------------------------------------------------------------------------


def begin_of(conn: Conn, call: Call, ask: Ask, intent: Mapping[str, Any] | None) -> str:
    """A save asked for it; the id of the instance. Conflict where the record has an open one; where that was returned, the change
    takes the place of the one that waited, and it is submitted again."""
    people = chosen_people(call.cause.chosen)
    returned = _returned(conn, call, ask) if intent is not None else None
    if returned is not None:
        chosen = {**returned.instance.chosen, **people}
        kept = with_values(conn, call, replace(returned.instance, intent=intent, chosen=chosen))
        ask_of_save(conn, call, returned.program, replace(kept, state="running", places={}))
        check_named(conn, call, returned.program, kept, people, "submitter")
        anew = replace(returned, instance=kept)
        anew.facts.instance = anew.instance
        return carry(anew, state.resubmit(anew.program, anew.instance, call.actor.user, anew.facts)).id
    submitter = ask.causer or ask.owner
    instance = new_instance(
        conn, call, ask.approval, ask.object, ask.record, ask.verb, submitter, intent, people
    )
    made = with_values(conn, call, instance)
    ask_of_save(conn, call, today(call, ask.approval), made)
    check_named(conn, call, today(call, ask.approval), made, people, "submitter")
    return begun(conn, call, made).id


def _returned(conn: Conn, call: Call, ask: Ask) -> Frame | None:
    """The open approval of a change that was sent back to who asks again."""
    there = store.of_record(conn, call.schema, ask.object, ask.record, open=True)
    if there is None:
        return None
    frame = opened(conn, call, there)
    it = frame.instance
    mine = ask.causer in (it.submitter, it.initiator)
    same = it.state == "returned" and it.intent is not None and it.approval == ask.approval
    return frame if same and mine else None


def submit(
    conn: Conn, call: Call, object: str, id: str, *, chosen: Mapping[str, Any] | None = None, approval: str | None = None,
    button: str | None = None, comment: str | None = None,
) -> Instance:  # fmt: skip
    """Somebody submits a record, or sends one that was returned once more. `comment`: what he says to those who decide."""
    check_comment(comment)
    record = _submittable(conn, call, object, id)
    there = store.of_record(conn, call.schema, object, record, open=True)
    people = chosen_people(chosen or {})
    if there is not None:
        frame = opened(conn, call, there)
        if frame.instance.state != "returned":
            raise _running(frame.instance)
        return _again(conn, call, frame, people, comment)
    latest = store.of_record(conn, call.schema, object, record)
    before = store.load(conn, call.schema, latest) if latest is not None else None
    trigger = fitting(conn, call, object, record, approval, button)
    if before is not None and before.state == "approved" and trigger.body.get("after_lock") == "locked":
        raise Conflict(
            Phrase("this is approved already"),
            code="approved_already",
            hint=Phrase("who may revoke the approval opens it again"),
        )
    instance = new_instance(
        conn, call, trigger.approval, object, record, trigger.verb, call.actor.user, None, people
    )
    ask_choices(conn, call, today(call, instance.approval), instance)
    check_named(conn, call, today(call, instance.approval), instance, people, "submitter")
    return begun(conn, call, replace(instance, comment=comment))


def check_comment(comment: str | None) -> None:
    if comment is not None and len(comment) > MAX_COMMENT:
        raise LimitExceeded(
            Phrase("a comment has at most {most} characters", most=MAX_COMMENT), code="limit_approval_comment"
        )


def _submittable(conn: Conn, call: Call, object: str, id: str) -> str:
    """The record, locked, where he may change it."""
    found = known_object(call, object)
    record = read_one(conn, call, object, id, fields=("id",)).record()["id"]
    if not reached_among(conn, call, found.name, "update", [record], lock=True):
        raise Forbidden(
            Phrase(
                "you may not submit this {object}",
                object=label_of(found.label, found.name, call.actor.languages),
            ),
            hint=Phrase("who may change a record may submit it"),
        )
    return str(record)


def _again(conn: Conn, call: Call, frame: Frame, people: Chosen, comment: str | None) -> Instance:
    """One that was returned; whom he chose then stays, unless he chooses anew."""
    instance = replace(
        frame.instance, chosen={**frame.instance.chosen, **{n: tuple(p) for n, p in people.items()}}
    )
    ask_of_save(conn, call, frame.program, replace(instance, state="running", places={}))
    check_named(conn, call, frame.program, instance, people, "submitter")
    frame.facts.instance = instance
    return carry(frame, state.resubmit(frame.program, instance, call.actor.user, frame.facts, comment))


def _running(instance: Instance) -> Conflict:
    return Conflict(
        Phrase("this record is being approved already"),
        code="approval_running",
        values={"instance": instance.id},
    )


def candidates(conn: Conn, call: Call, object: str, record: str, button: str | None = None) -> list[Trigger]:
    """The approvals that a record could be submitted to, the best first."""
    found = []
    for trigger in triggers_of(Programs.of(call.tables)).get(object, ()):
        by_hand = (
            trigger.verb == "button" and button in trigger.fields if button else trigger.verb == "submit"
        )
        if not by_hand or not fits(trigger.body, call.actor, None):
            continue
        probe = Instance(
            id=call.new_id(), approval=trigger.approval, version="", release=call.model.release, object=object, record=record,
            trigger=trigger.verb, submitter=call.actor.user, initiator=call.actor.user, began_at=call.now,
        )  # fmt: skip
        if Reading(conn, call).holds(trigger.when, [Subject(run=run_of(probe, call))])[0]:
            found.append(trigger)
    return found


def fitting(
    conn: Conn, call: Call, object: str, record: str, approval: str | None, button: str | None
) -> Trigger:
    found = candidates(conn, call, object, record, button)
    named = [t for t in found if approval in (None, t.approval)]
    if named:
        return named[0]
    raise Refused(
        [Problem(code="no_approval_fits", message=Phrase("no approval fits this record as it is now"))], code="no_approval_fits",
        hint=Phrase("the conditions of its approvals say when it can be submitted"),
    )  # fmt: skip


def new_instance(
    conn: Conn, call: Call, approval: str, object: str, record: str, trigger: str, submitter: str | None,
    intent: Mapping[str, Any] | None, chosen: Chosen,
) -> Instance:  # fmt: skip
    program = today(call, approval)
    initiator = (
        owner_of(conn, call, object, record) or submitter
        if program.tells("initiator") == "owner"
        else submitter
    )
    return Instance(
        id=call.new_id(), approval=approval, version=program.version, release=call.model.release, object=object, record=record,
        trigger=trigger, submitter=submitter, initiator=initiator, began_at=call.now, intent=intent,
        snapshot=snapshot(conn, call, object, record), chosen={n: tuple(p) for n, p in chosen.items()},
    )  # fmt: skip


def proposed(conn: Conn, call: Call, approval: str, object: str, record: str) -> Instance:
    """What submitting would begin."""
    return new_instance(conn, call, approval, object, record, "submit", call.actor.user, None, {})


def instance_of(conn: Conn, call: Call, object: str, record: str) -> str:
    """The latest instance of a record he may read."""
    known_object(call, object)
    id = str(read_one(conn, call, object, record, fields=("id",)).record()["id"])
    found = store.of_record(conn, call.schema, object, id)
    instance = store.load(conn, call.schema, found) if found is not None else None
    if found is None or instance is None or closed_to(instance, call.actor):
        raise NotFound(Phrase("this record was never submitted"), code="approval_not_found")
    return found


def today(call: Call, approval: str) -> Program:
    """The definition in force; NotFound where there is none."""
    program: Program | None = Programs.of(call.tables).keep(("approval", approval, call.model.release), lambda: (call.model, program_of(call.model, approval)))[1]  # fmt: skip
    if program is None:
        raise NotFound(Phrase("there is no approval {name!r}", name=approval[:60]), code="unknown_approval")
    return program


def begun(conn: Conn, call: Call, instance: Instance) -> Instance:
    if not store.insert(conn, call.schema, instance):
        there = store.of_record(conn, call.schema, instance.object, instance.record, open=True)
        raise _running(replace(instance, id=there or instance.id))
    frame = frame_of(conn, call, instance)
    return carry(frame, state.begin(frame.program, instance, frame.facts))


def owner_of(conn: Conn, call: Call, object: str, record: str) -> str | None:
    if "owner" not in call.model.objects[object].fields:
        return None
    found = fetch_values(conn, call, object, [record], ["owner"]).get(record, {}).get("owner")
    return found if isinstance(found, str) else None


# -- the whole ------------------------------------------------------------------------------------------------------


def asker_of(conn: Conn, call: Call, instance: Instance | None = None) -> Asker:
    submits = instance is not None and bool(_may_update(conn, call, instance))
    return Asker(
        user=call.actor.user, administrator=call.actor.administrator or call.actor.system,
        revokes=holds(call.model, call.actor, "revoke_approval"), submits=submits,
    )  # fmt: skip


def _may_update(conn: Conn, call: Call, instance: Instance) -> list[str]:
    if instance.object not in call.model.objects:
        return []
    return reached_among(conn, call, instance.object, "update", [instance.record])


def allowed(frame: Frame, act: str) -> None:
    """Forbidden or Conflict, with the reason, where he may not."""
    asker = asker_of(frame.conn, frame.call, frame.instance)
    why = acts_of_instance(frame.program, frame.instance, asker, frame.call.now)[act]
    if why is None:
        return
    if why in FORBIDDEN:
        raise Forbidden(why)
    raise Conflict(why, code="not_now")


def withdraw(conn: Conn, call: Call, id: str, comment: str | None) -> Instance:
    frame = opened(conn, call, id)
    allowed(frame, "withdraw")
    return carry(
        frame, state.close(frame.program, frame.instance, "withdrawn", call.actor.user, comment, frame.facts)
    )


def resubmit(
    conn: Conn, call: Call, id: str, comment: str | None = None, chosen: Mapping[str, Any] | None = None
) -> Instance:
    """One that was returned goes on."""
    frame = opened(conn, call, id)
    check_comment(comment)
    allowed(frame, "resubmit")
    return _again(conn, call, frame, chosen_people(chosen or {}), comment)


def urge(conn: Conn, call: Call, id: str) -> Instance:
    """Whoever is waited for is told once more."""
    frame = opened(conn, call, id)
    allowed(frame, "urge")
    going = state.urged(frame.program, frame.instance, call.actor.user, frame.facts)
    return carry(frame, going)
