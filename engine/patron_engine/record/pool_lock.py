"""Pool lock: how many records one owner may keep out of a pool by a checkbox of theirs. Decided inside the save.

In: rows with their values. Out: problems on rows of an owner who would keep more than the pool lets him. One who loses
records or unlocks them is not asked; who already keeps more may save them otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.meant_alike import is_of
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.watched import watched_of


def check_lock(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    here = watched_of(batch.programs).get(program.object.name)
    for lock in here.locks if here is not None else ():
        _check(batch, program, rows, lock)


def _check(batch: Batch, program: Program, rows: Sequence[Row], lock: Mapping[str, Any]) -> None:
    field, more = program.object.field(lock["field"]), defaultdict[str, list[Row]](list)
    if field is None or field.name not in program.fields:
        return
    for row in rows:
        owner = row.values.get("owner")
        if owner and row.values.get(field.name) is True and {"owner", field.name} & row.changed:
            more[owner].append(row)
    for owner, mine in sorted(more.items()):
        key = f"patron.pool_lock.{batch.call.schema}.{program.object.name}.{owner}"
        batch.conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        found = batch.conn.execute(
            sql.SQL(
                "SELECT count(*) FROM {} WHERE owner = %s AND {} AND deleted_at IS NULL AND NOT id = ANY(%s::uuid[])"
            ).format(
                sql.Identifier(batch.call.schema, program.object.table), sql.Identifier(field.columns[0].name)
            ),
            (owner, [row.id for row in mine]),
        ).fetchone()
        most = _most(batch, lock, owner)
        left = max(most - (int(found[0]) if found else 0), 0)
        for row in mine[left:]:
            said = Phrase("one person keeps at most {most} records out of the pool", most=most)
            row.wrong(
                "limit_pool_lock", said, field.name, hint=Phrase("unlock one that is not needed any more")
            )


def _most(batch: Batch, lock: Mapping[str, Any], owner: str) -> int:
    """Of the limits of some people the first that names him, else that of everybody."""
    for entry in lock.get("limits") or ():
        if is_of(batch.conn, batch.call, entry["who"], owner):
            return int(entry["most"])
    return int(lock["most"])
