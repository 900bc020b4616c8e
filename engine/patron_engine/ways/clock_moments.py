"""The moments clocks count from: the saves of a record one after the other, and what each found, however late a worker looks.

In: what saves noted (record/standing): when, and what they changed of what clocks read. Out: for each save, what was changed after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from patron_engine.flow.values import Reading


@dataclass(frozen=True, slots=True)
class Moment:
    """A save of a record: when, and what it changed of what clocks read, as it was before."""

    at: datetime
    was: Mapping[str, Any]


def rounds(
    reading: Reading, looks: Mapping[tuple[str, str], Sequence[Moment]]
) -> list[dict[tuple[str, str], Moment]]:
    """The saves of each record one after the other; `was` is then everything that was changed after it, what waits to be noted
    included."""
    later = _waiting(reading, sorted({record for _, record in looks}))
    turns: list[dict[tuple[str, str], Moment]] = []
    for key, moments in looks.items():
        since: dict[str, Any] = {}
        for was in reversed(later.get(key[1], ())):
            since |= was
        found: list[Moment] = []
        for moment in reversed(moments):
            if not found or found[-1].at != moment.at:
                found.append(Moment(moment.at, dict(since)))
            since |= moment.was
        for number, moment in enumerate(reversed(found)):
            turns += [{}] if number == len(turns) else []
            turns[number][key] = moment
    return turns


def _waiting(reading: Reading, records: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    """What saves changed of these records that no worker has noted yet, in their order."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    if records:
        rows = reading.conn.execute(
            sql.SQL(
                "SELECT record::text, payload->'was' FROM {} WHERE record = ANY(%s::uuid[]) AND payload ? 'was' ORDER BY id"
            ).format(sql.Identifier(reading.call.schema, "sys__note")),
            [list(records)],
        )
        for record, was in rows.fetchall():
            found[record].append(was)
    return found
