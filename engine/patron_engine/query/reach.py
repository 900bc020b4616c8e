"""Reach: how many records a decision about rights reaches, for one person; and who was given one record by itself.

In: a connection, a call whose actor is the person, an object, a decision. Out: a number, counted up to a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from patron_engine.access.decide import Decision, Deny, When
from patron_engine.query.binding import parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.fitting import building_of
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.store.tables import Id

MAX_COUNTED = 100_000  # access_counted
MAX_GIVEN = 500  # access_given


@dataclass(frozen=True, slots=True)
class GivenRow:
    """One right on a single record: `principal` is the id of a user, department or group, or stands for a role."""

    principal: str
    level: str
    reason: str
    until: datetime | None


def reached_by(
    conn: psycopg.Connection[Any], call: Call, object: str, decision: Decision, most: int = MAX_COUNTED
) -> int:
    """The living records the decision reaches for the call's actor; `most` stands for that many or more."""
    if isinstance(decision, Deny):
        return 0
    row = building_of(call, call.actor).root(object)
    conditions = [rule_condition(row, decision)] if isinstance(decision, When) else []
    some = sa.select(sa.literal(1)).select_from(row.source.from_).where(*row.live(), *conditions)
    each = some.limit(parameter("most", sa.BigInteger())).subquery("found")
    statement = compiled(sa.select(sa.func.count()).select_from(each), call.model.release)
    found = conn.execute(statement.text, statement.values(call_values(call) | {"most": most})).fetchone()
    return int(found[0]) if found else 0


def given_of_record(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> list[GivenRow]:
    """Teams, shares and approvals of one record, at most `MAX_GIVEN`; what has run out is left out."""
    table = call.tables.access(object)
    chosen = (
        sa.select(table.c.principal, table.c.level, table.c.reason, table.c.until)
        .where(table.c.record == parameter("record", Id()))
        .order_by(table.c.reason, table.c.level, table.c.principal)
        .limit(MAX_GIVEN)
    )
    statement = compiled(chosen, call.model.release)
    rows = conn.execute(statement.text, statement.values(call_values(call) | {"record": id}))
    return [GivenRow(str(p), lv, r, u) for p, lv, r, u in rows if u is None or u > call.now]
