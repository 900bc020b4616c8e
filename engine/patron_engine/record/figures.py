"""Figures: brings parents' roll-ups and the formulas over them up to date, from child to ancestor.

In: rows just written. Out: parents locked, changed and written, level by level: one `SELECT … ORDER BY id FOR NO KEY
UPDATE` for all parents of a level, then, in later statements, what has to be asked again. Parents' version, `updated_at`
and history are not touched (a detail's own change does raise its master's version). Refuses nothing: record/check judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import Field, Rollup
from patron_engine.fields.registry import type_of
from patron_engine.phrases import Phrase
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.sets import rollup_sql
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.above import reading_of
from patron_engine.record.batch import Batch
from patron_engine.record.feeds import feeds_of
from patron_engine.record.formulas import follow
from patron_engine.record.load import accept, read_images
from patron_engine.record.money import bases
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.touch import Touch, Touches, empty, gather
from patron_engine.record.write import write_figures
from patron_engine.store.tables import Id

MAX_LEVELS = 20  # from a record up to the last figure that depends on it


def bring_up(
    batch: Batch, rows: Sequence[Row], meanwhile: Callable[[], None] | None = None
) -> dict[Row, Touch]:
    """The parents that changed, each with what touched it (all levels together). `meanwhile` hands the database what it can
    write while the first parents, locked by then, are computed."""
    feeds = feeds_of(batch.programs)
    parents: dict[Row, Touch] = {}
    touches = {} if empty(feeds, rows) else gather(batch, rows, {})
    if not touches and meanwhile is not None:
        meanwhile()
    for _ in range(MAX_LEVELS):
        if not touches:
            return parents
        level, meanwhile = _level(batch, touches, meanwhile), None
        for row, touch in level:
            _remember(parents, row, touch)
        touches = gather(batch, [row for row, _ in level], touches)
    raise LimitExceeded(
        Phrase("figures depend on each other over more than {most} levels", most=MAX_LEVELS), code="rollup_levels",
        hint="look for records that stand above themselves",
    )  # fmt: skip


def refresh(batch: Batch, touches: Touches) -> list[Row]:
    """Locks the named records, asks their named figures and formulas again, and writes what differs. What stands on
    them further up is for the caller to name as well."""
    found = [row for row, _ in _level(batch, touches)]
    batch.pending.send()
    return found


def _remember(parents: dict[Row, Touch], row: Row, touch: Touch) -> None:
    row.figures |= touch.watched
    known = parents.setdefault(row, touch)
    if known is touch:
        return
    known.origins.update(touch.origins)
    known.watched |= touch.watched
    known.raised = known.raised or touch.raised


def _level(
    batch: Batch, touches: Touches, meanwhile: Callable[[], None] | None = None
) -> list[tuple[Row, Touch]]:
    """Locks the parents of one level, brings their figures up to date, writes them."""
    level: list[tuple[Row, Touch]] = []
    batch.environment.forget()
    for object in sorted(touches):
        level.extend(_lock(batch, batch.programs[object], touches[object]))
    if meanwhile is not None:
        meanwhile()
    for object in sorted(touches):
        program = batch.programs[object]
        mine = [(row, touch) for row, touch in level if row.program is program]
        if mine:
            _bring(batch, program, mine)
    return level


def _lock(batch: Batch, program: Program, touches: Mapping[str, Touch]) -> list[tuple[Row, Touch]]:
    """The parents' rows: those this save already holds, the others read under their lock."""
    object = program.object.name
    missing = [id for id in touches if (object, id) not in batch.found]
    if missing:
        reading, ahead = (
            reading_of(program),
            batch.pending.ahead,
        )  # what is pending is of records held already
        for id, image in read_images(
            batch, ahead, program, missing, reading.statement, reading.layout
        ).items():
            row = Row(program, None, id=id, fresh=False)
            row.own = False
            accept(batch, row, image)
    found = ((batch.found.get((object, id)), touches[id]) for id in sorted(touches))
    return [(row, touch) for row, touch in found if row is not None]


def _bring(batch: Batch, program: Program, level: Sequence[tuple[Row, Touch]]) -> None:
    again: dict[str, list[Row]] = {}
    for row, touch in level:
        names = _apply(program, row, touch)
        if touch.again:
            names |= {n for n in touch.again if n in program.fields}
        for name in names:
            again.setdefault(name, []).append(row)
        if touch.raised:
            _raise(batch, row)
    for name in sorted(again):
        _ask_again(batch, program, program.fields[name], again[name])
    rows = [row for row, _ in level]
    if program.formulas:
        follow(batch, program, rows, {row.id: touch.formulas for row, touch in level})
    bases(batch, program, rows, figures=True)
    write_figures(batch, program, rows)


def _raise(batch: Batch, row: Row) -> None:
    """Once a save: the record itself may have been written by it already."""
    if row.raised or (row.own and row.written):
        return
    row.raised = True


def _apply(program: Program, row: Row, touch: Touch) -> set[str]:
    """Adds deltas and compares; the names that must be asked of the database instead."""
    again = set()
    for name, delta in touch.deltas.items():
        now = row.values.get(name)
        if now is None:
            again.add(name)  # not filled yet: a new field whose back-fill is under way
        else:
            row.put_figure(name, program.fitter(name)(Decimal(now) + delta))
    for name in {*touch.entering, *touch.leaving} if touch.entering or touch.leaving else ():
        spec = program.fields[name].spec
        assert isinstance(spec, Rollup)
        now = row.values.get(name)
        leaving, entering = touch.leaving.get(name, []), touch.entering.get(name, [])
        better = max if spec.function == "max" else min
        if now is None:
            again.add(name)
        elif any(better(now, gone) == gone for gone in leaving):
            again.add(name)  # what leaves may have been the answer
        elif entering:
            row.put_figure(name, better(now, *entering))
    return again


def _ask_again(batch: Batch, program: Program, field: Field, rows: Sequence[Row]) -> None:
    figures = figures_by_query(batch, program, [field], [row.id for row in rows])
    fit = program.fitter(field.name)
    for row in rows:
        if row.id in figures:
            row.put_figure(field.name, fit(figures[row.id][field.name]))


def figures_by_query(
    batch: Batch, program: Program, fields: Sequence[Field], ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """id -> field -> the roll-up as the database counts it now: the definition itself, by brute force."""
    names = tuple(f.name for f in fields)

    def make() -> Statement:
        row = Building(tables=batch.call.tables).root(program.object.name)
        binding = SqlBinding(row=row, money="own")
        specs = [f.spec for f in fields if isinstance(f.spec, Rollup)]
        columns = [rollup_sql(binding, spec).label(f"f{i}") for i, spec in enumerate(specs)]
        chosen = sa.select(row.id, *columns).select_from(row.source.from_)
        return compiled(
            chosen.where(row.id == sa.any_(parameter("ids", pg.ARRAY(Id())))), batch.model.release
        )

    statement = kept(batch.call.tables).get(("record.figures", program.object.name, names), make)
    given = call_values(batch.call) | {"ids": sorted(set(ids))}
    found = {}
    for id, *values in batch.conn.execute(statement.text, statement.values(given)):
        found[id] = {f.name: _decoded(f, v) for f, v in zip(fields, values, strict=True)}
    return found


def _decoded(field: Field, value: Any) -> Any:
    if value is None or isinstance(value, (int, Decimal)):
        return value
    return type_of(field).from_columns(field, (value,)) if len(field.columns) == 1 else value


def blame(parents: Mapping[Row, Touch]) -> None:
    """Moves what parents' rules found to the records that were saved: that is where the caller looks."""
    for parent, touch in parents.items():
        if parent.own or not parent.problems:
            continue
        for problem in parent.problems:
            for row, link in touch.origins.values():
                row.wrong(
                    problem.code,
                    problem.message,
                    link or None,
                    level=problem.level,
                    rule=problem.rule,
                    hint=problem.hint,
                )
        parent.problems = []
