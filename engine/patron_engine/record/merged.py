"""Merged: what of a merge are rows of the platform's own tables: external ids, files, followers, rights for single records; and
where a record went that was merged.

In: a write transaction, an object, a loser, the winner. Out: rows that were moved or added, noted so that they can be taken back.
Decides nothing (ways/merge does).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.query.call import Call

Connection = psycopg.Connection[Any]
Moved = tuple[str, str, list[str]]  # what, the loser, its key

MOVES = {
    "external_id": (
        "UPDATE {external} SET record = %(winner)s WHERE object = %(object)s AND record = %(loser)s"
        " RETURNING source, external_id"
    ),
    "file": (
        "UPDATE {file} SET record = %(winner)s WHERE object = %(object)s AND record = %(loser)s AND field = ''"
        " AND deleted_at IS NULL RETURNING id::text"
    ),
    "field_file": (  # of a field that is empty at the winner, all of them; else they stay in the recycle bin with the loser
        "UPDATE {file} f SET record = %(winner)s WHERE object = %(object)s AND record = %(loser)s AND field <> ''"
        " AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM {file} w WHERE w.object = f.object"
        " AND w.record = %(winner)s AND w.field = f.field AND w.deleted_at IS NULL) RETURNING id::text"
    ),
    "follow": (
        "INSERT INTO {follow} (person, object, record, at) SELECT person, object, %(winner)s, at FROM {follow}"
        " WHERE object = %(object)s AND record = %(loser)s ON CONFLICT DO NOTHING RETURNING person::text"
    ),
    "access": (
        "INSERT INTO {access} (record, principal, level, reason, until, role, by, at)"
        " SELECT %(winner)s, principal, level, reason, until, role, by, at FROM {access} l WHERE record = %(loser)s AND NOT EXISTS"
        " (SELECT 1 FROM {access} w WHERE w.record = %(winner)s AND w.principal = l.principal AND w.reason = l.reason)"
        " RETURNING principal::text, reason"
    ),
}
BACK = {
    "external_id": (
        "UPDATE {external} SET record = %(loser)s WHERE object = %(object)s AND record = %(winner)s"
        " AND source = %(a)s AND external_id = %(b)s"
    ),
    "file": "UPDATE {file} SET record = %(loser)s WHERE id = %(a)s::uuid AND record = %(winner)s AND field = ''",
    "field_file": "UPDATE {file} SET record = %(loser)s WHERE id = %(a)s::uuid AND record = %(winner)s AND field <> ''",
    "follow": "DELETE FROM {follow} WHERE object = %(object)s AND record = %(winner)s AND person = %(a)s::uuid",
    "access": "DELETE FROM {access} WHERE record = %(winner)s AND principal = %(a)s::uuid AND reason = %(b)s",
}


def move_rows(conn: Connection, call: Call, object: str, loser: str, winner: str) -> list[Moved]:
    """What hangs on the loser besides records goes over."""
    moved: list[Moved] = []
    for what, text in MOVES.items():
        rows = conn.execute(
            _query(call, object, text), {"object": object, "loser": loser, "winner": winner}
        ).fetchall()
        moved += [(what, loser, [str(part) for part in row]) for row in rows]
    return moved


def rows_back(conn: Connection, call: Call, object: str, winner: str, moved: Sequence[Moved]) -> None:
    for what, loser, key in moved:
        a, b = (*key, "")[:2]
        given = {"object": object, "loser": loser, "winner": winner, "a": a, "b": b}
        conn.execute(_query(call, object, BACK[what]), given)


def rows_on(conn: Connection, call: Call, object: str, id: str) -> dict[str, int]:
    """How many of each hang on a record: what, how many."""
    counts = {
        "external_id": "SELECT count(*) FROM {external} WHERE object = %(object)s AND record = %(id)s",
        "file": "SELECT count(*) FROM {file} WHERE object = %(object)s AND record = %(id)s AND field = '' AND deleted_at IS NULL",
        "follow": "SELECT count(*) FROM {follow} WHERE object = %(object)s AND record = %(id)s",
        "access": "SELECT count(*) FROM {access} WHERE record = %(id)s",
    }
    found = {}
    for what, text in counts.items():
        row = conn.execute(_query(call, object, text), {"object": object, "id": id}).fetchone()
        found[what] = int(row[0]) if row is not None else 0
    return found


def _query(call: Call, object: str, text: str) -> sql.Composed:
    names = {"external": "sys__external_id", "file": "sys__file", "follow": "sys__follow"}
    tables = {key: sql.Identifier(call.schema, name) for key, name in names.items()}
    tables["access"] = sql.Identifier(call.schema, call.tables.access(object).name)
    return sql.SQL(text).format(**tables)


def merged_into(conn: Connection, call: Call, object: str, id: str) -> str | None:
    """The record that a merged one became, through any number of merges; None for one that was not merged."""
    query = sql.SQL(
        "WITH RECURSIVE onward(id, n) AS (SELECT %(id)s::uuid, 0 UNION ALL SELECT m.winner, n + 1 FROM onward o"
        " JOIN {} m ON m.losers @> ARRAY[o.id] AND m.undone_at IS NULL AND m.object = %(object)s WHERE n < 50)"
        " SELECT id::text FROM onward WHERE n > 0 ORDER BY n DESC LIMIT 1"
    ).format(sql.Identifier(call.schema, "sys__merge"))
    row = conn.execute(query, {"id": id, "object": object}).fetchone()
    return None if row is None else str(row[0])
