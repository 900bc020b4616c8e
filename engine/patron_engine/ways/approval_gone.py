"""Gone: what becomes of an approval whose record is deleted: it ends, nobody is asked any more. Part of the way approve.

In: what a save found (record/gone), after it. Out: the instance ended, with its tasks; of a record that comes back the tasks stand as
records as they are now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from patron_engine.approval import state
from patron_engine.approval.value import OPEN
from patron_engine.query.call import Call
from patron_engine.record.gone import Gone
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_told import mirror
from patron_engine.ways.approving import carry, opened


def follow(conn: Conn, call: Call, found: Sequence[Gone]) -> None:
    """One after the other, each locked."""
    for one in found:
        frame = opened(conn, call, one.instance)
        it = frame.instance
        if one.back:
            unknown = replace(it, tasks=tuple(replace(t, state="not_started") for t in it.tasks))
            mirror(conn, call, frame.program, unknown, it)
        elif it.state in OPEN:
            carry(frame, state.lost(frame.program, it, call.actor.user, frame.facts))
