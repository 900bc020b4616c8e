"""Tasks of a workspace: what a publication left to be done afterwards (indexes, back-fills, conversions), worked off.

In: a workspace. Out: its tasks done, piece by piece; each piece is a transaction of its own, a killed worker's task is
taken over when its lease ends.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import psycopg

from patron_engine.model.model import Model
from patron_engine.release.active import load_model
from patron_engine.runtime import Workspace
from patron_engine.store.tasks import Context, run_all
from patron_engine.ways.backfill import handlers


def work_off(place: Workspace) -> int:
    """Works on every open task of the workspace; the number that ended."""

    def connect() -> AbstractContextManager[psycopg.Connection[Any]]:
        return place.connection("job")

    def model(number: int) -> Model:
        with place.connection("read") as conn:
            return load_model(conn, place.schema, number, place.vault)

    def current() -> Model:
        place.stale()
        with place.connection("read") as conn:
            return place.pin(conn)[0]

    context = Context(model=model, current=current, handlers=handlers(place.runtime.clock))
    return len(run_all(connect, place.schema, context))
