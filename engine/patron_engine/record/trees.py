"""Trees: moves in one tree come one after the other, and none comes while somebody adds up what stands in it.

In: an object and its tree's link. Out: advisory locks until the save ends. Two moves at once could hang each record below
the other; a move beside a climb would leave a new ancestor without what the climber changed.
"""

from __future__ import annotations

import sqlalchemy as sa

from patron_engine.record.batch import Batch
from patron_engine.record.identify import value_key
from patron_engine.record.statements import Statement, compiled


def moving(batch: Batch, object: str, link: str) -> None:
    """Waits until nobody else moves or climbs, and keeps everybody else from it."""

    def make() -> Statement:
        return compiled(sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("key", type_=sa.BigInteger()))))

    batch.programs.keep("trees.moving", make).run(batch.conn, key=_key(batch, object, link))


def climbing(batch: Batch, object: str, link: str) -> None:
    """Waits until nobody moves, and keeps everybody from it; others may climb at the same time."""

    def make() -> Statement:
        key = sa.bindparam("key", type_=sa.BigInteger())
        return compiled(sa.select(sa.func.pg_advisory_xact_lock_shared(key)))

    batch.programs.keep("trees.climbing", make).run(batch.conn, key=_key(batch, object, link))


def _key(batch: Batch, object: str, link: str) -> int:
    return value_key(batch.call.schema, object, link, "tree")
