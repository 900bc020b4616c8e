"""Trees: on which level of its tree a record stands.

In: a connection, an object with a link marked `tree`, a record. Out: 1 for one without anything above it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call
from patron_engine.query.sets import DEEPEST_TREE, tree_field


def level_of(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> int:
    """How many records stand above it, and itself."""
    found = call.model.objects[object]
    table = sql.Identifier(call.schema, found.table)
    above = sql.Identifier(found.fields[tree_field(found)].column.name)
    row = conn.execute(
        sql.SQL(
            "WITH RECURSIVE up AS (SELECT {above} AS above, 1 AS level FROM {table} WHERE id = %s UNION ALL "
            "SELECT t.{above}, up.level + 1 FROM {table} t JOIN up ON t.id = up.above WHERE up.level < %s) "
            "SELECT max(level) FROM up"
        ).format(table=table, above=above),
        (id, DEEPEST_TREE),
    ).fetchone()
    return int(row[0]) if row is not None and row[0] is not None else 1
