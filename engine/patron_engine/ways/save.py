"""The way save: changes in, records written, outcomes out. One pipeline for one record and for thousands.

    who -> lock the row under his read rule -> may he -> bind -> defaults, fill, find -> before-rules -> formulas -> check
        -> may he still -> write with details -> lock the parents, bring their roll-ups and stored formulas up to date
        -> check the parents' rules that read what changed -> numbers -> history, events, search -> done

Everything happens inside the caller's transaction: `write_transaction` opens it for writing and commits. A refusal
refuses the whole save in mode "all" (raised), or its own change in mode "each" (an outcome). Each stage is a module of
record/; nothing is decided here but their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import psycopg

from patron_engine.errors import LimitExceeded
from patron_engine.model.automations import KEPT_BY_FLOW
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import (
    authorise,
    check,
    figures,
    load,
    purge,
    remove,
    stages,
    targets,
)
from patron_engine.record.addressed import known_object, under_today
from patron_engine.record.asking import check_locks, may_ask
from patron_engine.record.batch import Batch, RowsRefused, by_object
from patron_engine.record.begin import begin_write, retrying, write_transaction
from patron_engine.record.change import MAX_CHANGES, Change, Outcome
from patron_engine.record.each import Numbered, outcomes_of, refused_outcome, runs_of, save_each
from patron_engine.record.external import write_external_ids
from patron_engine.record.formulas import compute
from patron_engine.record.kept import keep
from patron_engine.record.numbers import moved, number
from patron_engine.record.plan import plan_rows
from patron_engine.record.program import Program
from patron_engine.record.promotion import keep_an_administrator
from patron_engine.record.restore import restore
from patron_engine.record.row import Row
from patron_engine.record.search import write_search_of_new
from patron_engine.record.statements import Conn
from patron_engine.record.unique import collided, look_first
from patron_engine.record.void import void
from patron_engine.record.write import write
from patron_engine.ways.intents import begin_asked, save_asking
from patron_engine.ways.prepare import Draft, prepare, take_up
from patron_engine.ways.read import Reading

__all__ = ["begin_write", "retrying", "save", "write_transaction"]

Mode = Literal["all", "each"]


def save(
    conn: Conn,
    call: Call,
    changes: Sequence[Change],
    *,
    mode: Mode = "all",
    trial: bool = False,
    reading: Reading | None = None,
) -> list[Outcome]:
    """Carries out `changes` in their order and says what became of each.

    mode "all": everything or nothing; problems raise Refused (or NotFound, Forbidden, StaleVersion,
    NeedsConfirmation), with paths like "lines[0].price" or "[3].amount" where several changes are given.
    mode "each": what can be saved is saved; the others are outcomes `refused` with their problems.
    trial: everything is done, and undone before returning.
    reading: takes the record as it is then, of one change that is saved at once and whole.
    """
    if len(changes) > MAX_CHANGES:
        raise LimitExceeded(
            Phrase("at most {most} changes are saved at once", most=MAX_CHANGES), code="changes_count"
        )
    for change in {c.object: c for c in changes}.values():
        known_object(call, change)
    numbered = list(enumerate(under_today(call, change) for change in changes))
    if trial:
        waiting = len(call.committed)
        with conn.transaction(force_rollback=True):
            outcomes_tried = save(conn, call, changes, mode=mode)
        del call.committed[waiting:]  # nothing of it will stand
        return outcomes_tried
    if mode == "each":
        outcomes: dict[int, Outcome] = {}
        save_each(conn, partial(_save_run, conn, call, each=True), numbered, outcomes)
        return [outcomes[n] for n, _ in numbered]
    try:
        return [o for _, o in sorted(_save_run(conn, call, numbered, each=False, reading=reading).items())]
    except RowsRefused as refusal:
        raise refusal.error from None


def save_draft(conn: Conn, call: Call, draft: Draft) -> list[Outcome]:
    """As `save` in mode "each", for changes that were prepared before their turn."""

    def save_all(changes: Sequence[Numbered]) -> dict[int, Outcome]:
        batch = draft.begin(conn, partial(_save_inside, conn, call))
        if batch is None:  # it was refused as a whole: those that are left go the whole way
            return _save_all(conn, call, changes, each=True)
        return _carried_out(batch, changes, partial(_write_draft, batch))

    outcomes: dict[int, Outcome] = {}
    numbered = list(enumerate(draft.changes))
    save_each(conn, save_all, numbered, outcomes)
    return [outcomes[n] for n, _ in numbered]


def _save_run(
    conn: Conn, call: Call, changes: Sequence[Numbered], *, each: bool, reading: Reading | None = None
) -> dict[int, Outcome]:
    """As `_save_all`; what may have to wait for an approval goes alone."""
    several = len(changes) > 1 and not each
    if any(may_ask(call, change) for _, change in changes):
        return save_asking(conn, call, changes, partial(_save_all, each=each, several=several))
    return _save_all(conn, call, changes, each=each, several=several, reading=reading)


def _save_all(
    conn: Conn,
    call: Call,
    changes: Sequence[Numbered],
    *,
    each: bool,
    several: bool = False,
    reading: Reading | None = None,
) -> dict[int, Outcome]:
    """Runs of changes of one kind, in their order. Raises RowsRefused; Asked for one that must wait."""
    outcomes: dict[int, Outcome] = {}
    for run in runs_of(changes):
        batch = Batch(conn, call, partial(_save_inside, conn, call))
        batch.each = each
        verb = run[0][1].action
        act = _write if verb in ("create", "update", "upsert", "transfer") else _remove
        outcomes.update(_carried_out(batch, run, partial(act, batch, run, several), reading))
    return outcomes


def _carried_out(
    batch: Batch, run: Sequence[Numbered], act: Callable[[], None], reading: Reading | None = None
) -> dict[int, Outcome]:
    """One run: what `act` wrote, and what it set aside."""
    outcomes: dict[int, Outcome] = {}
    try:
        with batch.pending:
            act()
            outcomes = outcomes_of(batch.levels[0])
            if reading is not None and not batch.asks:
                row = batch.levels[0][0]
                reading.ride(batch.pending, row.object, row.id)
            batch.pending.send()
    except psycopg.errors.UniqueViolation as error:
        collided(batch, [change for _, change in run], error)
    for row in batch.refused:
        assert row.change is not None
        outcomes[row.index] = refused_outcome(row.change, row.problems)
    if batch.asks:
        begin_asked(batch.conn, batch.call, batch.asks, outcomes)
    return outcomes


def _save_inside(conn: Conn, call: Call, changes: Sequence[Change]) -> list[Outcome]:
    """A save within a save: what it refuses leaves the outer one unharmed."""
    with conn.transaction():
        return save(conn, call, changes)


# -- create, update, upsert ---------------------------------------------------------------------------------------


def _write(batch: Batch, changes: Sequence[Numbered], several: bool) -> None:
    """The sentence at the head of this file."""
    plan_rows(batch, changes, several=several)
    last = len(batch.levels) - 1
    for depth, level in enumerate(batch.levels):
        prepare(batch, level)
        if depth == 0 and batch.each:
            batch.set_aside(level)
        if depth < last and not any(row.rejected for row in batch.every()):
            _write_level(batch, batch.levels[depth])  # else the levels below still tell their problems
    batch.stop_if_refused(batch.every())
    _write_level(batch, batch.levels[last])
    _write_level(batch, batch.along)
    saved = [*batch.every(), *batch.along]
    leaving = [row for row in saved if row.action == "delete"]
    if leaving:
        remove.write_batches(batch, leaving)
    _finish(batch, saved)


def _write_draft(batch: Batch) -> None:
    """The same for a draft: it has one level."""
    batch.set_aside(take_up(batch))
    _write_level(batch, batch.levels[0])
    _finish(batch, batch.levels[0])


def _write_level(batch: Batch, level: Sequence[Row]) -> None:
    for program, rows in by_object(level):
        _write_one_object(batch, program, rows)
    batch.environment.forget()


def _write_one_object(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    fresh = [row for row in rows if row.fresh]
    if program.numbers:
        numbered = [row for row in rows if row.fresh or moved(row)]
        number(batch, program, numbered)
        compute(batch, program, numbered)
    write(batch, program, rows)
    for row in fresh:
        batch.register(row)


# -- delete, restore, void, purge ---------------------------------------------------------------------------------


def _remove(batch: Batch, changes: Sequence[Numbered], several: bool) -> None:
    """The same way for what comes and goes: the rows, and what goes with them."""
    verb = changes[0][1].action
    rows = plan_rows(batch, changes, several=several)
    for row in rows:
        row.action = verb
    load.load_rows(batch, rows, deleted=verb in ("restore", "purge"), seize=verb in ("delete", "purge"))
    authorise.authorise(batch, rows)
    check_locks(batch, rows)
    load.compare_versions(batch, rows)
    if batch.each:
        rows = batch.set_aside(rows)
    if verb == "purge":
        batch.environment.forget()
        cleared = purge.purge(batch, rows)
        batch.stop_if_refused(rows)
        _judge_parents(batch, figures.bring_up(batch, cleared), cleared)
        return
    every = _together(batch, verb, rows)
    given = set(rows)
    authorise.authorise(batch, [row for row in every if row not in given and row.object not in KEPT_BY_FLOW])
    if verb == "restore":
        targets.hold_targets(batch, every)
        for program, mine in by_object(every):
            compute(batch, program, mine)
            look_first(batch, program, mine)
    batch.stop_if_refused([*rows, *every])
    for program, mine in by_object(every):
        write(batch, program, mine)
    if verb == "delete" and every:
        remove.write_batches(batch, every)
    _finish(batch, every)


def _together(batch: Batch, verb: str, rows: Sequence[Row]) -> list[Row]:
    if verb == "delete":
        return remove.delete(batch, rows)
    if verb == "restore":
        return restore(batch, rows)
    return void(batch, rows, back=verb == "unvoid")


# -- after writing ------------------------------------------------------------------------------------------------


def _finish(batch: Batch, rows: Sequence[Row]) -> None:
    """Parents, their rules, the rights on the result, and what is kept about the save."""
    batch.environment.forget()
    parents = figures.bring_up(batch, rows, meanwhile=partial(write_search_of_new, batch, rows))
    authorise.authorise_after(
        batch, [row for row in rows if row.written and row.action in ("create", "update")]
    )
    keep_an_administrator(batch, rows)
    _judge_parents(batch, parents, rows)
    write_external_ids(batch, rows)
    batch.stop_if_refused(rows)
    keep(batch, rows, [row for row in parents if not row.own])


def _judge_parents(batch: Batch, parents: dict[Row, Any], rows: Sequence[Row]) -> None:
    """Rules and required fields that read figures: of the saved records, and of parents whose figures changed."""
    others = [row for row in parents if not row.own]
    for program, mine in by_object(row for row in rows if row.values.get("deleted_at") is None):
        check.check_conditions(batch, program, mine, late=True)
        stages.check_stages(batch, program, mine, late=True)
    for program, mine in by_object(row for row in others if row.values.get("deleted_at") is None):
        check.check_conditions(batch, program, mine, late=False)
        check.check_conditions(batch, program, mine, late=True)
    figures.blame(parents)
    batch.stop_if_refused(rows)
