"""Handing over, from the outside: finds people by e-mail, and works a run off to its end.

In: a service, a workspace, e-mails. Out: ids of user records; a finished run. A worker that has the run already is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound
from patron_engine.phrases import Phrase
from patron_engine.runtime import Workspace
from patron_engine.store.tasks import claim, run_task
from patron_engine.ways import handover
from patron_engine.ways.handover import Run
from patron_platform.jobs.tasks import task_context

LOOK_SECONDS = 0.2


def user_of(conn: psycopg.Connection[Any], workspace: str, email: str) -> str:
    """The user record behind an e-mail, in this workspace."""
    row = conn.execute(
        "SELECT m.user_record::text FROM patron.membership m JOIN patron.account a ON a.id = m.account"
        " WHERE m.workspace = %s AND lower(a.email) = lower(%s)",
        (workspace, email),
    ).fetchone()
    if row is None:
        raise NotFound(
            Phrase("{email} is no user of {workspace}", email=email, workspace=workspace),
            code="user_not_found",
        )
    return str(row[0])


def carry_out(place: Workspace, task: str, told: Callable[[Run], None] = lambda _: None) -> Run:
    """Works the run off, or waits for the worker that has it."""

    def connect() -> AbstractContextManager[psycopg.Connection[Any]]:
        return place.connection("job")

    while True:
        [run] = place.reading(SYSTEM, lambda conn, call: handover.runs(conn, call, id=task))
        told(run)
        if run.state not in ("waiting", "running"):
            return run
        with connect() as conn, conn.transaction():
            row = claim(conn, place.schema, id=task)
        if row is None:
            time.sleep(LOOK_SECONDS)
        else:
            run_task(connect, place.schema, row, task_context(place))
