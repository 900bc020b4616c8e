"""Steps and approvals: automations that submit and withdraw, steps of a `do` node that ended. Part of the ways flow and approve.

In: a record or a run. Out: the approval that was begun, withdrawn, or went on. Steps run inside flow, which stands below this.
"""

from __future__ import annotations

from patron_engine.approval import state, store
from patron_engine.approval.value import OPEN
from patron_engine.flow.run import Run, said
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approve import begun, fitting, new_instance, owner_of
from patron_engine.ways.approving import carry, opened, steps_done


def start(conn: Conn, call: Call, object: str, record: str, approval: str | None, causer: str | None) -> str:
    """A step of an automation submits a record, for whoever caused it."""
    trigger = None if approval else fitting(conn, call, object, record, None, None)
    name = approval or (trigger.approval if trigger is not None else "")
    submitter = causer or owner_of(conn, call, object, record)
    return begun(conn, call, new_instance(conn, call, name, object, record, "submit", submitter, None, {})).id


def withdraw_of(conn: Conn, call: Call, object: str, record: str, reason: str | None) -> str | None:
    """A step of an automation withdraws what is open of a record."""
    id = store.of_record(conn, call.schema, object, record, open=True)
    if id is None:
        return None
    frame = opened(conn, call, id)
    if frame.instance.state in OPEN:
        carry(
            frame,
            state.close(frame.program, frame.instance, "withdrawn", call.actor.user, reason, frame.facts),
        )
    return id


def node_done(conn: Conn, call: Call, run: Run) -> None:
    """The worker did the steps of a node, or gave them up until somebody mends what they met."""
    frame, node = opened(conn, call, str(run.event["instance"])), str(run.event["node"])
    if run.state == "parked":
        going = state.steps_failed(frame.program, frame.instance, node, said(run.error), frame.facts)
    else:
        going = steps_done(frame, frame.instance, node)
    carry(frame, going)
