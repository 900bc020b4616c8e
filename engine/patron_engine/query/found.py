"""Found: where anything is for some words, in one look at what is kept for searching.

In: a connection, the frame of a call, words, objects the asker may read. Out: the objects that may have hits, each with the
ids of records that have the longest run of the words, or None where there are too many to name. Nothing of it is an answer:
the way read decides what fits and what the asker may see. A search over many objects thus costs what those cost that have
something, and a rare word is never looked for by walking through a large table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_IDS
from patron_engine.query.tokens import wanted

SMALL = 200_000  # fields up to which an index answers quickly whatever is asked
SAMPLED, COMMON = 2_000, 5  # fields looked at, and how many of them make words common

Where = Mapping[str, tuple[str, ...] | None]


def found_in(conn: psycopg.Connection[Any], call: Call, words: str, objects: Sequence[str]) -> Where:
    """Object -> ids, or None. Empty where nothing can fit."""
    runs = wanted(words)
    if not runs:
        return {}
    longest = max(runs, key=lambda ways: max(len(t) for way in ways for t in way))
    table = sql.SQL("{}.sys__search").format(sql.Identifier(call.schema))
    conditions = sql.SQL(" OR ").join(sql.SQL("tokens @> %s") for _ in longest)
    given = [list(way) for way in longest]
    if _common(conn, call, table, conditions, given):
        return dict.fromkeys(_kept(conn, table, objects))
    with conn.transaction():
        # The planner guesses badly how rare a word is; walking through the whole table for one that is would take a second.
        conn.execute("SET LOCAL enable_seqscan = off")
        rows = conn.execute(
            sql.SQL("SELECT object, record::text FROM {} WHERE {} LIMIT {}").format(
                table, conditions, sql.Literal(MAX_IDS)
            ),
            given,
        ).fetchall()
    if len(rows) == MAX_IDS:
        return dict.fromkeys(_kept(conn, table, objects))
    ids: dict[str, list[str]] = defaultdict(list)
    for object, id in rows:
        ids[object].append(id)
    return {name: tuple(dict.fromkeys(ids[name])) for name in objects if name in ids}


def _common(
    conn: psycopg.Connection[Any],
    call: Call,
    table: sql.Composed,
    conditions: sql.Composed,
    given: Sequence[Sequence[str]],
) -> bool:
    """Whether a few pages of a large table say that the words are common: then no index names them quickly."""
    row = conn.execute(
        "SELECT c.reltuples FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = 'sys__search'",
        (call.schema,),
    ).fetchone()
    size = row[0] if row is not None else 0
    if size <= SMALL:
        return False
    rows = conn.execute(
        sql.SQL("SELECT 1 FROM {} TABLESAMPLE SYSTEM ({}) WHERE {} LIMIT {}").format(
            table, sql.Literal(min(100.0, 100 * SAMPLED / size)), conditions, sql.Literal(COMMON)
        ),
        given,
    ).fetchall()
    return len(rows) == COMMON


def _kept(conn: psycopg.Connection[Any], table: sql.Composed, objects: Sequence[str]) -> list[str]:
    """Those of `objects` of which anything is kept for searching."""
    rows = conn.execute(
        sql.SQL(
            "SELECT o FROM unnest(%s::text[]) o WHERE EXISTS (SELECT 1 FROM {} s WHERE s.object = o)"
        ).format(table),
        (list(objects),),
    ).fetchall()
    known = {row[0] for row in rows}
    return [name for name in objects if name in known]
