"""Times of approvals: deadlines that passed, substitutes whose time begins. Part of the ways flow and approve.

In: the clock. Out: what each deadline says is done, exactly once: in the transaction in which the task is marked. One that cannot be
worked out holds up nobody; where what follows is refused, whoever has the task is reminded once more and decides himself.
"""

from __future__ import annotations

import logging

import psycopg

from patron_engine.approval import signers, store
from patron_engine.errors import PatronError, Refused
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approving import carry, opened
from patron_engine.ways.substitutes import begin_due

log = logging.getLogger("patron.flow")


def tick(conn: Conn, call: Call) -> int:
    """What is due now; how much that was. In the caller's write transaction."""
    done = begin_due(conn, call)
    for instance, task in store.due(conn, call.schema, call.now):
        try:
            with conn.transaction():
                done += _late(conn, call, instance, task)
        except (PatronError, psycopg.Error) as error:
            log.warning(
                "deadline_failed",
                extra={"workspace": call.workspace, "approval": instance, "why": str(error)},
            )
            store.forget_due(conn, call.schema, task)
            if isinstance(error, Refused):
                _reminded(conn, call, instance, task)
    return done


def _late(conn: Conn, call: Call, instance: str, task: str) -> int:
    frame = opened(conn, call, instance)
    found = frame.instance.task(task)
    if found is None or found.state != "waiting" or found.due_at is None or found.due_at > call.now:
        return 0
    if frame.instance.state != "running" or "deadline" not in frame.program.by_name[found.node].body:
        return 0
    carry(frame, signers.late(frame.program, frame.instance, found, frame.facts))
    return 1


def _reminded(conn: Conn, call: Call, instance: str, task: str) -> None:
    """Leaves it to him. Where that fails too, the deadline stays forgotten, and what else was due is done."""
    try:
        with conn.transaction():
            _left_to_him(conn, call, instance, task)
    except (PatronError, psycopg.Error) as error:
        log.warning(
            "reminder_failed",
            extra={"workspace": call.workspace, "approval": instance, "why": str(error)},
        )


def _left_to_him(conn: Conn, call: Call, instance: str, task: str) -> None:
    frame = opened(conn, call, instance)
    found = frame.instance.task(task)
    if found is not None and found.state == "waiting" and frame.instance.state == "running":
        carry(frame, signers.late_refused(frame.program, frame.instance, found, frame.facts))
