"""Actionable: on which of some records the caller may do something; and which records hang on one.

In: a connection, the frame of a call, an object and ids, or a set of related records. Out: ids. The conditions are those lists are
made with. `lock` keeps the records as they are until the end of the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import Action, field_rule, row_rule
from patron_engine.model.model import LinkSet
from patron_engine.query.binding import parameter, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.source import Building, Row, rules_of
from patron_engine.query.statement import compiled
from patron_engine.query.values import call_values
from patron_engine.store.tables import TYPES, Id

Connection = psycopg.Connection[Any]
IDS, MASTER, LIMIT = "ids", "master", "limit"


def reached_among(
    conn: Connection, call: Call, object: str, action: Action, ids: Sequence[str], *, lock: bool = False
) -> list[str]:
    """Those of the living records the caller reads and may do `action` to, in the order of their ids."""
    if not ids:
        return []
    building = _building(call)
    row = building.root(object)
    conditions = _allowed(row, action)
    chosen = sa.select(row.id).select_from(row.source.from_)
    chosen = chosen.where(row.id == sa.any_(parameter(IDS, pg.ARRAY(Id()))), *conditions).order_by(row.id)
    if lock:
        chosen = chosen.with_for_update(of=row.table, key_share=True)
    statement = compiled(chosen, call.model.release)
    given = call_values(call) | {IDS: sorted(set(ids))}
    return [str(id) for (id,) in conn.execute(statement.text, statement.values(given))]


def reached_in(
    conn: Connection, call: Call, related: LinkSet, id: str, action: Action, limit: int
) -> list[str]:
    """The living records of a set of one record that the caller may do `action` to, at most `limit`."""
    building = _building(call)
    row = building.root(related.object)
    field = row.object.fields[related.field]
    master = parameter(MASTER, Id())
    if field.link.many:
        links = call.tables.link(field).alias(building.alias())
        here: list[sa.ColumnElement[bool]] = [
            row.id.in_(sa.select(links.c.record).where(links.c.target == master))
        ]
    else:
        here = [row.column(field) == master]
        if field.link.several:
            here.append(row.column(field, "object") == sa.literal(related.owner, TYPES["text"]))
    conditions = _allowed(row, action)
    chosen = sa.select(row.id).select_from(row.source.from_).where(*here, *conditions)
    statement = compiled(chosen.order_by(row.id).limit(parameter(LIMIT, sa.BigInteger())), call.model.release)
    given = call_values(call) | {MASTER: id, LIMIT: limit}
    return [str(found) for (found,) in conn.execute(statement.text, statement.values(given))]


def _building(call: Call) -> Building:
    return Building(
        tables=call.tables,
        rules=rules_of(row_rule, call.model, call.actor),
        fields=partial(field_rule, call.model, call.actor),
        condition=rule_condition,
    )


def _allowed(row: Row, action: Action) -> list[sa.ColumnElement[bool]]:
    beyond = [] if action == "read" else row.ruled(action)
    return [*row.live(), *row.ruled(), *beyond]
