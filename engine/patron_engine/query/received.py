"""Received: the single records that were given to the caller, his departments, groups or roles by somebody else.

In: a connection, the frame of a call. Out: `Received`, the latest first, only what is in force. What of it he may read is the
reader's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from patron_engine.access.decide import Deny, row_rule
from patron_engine.query.binding import ME, parameter
from patron_engine.query.call import Call
from patron_engine.query.rights import principals
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values
from patron_engine.store.tables import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    object: str
    id: str
    level: str
    reason: str
    by: str | None
    at: datetime


def received(conn: psycopg.Connection[Any], call: Call, limit: int) -> list[Received]:
    if call.actor.user is None or call.actor.kind == "portal":
        return []
    objects = [
        o for o in call.model.objects
        if o != "user" and call.model.objects[o].master is None
        and not isinstance(row_rule(call.model, call.actor, "read", o), Deny)
    ]  # fmt: skip
    if not objects:
        return []

    def make() -> Any:
        me = parameter(ME, Id())
        return compiled(sa.select(principals(Building(tables=call.tables), me)), call.model.release)

    who = kept(call.tables).get(("received",), make)
    row = conn.execute(who.text, who.values(call_values(call))).fetchone()
    besides = row[0] if row is not None else []
    mine = [call.actor.user, *(str(i) for i in besides if i is not None)]
    each = sql.SQL(
        "(SELECT {} AS object, record::text, level, reason, by::text, at FROM {} WHERE principal = ANY(%(mine)s::uuid[])"
        " AND at IS NOT NULL AND by IS DISTINCT FROM %(me)s AND (until IS NULL OR until > %(now)s) ORDER BY at DESC LIMIT %(limit)s)"
    )
    parts = [
        each.format(sql.Literal(o), sql.Identifier(call.schema, call.tables.access(o).name)) for o in objects
    ]
    query = sql.SQL("SELECT * FROM ({}) every ORDER BY at DESC LIMIT %(limit)s").format(
        sql.SQL(" UNION ALL ").join(parts)
    )
    given = {"mine": mine, "me": call.actor.user, "now": call.now, "limit": limit}
    names = ("object", "id", "level", "reason", "by", "at")
    return [Received(**dict(zip(names, found, strict=True))) for found in conn.execute(query, given)]
