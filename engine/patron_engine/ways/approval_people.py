"""People of a task: what an approver does with others: transfers, delegates, adds and removes signers, claims, asks. Part of the way
approve.

In: the frame of an instance, his task, a `Wish`. Out: the instance as it stands then. That he may do it was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from patron_engine.approval import signers, store
from patron_engine.approval.going import Going
from patron_engine.approval.may import involved
from patron_engine.approval.people import kept_from
from patron_engine.approval.value import HOWS, UNDECIDED, Instance, Log, Task, Tell
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Source
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_files import hang_files
from patron_engine.ways.approving import Frame, carry, opened

MAX_PEOPLE: Final = 50  # limit_approval_people: of one act


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`to`: whom, or the node it goes back to; `how` a signer is added; `fields` of the record, in the form `source` says; `chosen`
    who decides next, by node; `confirm` the way on that was shown; `files` that come with the comment."""

    act: str
    comment: str | None = None
    to: Any = None
    how: str = "after"
    fields: Mapping[str, Any] = field(default_factory=dict)
    source: Source = "wire"
    signature: str | None = None
    files: tuple[str, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)
    confirm: str | None = None


def people_named(frame: Frame, given: Any, path: str) -> list[str]:
    listed = given if isinstance(given, list) else [given]
    found: list[str] = []
    for value in listed:
        try:
            found.append(read_id(value["user"] if isinstance(value, Mapping) and "user" in value else value))
        except ValueFault as fault:
            raise Refused(
                [Problem(code="not_users", message=Phrase("name users by their ids"), path=path)]
            ) from fault
    if len(found) > MAX_PEOPLE:
        raise LimitExceeded(
            Phrase("at most {most} people at once", most=MAX_PEOPLE), code="limit_approval_people"
        )
    gone = [p for p in found if not frame.facts.active(p)]
    if gone or not found:
        raise Refused([Problem(code="not_active", message=Phrase("name somebody who works here"), path=path)])
    return list(dict.fromkeys(found))


def _others(frame: Frame, task: Task, wish: Wish) -> list[str]:
    """People to whom something of this task goes: not himself, nobody who decides here already."""
    found = people_named(frame, wish.to, "to")
    if frame.call.actor.user in found:
        raise Refused(
            [Problem(code="himself", message=Phrase("name somebody else than yourself"), path="to")]
        )
    here = {t.person for t in frame.instance.at(task.node) if t.state in UNDECIDED and t.id != task.id}
    if here & set(found):
        raise Refused(
            [
                Problem(
                    code="decides_here", message=Phrase("this person decides at this step already"), path="to"
                )
            ]
        )
    if wish.act != "delegate" and kept_from(frame.program, frame.instance) & set(found):
        message = Phrase("whoever submitted it does not decide about it himself")
        raise Refused([Problem(code="self_approval", message=message, path="to")])
    among = frame.facts.among(frame.instance, frame.program.by_name[task.node])
    if among is not None and not set(found) <= set(among):
        raise Refused(
            [Problem(code="not_offered", message=Phrase("this person cannot be chosen here"), path="to")]
        )
    return found


def _one(frame: Frame, task: Task, wish: Wish) -> str:
    found = _others(frame, task, wish)
    if len(found) > 1:
        raise Refused([Problem(code="one_person", message=Phrase("name one person"), path="to")])
    return found[0]


def transfer(frame: Frame, task: Task, wish: Wish) -> Instance:
    to = _one(frame, task, wish)
    return carry(
        frame,
        signers.transfer(
            frame.program, frame.instance, task, [to], frame.call.actor.user, wish.comment, frame.facts
        ),
    )


def delegate(frame: Frame, task: Task, wish: Wish) -> Instance:
    to = _one(frame, task, wish)
    me = str(frame.call.actor.user)
    return carry(
        frame, signers.delegate(frame.program, frame.instance, task, to, me, wish.comment, frame.facts)
    )


def add_signer(frame: Frame, task: Task, wish: Wish) -> Instance:
    if wish.how not in HOWS:
        raise Refused(
            [Problem(code="unknown_value", message=Phrase("how is before, after or beside"), path="how")]
        )
    people, me = _others(frame, task, wish), str(frame.call.actor.user)
    going = signers.add_signers(
        frame.program, frame.instance, task, people, wish.how, me, wish.comment, frame.facts
    )
    return carry(frame, going)


def remove_signer(frame: Frame, task: Task, wish: Wish) -> Instance:
    """`to` names a signer he added, by person or task."""
    mine = [t for t in frame.instance.tasks if t.added_by == task.id and wish.to in (t.id, t.person)]
    found = next((t for t in mine if t.state in UNDECIDED), None)
    if found is None:
        message = Phrase("there is no signer of yours who has not acted yet")
        raise Refused([Problem(code="no_signer", message=message, path="to")])
    if not store.settle(
        frame.conn, frame.call.schema, found, "cancelled", frame.call.actor.user, frame.call.now
    ):
        raise Conflict(Phrase("this is decided already"), code="task_decided")
    me = str(frame.call.actor.user)
    return carry(frame, signers.remove_signer(frame.program, frame.instance, found, me, frame.facts))


def claim(frame: Frame, task: Task, wish: Wish) -> Instance:
    return carry(
        frame, signers.claim(frame.program, frame.instance, task, str(frame.call.actor.user), frame.facts)
    )


def ask(frame: Frame, task: Task, wish: Wish) -> Instance:
    people = people_named(frame, wish.to, "to")
    return _spoken(frame, task, wish, "asked", people)


def speak(frame: Frame, task: Task, wish: Wish) -> Instance:
    people = people_named(frame, wish.to, "to") if wish.to is not None else []
    told = people or [p for p in (frame.instance.submitter,) if p is not None]
    return _spoken(frame, task, wish, "commented", told)


def _spoken(frame: Frame, task: Task, wish: Wish, kind: str, people: Sequence[str]) -> Instance:
    """It changes nothing but the log; whoever is named is told and may read the record."""
    if not (wish.comment or "").strip():
        raise Refused([Problem(code="required", message=Phrase("write something"), path="comment")])
    going = Going(frame.program, frame.instance, frame.facts)
    going.add(
        Log(
            kind=kind,
            by=frame.call.actor.user,
            node=task.node,
            task=task.id,
            comment=wish.comment,
            detail=_spoken_of(people, wish),
        ),
        Tell(kind=kind, people=tuple(people), node=task.node, task=task.id),
    )
    hang_files(frame.conn, frame.call, frame.instance, wish.files)
    return carry(frame, going)


def _spoken_of(people: Sequence[str], wish: Wish) -> dict[str, Any]:
    return {"people": list(people), **({"files": list(wish.files)} if wish.files else {})}


def speak_of(conn: Conn, call: Call, id: str, wish: Wish) -> Instance:
    """A comment on the whole, by anybody who sees it: whoever is waited for is told, or who is named."""
    frame = opened(conn, call, id)
    waiting = list(frame.instance.approvers)
    if wish.to is not None and not (
        frame.call.actor.administrator or frame.call.actor.user in involved(frame.instance)
    ):  # whoever is named may read the record from then on
        raise Forbidden(Phrase("only who has to do with this approval names people here"))
    return _said(frame, wish, people_named(frame, wish.to, "to") if wish.to is not None else waiting)


def _said(frame: Frame, wish: Wish, people: Sequence[str]) -> Instance:
    if not (wish.comment or "").strip():
        raise Refused([Problem(code="required", message=Phrase("write something"), path="comment")])
    going = Going(frame.program, frame.instance, frame.facts)
    by = frame.call.actor.user
    going.add(
        Log(kind="commented", by=by, comment=wish.comment, detail=_spoken_of(people, wish)),
        Tell(kind="commented", people=tuple(people)),
    )
    hang_files(frame.conn, frame.call, frame.instance, wish.files)
    return carry(frame, going)
