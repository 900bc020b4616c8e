"""Drift: are stored roll-ups and formulas what their definitions say? Brute force against the columns.

In: an object. Out: `Drift` values, one for each column that differs. Repairing is an explicit act: the columns are written
as they should be, without version, history or events, parents above included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from patron_engine.query.call import Call
from patron_engine.record.batch import Batch
from patron_engine.record.derive import fitted
from patron_engine.record.figures import bring_up, figures_by_query
from patron_engine.record.load import accept, read_images
from patron_engine.record.money import bases
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn, Statement, compiled
from patron_engine.record.write import write_figures
from patron_engine.store.tables import Id

PAGE = 1_000  # records looked at in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A stored value that is not what its definition gives."""

    object: str
    id: str
    field: str
    stored: Any
    right: Any


def find_drift(conn: Conn, call: Call, object: str) -> list[Drift]:
    """Every stored roll-up and formula of the object's live records that differs from its definition."""
    return [drift for drift, _ in _look(conn, call, object)]


def repair(conn: Conn, call: Call, object: str) -> list[Drift]:
    """Writes what `find_drift` finds, page by page, and what depends on it; returns what was wrong."""
    found = []
    touched: dict[int, tuple[Batch, list[Row]]] = {}
    for drift, (batch, row) in _look(conn, call, object, locked=True):
        found.append(drift)
        rows = touched.setdefault(id(batch), (batch, []))[1]
        if row not in rows:
            rows.append(row)
    for batch, rows in touched.values():
        bases(batch, batch.programs[object], rows, figures=True)
        write_figures(batch, batch.programs[object], rows)
        bring_up(batch, rows)
        batch.pending.send()
    return found


def _look(
    conn: Conn, call: Call, object: str, *, locked: bool = False
) -> Iterator[tuple[Drift, tuple[Batch, Row]]]:
    batch = Batch(conn, call, _nothing_more)
    program = batch.programs[object]
    after = "00000000-0000-0000-0000-000000000000"
    while ids := _page(batch, program, after):
        after = ids[-1]
        batch = Batch(conn, call, _nothing_more)
        for row in _rows(batch, program, ids, locked):
            for name in sorted(row.figures):
                yield (
                    Drift(
                        object=object,
                        id=row.id,
                        field=name,
                        stored=row.old.get(name),
                        right=row.values.get(name),
                    ),
                    (batch, row),
                )


def _rows(batch: Batch, program: Program, ids: list[str], locked: bool) -> list[Row]:
    """The page's records with their figures as they should be."""
    rows = []
    for id, image in read_images(
        batch, batch.conn, program, ids, program.load if locked else program.peek
    ).items():
        row = Row(program, None, id=id, fresh=False)
        row.own = False
        accept(batch, row, image)
        rows.append(row)
    right = figures_by_query(batch, program, program.rollups, ids) if program.rollups else {}
    for row in rows:
        for field in program.rollups:
            value = fitted(field, right[row.id][field.name])
            if not _same(row.values.get(field.name), value):
                row.put_figure(field.name, value)
    for name, value_of, needs in program.formulas:
        batch.environment.fill(rows, needs)
        for row in rows:
            value = fitted(program.fields[name], value_of(row.values, batch.environment.context))
            if not _same(row.values.get(name), value):
                row.put_figure(name, value)
    return rows


def _same(stored: Any, right: Any) -> bool:
    return bool(stored == right)


def _page(batch: Batch, program: Program, after: str) -> list[str]:
    def make() -> Statement:
        table = program.table
        where = (table.c.id > sa.bindparam("after", type_=Id()), table.c.deleted_at.is_(None))
        return compiled(sa.select(table.c.id).where(*where).order_by(table.c.id).limit(sa.literal(PAGE)))

    statement = batch.programs.keep(("drift", program.object.name), make)
    return [row[0] for row in statement.run(batch.conn, after=after)]


def _nothing_more(changes: Any) -> Any:
    raise AssertionError("looking for drift saves nothing")
