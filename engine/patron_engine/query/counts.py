"""Counts: how many living records each object has, for pages that show what there is.

In: the frame of a call. Out: object -> number. Small tables are counted, large ones estimated from the statistics, so
that the answer takes milliseconds whatever the size.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.grants import audience
from patron_engine.query.binding import SqlBinding, rule_condition
from patron_engine.query.call import Call
from patron_engine.query.source import Building, rules_of
from patron_engine.query.statement import compiled, kept

COUNTED = 100_000  # rows up to which a table is counted


def counts(conn: psycopg.Connection[Any], call: Call, *, exact: bool = False) -> dict[str, int]:
    """The records of every object the actor may read. `exact` counts the large ones too."""
    sizes = dict(
        conn.execute(
            "SELECT c.relname, c.reltuples::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r'",
            (call.schema,),
        ).fetchall()
    )
    names = [
        n for n in call.model.objects if not isinstance(row_rule(call.model, call.actor, "read", n), Deny)
    ]
    large = {n for n in names if sizes.get(call.model.objects[n].table, 0) > COUNTED and not exact}
    found = {n: int(sizes[call.model.objects[n].table]) for n in large}
    small = tuple(n for n in names if n not in large and call.model.objects[n].table in sizes)
    if small:
        key = ("counts", audience(call.actor), small)
        statement = kept(call.tables).get(key, lambda: _counting(call, small))
        given = {"call.me": call.actor.user, "call.now": call.now, "call.today": call.today}
        for name, number in conn.execute(statement.text, statement.values(given)):
            found[name] = number
    return {n: found.get(n, 0) for n in names}


def is_large(conn: psycopg.Connection[Any], call: Call, object: str) -> bool:
    """Whether an object has so many records, by the statistics, that a page does not wait for figures over all of them."""
    row = conn.execute(
        "SELECT c.reltuples > %s FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s",
        (COUNTED, call.schema, call.model.objects[object].table),
    ).fetchone()
    return row is not None and bool(row[0])


def _counting(call: Call, names: tuple[str, ...]) -> Any:
    building = Building(
        tables=call.tables, rules=rules_of(row_rule, call.model, call.actor), condition=rule_condition
    )
    parts = []
    for name in names:
        row = SqlBinding(row=building.root(name), ruled=True).row
        conditions = [*row.live(voided=False), *row.ruled()]
        count = sa.select(sa.literal(name, sa.Text()).label("object"), sa.func.count().label("number"))
        parts.append(count.select_from(row.source.from_).where(*conditions))
    return compiled(sa.union_all(*parts), call.model.release)
