"""Found: where anything is for some words, in a few looks at what is kept for searching.

In: a connection, the frame of a call, words, objects the asker may read. Out: the objects that may have hits, each with
`Candidates`: ids of records that have all the words in one field, or the rarest of them, and whether there can be others; None
where the words are too common to name records. Nothing of it is an answer: the way read decides what fits and what the asker
may see. A search over many objects thus costs what those cost that have something, and a rare word is never looked for by
walking through a large table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_IDS
from patron_engine.query.tokens import wanted

SMALL = 200_000  # fields up to which an index answers quickly whatever is asked
SAMPLED, COMMON = 2_000, 5  # fields looked at, and how many of them make words common


@dataclass(frozen=True, slots=True)
class Candidates:
    """`whole` says that no other record fits."""

    ids: tuple[str, ...]
    whole: bool


Where = Mapping[str, Candidates | None]
Run = tuple[tuple[str, ...], ...]  # one word as `tokens.wanted` cuts it


def found_in(conn: psycopg.Connection[Any], call: Call, words: str, objects: Sequence[str]) -> Where:
    """Object -> its candidates, or None. Empty where nothing can fit."""
    runs = wanted(words)
    if not runs:
        return {}
    table = sql.SQL("{}.sys__search").format(sql.Identifier(call.schema))
    rarest, common = _rarest(conn, call, table, runs)
    if common:
        return dict.fromkeys(_kept(conn, table, objects))
    together = _first(conn, table, runs)
    # One of several words may stand in another field than the others.
    apart = _first(conn, table, (rarest,)) if len(runs) > 1 else together
    whole = len(apart) < MAX_IDS
    ids: dict[str, list[str]] = defaultdict(list)
    for object, id in [*together, *(apart if whole else ())]:
        ids[object].append(id)
    named = {n: Candidates(tuple(dict.fromkeys(ids[n]))[:MAX_IDS], whole) for n in objects if n in ids}
    if whole:
        return named
    return {name: named.get(name) for name in _kept(conn, table, objects)}


def _first(conn: psycopg.Connection[Any], table: sql.Composed, runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The first records (object, id) that have all these words in one field, at most `MAX_IDS`."""
    query = sql.SQL("SELECT object, record::text FROM {} WHERE {} LIMIT {}").format(
        table, sql.SQL(" AND ").join(_has(run) for run in runs), sql.Literal(MAX_IDS)
    )
    with conn.transaction():
        # The planner guesses badly how rare a word is; walking through the whole table for one that is would take a second.
        conn.execute("SET LOCAL enable_seqscan = off")
        return conn.execute(query, [list(way) for run in runs for way in run]).fetchall()


def _has(run: Run) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(" OR ").join(sql.SQL("tokens @> %s") for _ in run))


def _rarest(
    conn: psycopg.Connection[Any], call: Call, table: sql.Composed, runs: Sequence[Run]
) -> tuple[Run, bool]:
    """The rarest word, and whether even that is common: a few pages of a large table say so; of words that stand on none of
    them the longest is taken. Of a common word no index names the records quickly."""
    longest = sorted(runs, key=lambda ways: -max(len(t) for way in ways for t in way))
    row = conn.execute(
        "SELECT c.reltuples FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = 'sys__search'",
        (call.schema,),
    ).fetchone()
    size = row[0] if row is not None else 0
    if size <= SMALL:
        return longest[0], False
    counted = conn.execute(
        sql.SQL("SELECT {} FROM {} TABLESAMPLE SYSTEM ({})").format(
            sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(_has(run)) for run in longest),
            table,
            sql.Literal(min(100.0, 100 * SAMPLED / size)),
        ),
        [list(way) for run in longest for way in run],
    ).fetchone()
    assert counted is not None
    found, number = min(zip(longest, counted, strict=True), key=lambda pair: pair[1])
    return found, number >= COMMON


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
