"""Left: what becomes of the tasks of somebody who was switched off or deleted. Part of the way approve.

In: people whom a save switched off (record/standing notes them, a worker comes here). Out: their approvals go on without them. What
was handed over before is not touched; one that cannot go on holds up nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import psycopg

from patron_engine.approval import signers, store
from patron_engine.approval.value import UNDECIDED
from patron_engine.errors import PatronError
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approving import carry, opened

log = logging.getLogger("patron.flow")


def leave(conn: Conn, call: Call, people: Iterable[str]) -> None:
    """Each of their open tasks, in the caller's write transaction. Somebody who is back by now keeps his."""
    for person in people:
        for instance, task in store.open_of(conn, call.schema, person):
            try:
                with conn.transaction():
                    _left(conn, call, instance, task)
            except (PatronError, psycopg.Error) as error:
                log.warning(
                    "leaver_failed",
                    extra={"workspace": call.workspace, "approval": instance, "why": str(error)},
                )


def _left(conn: Conn, call: Call, instance: str, task: str) -> None:
    frame = opened(conn, call, instance)
    found = frame.instance.task(task)
    if found is None or found.state not in UNDECIDED or frame.instance.state != "running":
        return
    if not frame.facts.active(found.person):
        carry(frame, signers.gone(frame.program, frame.instance, found, frame.facts))
