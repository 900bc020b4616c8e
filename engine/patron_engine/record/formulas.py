"""Formulas: stored ones, computed in their order from the record itself and the roll-ups on it.

In: rows whose values are complete. Out: the formulas' values put. On update only what reads a changed field is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.needs import Needs
from patron_engine.record.program import Program
from patron_engine.record.row import Row

BIGINT = 2**63


def compute(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """The stored formulas of records being saved."""
    for name, value, needs in program.formulas:
        field = program.fields[name]
        due = [
            r for r in rows if not r.rejected and (r.fresh or needs.reads & r.changed or _returns(r, needs))
        ]
        if not due:
            continue
        batch.environment.fill(due, needs)
        fit, context = program.fitter(name), batch.environment.context
        for row in due:
            made = fit(value(row.values, context))
            if isinstance(made, int) and not -BIGINT <= made < BIGINT:
                row.wrong("out_of_range", Phrase("{field} becomes too large", field=batch.label(field)), name)
                continue
            row.put(name, made)


def _returns(row: Row, needs: Needs) -> bool:
    """What stands behind the links of a record in the bin may have changed; nobody told it."""
    return row.action == "restore" and bool(needs.links)


def follow(batch: Batch, program: Program, rows: Sequence[Row], due: dict[str, set[str]]) -> None:
    """The stored formulas of records whose roll-ups changed; `due` names, by id, what has to be computed anyway."""
    for name, value, needs in program.formulas:
        reading = [r for r in rows if needs.reads & r.figures or name in due.get(r.id, ())]
        if not reading:
            continue
        batch.environment.fill(reading, needs)
        fit, context = program.fitter(name), batch.environment.context
        for row in reading:
            row.put_figure(name, fit(value(row.values, context)))
