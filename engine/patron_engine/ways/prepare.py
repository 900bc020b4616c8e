"""Prepare: a save before its writing: rows are read, completed and judged. Whole in its turn, or most of it before.

    load -> may he -> bind | defaults, fill, find, before-rules | targets | formulas -> check | unique, duplicates

In: a batch and rows as record/plan made them. Out: rows that may be written, or problems on them. New records that nobody names
can be prepared while an earlier save is still writing (`draft`): everything that needs neither a lock nor what that save may
change. What is left of it (`take_up`) is done in their turn, under its locks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patron_engine.query.call import Call
from patron_engine.record import attach, authorise, check, links, load, remove, stages, targets
from patron_engine.record.addressed import known_object
from patron_engine.record.apart import Apart
from patron_engine.record.asking import check_locks
from patron_engine.record.batch import Batch, Ready, by_object
from patron_engine.record.before import before_rules
from patron_engine.record.bind import bind
from patron_engine.record.change import Change, Outcome
from patron_engine.record.copying import rows_text
from patron_engine.record.derive import derive
from patron_engine.record.duplicates import check_duplicates
from patron_engine.record.formulas import compute
from patron_engine.record.money import bases
from patron_engine.record.pending import COPY_FROM, NotYet
from patron_engine.record.plan import plan_rows
from patron_engine.record.pool_lock import check_lock
from patron_engine.record.program import Program
from patron_engine.record.promotion import authorise_promotion
from patron_engine.record.row import Row
from patron_engine.record.same_currency import check_same_currency
from patron_engine.record.search import text_of_new
from patron_engine.record.statements import Conn
from patron_engine.record.unique import look_first
from patron_engine.record.write import ITSELF, columns_of_new, stamp

SaveMore = Callable[[Sequence[Change]], list[Outcome]]


@dataclass(slots=True, kw_only=True)
class Draft:
    """Changes that make new records of one object, each for itself, and what of their save is done by now."""

    changes: Sequence[Change]
    batch: Batch | None

    def begin(self, conn: Conn, save_more: SaveMore) -> Batch | None:
        """What was prepared, on the connection of its turn; handed out once, for saving changes it."""
        found, self.batch = self.batch, None
        if found is not None:
            found.begin(conn, save_more)
        return found


def prepare(batch: Batch, level: Sequence[Row]) -> None:
    """Everything before writing, for the rows of one level."""
    _read(batch, level)
    masters_refused = any(row.master is not None and row.master.rejected for row in level)
    for program, rows in by_object(row for row in level if row.action != "delete"):
        if not masters_refused:
            _complete(batch, program, rows)
        targets.check_targets(batch, rows)
        _judge(batch, program, rows, alone=not masters_refused)
        _compare(batch, program, [r for r in rows if r.master is None or not masters_refused])
    leaving = [row for row in level if row.action == "delete" and not row.rejected]
    if leaving:
        given = set(leaving)
        batch.along.extend(row for row in remove.delete(batch, leaving) if row not in given)


def _read(batch: Batch, level: Sequence[Row]) -> None:
    """The records as they are, and what the caller wrote."""
    load.load_rows(batch, level)
    authorise.authorise(batch, level)
    links.resolve(batch, bind(batch, level))
    authorise.authorise_handing(batch, level)
    authorise.authorise_fields(batch, level)
    authorise_promotion(batch, level)
    attach.hang(batch, level)
    check_locks(batch, level)
    load.compare_versions(batch, level)


def _complete(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """What the platform and the workspace's rules fill in."""
    derive(batch, program, rows)
    stages.enter(batch, program, rows)
    before_rules(batch, program, rows)


def _judge(batch: Batch, program: Program, rows: Sequence[Row], *, alone: bool) -> None:
    """Formulas, and whether the record holds together; `alone`: conditions too."""
    check_same_currency(batch, program, rows)
    compute(batch, program, rows)
    bases(batch, program, rows)
    check.check_readonly(batch, program, rows)
    check.check_values(batch, program, rows)
    attach.check_files(batch, program, rows)
    targets.check_trees(batch, program, rows)
    if alone:
        targets.check_conditions(batch, program, rows)
        check.check_conditions(batch, program, rows, late=False)
        stages.check_stages(batch, program, rows, late=False)
        check_lock(batch, program, rows)


def _compare(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    look_first(batch, program, rows)
    check_duplicates(batch, program, rows)


# -- before its turn ----------------------------------------------------------------------------------------------


def draft(conn: Conn, call: Call, changes: Sequence[Change]) -> Draft:
    """Begins a save of new records of one object before its turn, over a connection for reading. NotYet where it needs a
    lock, or what an earlier save may still change."""
    known_object(call, changes[0])
    batch = Batch(conn, call, _nothing)
    batch.each = True
    batch.pending.shut()
    batch.environment = apart = Apart(conn, batch, changes[0].object)
    rows = plan_rows(batch, list(enumerate(changes)), several=False)
    if len(batch.levels) > 1:
        raise NotYet("details")
    _read(batch, rows)
    for program, mine in by_object(rows):
        _complete(batch, program, mine)
        apart.locked = True
        _judge(batch, program, mine, alone=True)
        _write_out(batch, conn, program, [r for r in mine if not r.rejected])
    return Draft(changes=changes, batch=batch)


def _nothing(_: Sequence[Change]) -> list[Outcome]:
    raise NotYet("records that are made along")


def _write_out(batch: Batch, conn: Conn, program: Program, rows: Sequence[Row]) -> None:
    """The rows as text, unless they get numbers in their turn."""
    if program.numbers or len(rows) < COPY_FROM:
        return
    for row in rows:
        stamp(batch, row)
    columns, name = columns_of_new(program, rows), program.object.name
    batch.ready[(name, ITSELF)] = Ready(rows=rows, names=tuple(columns), blocks=rows_text(conn, columns))
    batch.ready.update({(name, path): ready for path, ready in text_of_new(batch, conn, program, rows)})


def take_up(batch: Batch) -> list[Row]:
    """The rest of a draft, in its turn. What was refused is prepared anew, so that it is told everything."""
    level = [
        Row(row.program, row.change, id=row.id, fresh=True, path=row.path, index=row.index)
        if row.rejected
        else row
        for row in batch.levels[0]
    ]
    anew = [row for row, before in zip(level, batch.levels[0], strict=True) if row is not before]
    batch.levels = [level]
    _read(batch, anew)
    for program, rows in by_object(anew):
        _complete(batch, program, rows)
    for _, rows in by_object(level):
        targets.check_targets(batch, rows)
    for program, rows in by_object(anew):
        _judge(batch, program, rows, alone=True)
    for program, rows in by_object(level):
        _compare(batch, program, rows)
    return level
