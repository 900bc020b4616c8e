"""Prepare: from two models to a plan that can be shown, confirmed and applied. The one call a publication makes here.

In: a connection, the model in force (None for a new workspace), the model to come, the columns known. Out: a DdlPlan.
Only reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from patron_engine.model.model import Model
from patron_engine.model.physical import PhysicalColumn
from patron_engine.store import catalog
from patron_engine.store.conversion import conversions
from patron_engine.store.desired import desired
from patron_engine.store.facts import gather
from patron_engine.store.plan import plan
from patron_engine.store.steps import DdlPlan

Connection = psycopg.Connection[Any]


def prepare(
    conn: Connection, schema: str, old: Model | None, new: Model, columns: Iterable[PhysicalColumn] = ()
) -> DdlPlan:
    """What has to happen to the tables of `schema` so that they hold what `new` means.

    columns  all columns the new model was compiled with, those aside included
    """
    want = desired(new, schema, columns)
    live = catalog.read(conn, schema)
    moved = conversions(old, new, live)
    facts = gather(conn, want, live, moved, new.workspace.zone)
    return plan(want, live, facts, moved)
