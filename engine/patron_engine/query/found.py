"""Found: which objects have anything for some words, in one look at what is kept for searching.

In: a connection, the frame of a call, words, objects the asker may read. Out: names of objects that may have hits: the read
of each decides. One statement, so that a search over many objects costs what the objects that have something cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call
from patron_engine.query.tokens import wanted

LOOKED_AT = 20_000  # fields; where more have the words, every object is asked


def objects_with(conn: psycopg.Connection[Any], call: Call, words: str, objects: Sequence[str]) -> list[str]:
    """Those of `objects` with a field that has the first run of the words. All of them where it cannot be told."""
    runs = wanted(words)
    if not runs:
        return []
    longest = max(runs, key=lambda ways: max(len(t) for way in ways for t in way))
    table = sql.SQL("{}.sys__search").format(sql.Identifier(call.schema))
    conditions = sql.SQL(" OR ").join(sql.SQL("tokens @> %s") for _ in longest)
    rows = conn.execute(
        sql.SQL(
            "SELECT object, count(*) FROM (SELECT object FROM {} WHERE {} LIMIT {}) found GROUP BY object"
        ).format(table, conditions, sql.Literal(LOOKED_AT)),
        [list(way) for way in longest],
    ).fetchall()
    if sum(row[1] for row in rows) >= LOOKED_AT:
        return list(objects)
    known = {row[0] for row in rows}
    return [name for name in objects if name in known]
