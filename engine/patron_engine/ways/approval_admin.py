"""Admin: what administrators do with approvals: jump, end, mend, revoke; tasks of one person handed to another. Part of the way approve.

In: an instance or a person, who asks. Out: the instance as it stands then. Forbidden for anybody else; revoking has a right of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg import sql

from patron_engine.access.beside import holds
from patron_engine.approval import signers, state, store
from patron_engine.approval.value import UNDECIDED, Instance
from patron_engine.approval.who import choose_first
from patron_engine.errors import Conflict, Forbidden, Refused
from patron_engine.flow.look import replay
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_choices import check_named, chosen_people, unchosen
from patron_engine.ways.approve import allowed
from patron_engine.ways.approving import Frame, carry, opened


def jump(conn: Conn, call: Call, id: str, to: str, comment: str | None) -> Instance:
    frame = opened(conn, call, id)
    allowed(frame, "jump")
    if to not in frame.program.by_name:
        hint = Phrase("known are {known}", known=list(frame.program.order))
        raise Refused(
            [
                Problem(
                    code="unknown_node",
                    message=Phrase("there is no step {name!r}", name=to[:40]),
                    path="to",
                    hint=hint,
                )
            ]
        )
    return carry(frame, state.jump(frame.program, frame.instance, to, call.actor.user, comment, frame.facts))


def end(conn: Conn, call: Call, id: str, comment: str | None) -> Instance:
    frame = opened(conn, call, id)
    allowed(frame, "end")
    return carry(
        frame, state.close(frame.program, frame.instance, "ended", call.actor.user, comment, frame.facts)
    )


def revoke(conn: Conn, call: Call, id: str, comment: str | None) -> Instance:
    """After it was approved: the record is open again. What was carried out stays."""
    frame = opened(conn, call, id)
    allowed(frame, "revoke")
    it = frame.instance
    if store.of_record(conn, call.schema, it.object, it.record) != it.id:
        raise Conflict(
            Phrase("this record was submitted again since then"), code="not_latest", hint=Phrase("revoke its latest approval")
        )  # fmt: skip
    return carry(
        frame, state.close(frame.program, frame.instance, "revoked", call.actor.user, comment, frame.facts)
    )


def mend(
    conn: Conn,
    call: Call,
    id: str,
    people: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Any] | None = None,
) -> Instance:
    """What was parked is tried again; `people` decide at nodes where nobody was found, `chosen` at those whose people somebody was
    to choose, also ones that come. Refused where it would stand there again for want of a choice."""
    frame = opened(conn, call, id)
    allowed(frame, "mend")
    named = {n: p for n, p in chosen_people(chosen or {}).items() if p}
    unknown = [n for n in (*people, *named) if n not in frame.program.by_name]
    if unknown:
        raise Refused(
            [
                Problem(
                    code="unknown_node",
                    message=Phrase("there is no step {name!r}", name=unknown[0][:40]),
                    path="people",
                )
            ]
        )
    gone = [p for listed in (*people.values(), *named.values()) for p in listed if not frame.facts.active(p)]
    if gone:
        raise Refused(
            [Problem(code="not_active", message=Phrase("name somebody who works here"), path="people")]
        )
    missing = [
        n for n in unchosen(frame.program, frame.instance) if not people.get(n.name) and n.name not in named
    ]
    if missing:
        raise choose_first(missing, call.actor.languages)
    check_named(conn, call, frame.program, frame.instance, named, "submitter", "approver")
    frame = replace(frame, instance=replace(frame.instance, chosen={**frame.instance.chosen, **named}))
    frame.facts.instance = frame.instance
    frame.facts.given = {n: list(p) for n, p in people.items()}
    failed = [str(p["node"]) for p in frame.instance.problems if p["code"] == "steps_failed"]
    for node in failed:
        _steps_again(frame, node)
    return carry(frame, state.mend(frame.program, frame.instance, call.actor.user, frame.facts))


def _steps_again(frame: Frame, node: str) -> None:
    """The run of a `do` node goes on where it stands; nothing of it is done twice."""
    query = sql.SQL(
        "SELECT id::text FROM {} WHERE state = 'parked' AND record = %s AND event ->> 'instance' = %s AND event ->> 'node' = %s"
    ).format(sql.Identifier(frame.call.schema, "sys__run"))
    given = (frame.instance.record, frame.instance.id, node)
    for (run,) in frame.conn.execute(query, given).fetchall():
        replay(frame.conn, frame.call, run)


def hand_over(conn: Conn, call: Call, person: str, to: str) -> int:
    """Everything that somebody is still to decide is another's, and what he stands in for; how many tasks that were."""
    if not (call.actor.administrator or holds(call.model, call.actor, "manage_users")):
        raise Forbidden(Phrase("only an administrator may hand over what others are to decide"))
    return hand_tasks(conn, call, person, [to])


def hand_tasks(conn: Conn, call: Call, person: str, successors: Sequence[str]) -> int:
    """The same for whoever may: of several successors each gets an approval in turn."""
    moved = 0
    instances = dict.fromkeys(id for id, _ in store.open_of(conn, call.schema, person))
    for number, id in enumerate(instances):
        frame, to = opened(conn, call, id), successors[number % len(successors)]
        if to != person and not frame.facts.active(to):
            raise Refused(
                [Problem(code="not_active", message=Phrase("name somebody who works here"), path="to")]
            )
        moved += _handed(frame, person, to)
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE person = %s OR substitute = %s").format(
            sql.Identifier(call.schema, "sys__substitute")
        ),
        (person, person),
    )
    return moved


def _handed(frame: Frame, person: str, to: str) -> int:
    """All tasks of one instance; where the other decides at the same step already, the task is only left out."""
    moved = 0
    instance = frame.instance
    for task in [t for t in instance.tasks if t.person == person and t.state in UNDECIDED]:
        current = instance.task(task.id)
        if current is None or current.state not in UNDECIDED or instance.state not in ("running", "parked"):
            continue
        there = any(t.person == to and t.state in UNDECIDED for t in instance.at(task.node))
        by = frame.call.actor.user
        if there:
            going = signers.left_out(frame.program, instance, current, by, frame.facts)
        else:
            going = signers.transfer(
                frame.program, instance, current, [to], by, None, frame.facts, "handed_over"
            )
        instance = carry(replace(frame, instance=instance), going)
        frame.facts.instance = instance
        moved += 1
    return moved
