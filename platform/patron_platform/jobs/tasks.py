"""Tasks of a workspace: what publications and people left to be done (indexes, back-fills, conversions, imports), worked
off.

In: a workspace. Out: its tasks done, piece by piece; each piece is a transaction of its own, a killed worker's task is
taken over when its lease ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import psycopg

from patron_engine.model.model import Model
from patron_engine.release.active import current_release, load_model, workspace_in
from patron_engine.runtime import Workspace
from patron_engine.store.tasks import Context, Handler, run_all
from patron_engine.transfer import drafts, pieces
from patron_engine.ways import backfill, handover, nightly


def work_off(place: Workspace, seconds: float | None = None) -> int:
    """Works on the open tasks of the workspace, for about so long; the number that was worked on."""
    end = None if seconds is None else time.monotonic() + seconds

    def connect() -> AbstractContextManager[psycopg.Connection[Any]]:
        return place.connection("job")

    context = replace(task_context(place), over=lambda: end is not None and time.monotonic() > end)
    return len(run_all(connect, place.schema, context))


def begin_day(place: Workspace) -> None:
    """Queues the workspace's nightly task when its day has begun and nobody did. Compiles no model: a process must not
    grow with workspaces that nobody works in."""
    with place.connection("job") as conn:
        release = current_release(conn, place.schema)
        zone = workspace_in(conn, place.schema, release).zone
        nightly.enqueue_nightly(conn, place.schema, zone, place.runtime.clock)


def task_context(place: Workspace, handlers: Mapping[str, Handler] | None = None) -> Context:
    """What tasks of a workspace need. `handlers` take the place of the usual ones of their kinds."""

    def model(number: int) -> Model:
        with place.connection("read") as conn:
            return load_model(conn, place.schema, number, place.vault)

    def current() -> Model:
        place.stale()
        with place.connection("read") as conn:
            return place.pin(conn)[0]

    clock, people = place.runtime.clock, place.people
    known = {
        **backfill.handlers(clock),
        **pieces.handlers(clock, people=people, connect=lambda: place.connection("read")),
        **nightly.handlers(clock, [drafts.sweep]),
        **handover.handlers(clock, people),
        **(handlers or {}),
    }
    return Context(model=model, current=current, handlers=known, upkeep=lambda: place.connection("upkeep"))
