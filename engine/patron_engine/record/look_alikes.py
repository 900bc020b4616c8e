"""Look-alikes: records that are there already and may be the same, by the duplicate rules of their object.

In: ids of records. Out: pairs of ids with the match that found them, over all records of the object. Two records of one question are
compared like any others. Bounded by the ids that are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from patron_engine.fields.alike import alike, compared
from patron_engine.model.duplicate_rules import Match, matches_of
from patron_engine.query.call import Call
from patron_engine.record.batch import Batch
from patron_engine.record.candidates import candidates_of
from patron_engine.record.change import Change, Outcome
from patron_engine.record.load import read_images
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn

Pair = tuple[str, str, Match]


def look_alikes(conn: Conn, call: Call, object: str, ids: Sequence[str]) -> Iterator[Pair]:
    """Each pair once for each match."""
    batch = Batch(conn, call, partial(_nothing))
    program = batch.programs[object]
    rows = []
    for id, image in read_images(batch, conn, program, list(ids), program.peek).items():
        row = Row(program, None, id=id, fresh=False)
        row.values = image
        rows.append(row)
    for match in matches_of(call.model, object):
        if match.object == object:
            yield from _pairs(batch, match, rows)


def _pairs(batch: Batch, match: Match, rows: Sequence[Row]) -> Iterator[Pair]:
    due = [r for r in rows if all(compared(p.way, r.values.get(p.own)) is not None for p in match.pairs)]
    if match.when is not None and due:
        program = due[0].program
        batch.environment.fill(due, program.needs(match.when))
        holds = program.closure(match.when)
        due = [r for r in due if holds(program.in_base(r.values), batch.environment.context)]
    if not due:
        return
    candidates = candidates_of(batch, match, due)
    other = batch.programs[match.object]
    images = read_images(
        batch, batch.conn, other, sorted({i for some in candidates.values() for i in some}), other.peek
    )
    seen: set[tuple[str, str]] = set()
    for row in due:
        for id in candidates.get(row, ()):
            theirs = images.get(id)
            pair = (min(row.id, id), max(row.id, id))
            if id == row.id or pair in seen or theirs is None or theirs.get("deleted_at") is not None:
                continue
            if all(alike(p.way, p.least, row.values.get(p.own), theirs.get(p.other)) for p in match.pairs):
                seen.add(pair)
                yield (*pair, match)


def _nothing(changes: Sequence[Change]) -> list[Outcome]:
    """Nothing is saved here."""
    return []
