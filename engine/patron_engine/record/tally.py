"""Tally: the figures over details that stand in an open form, worked out from the rows as they were sent.

In: a row and its children, none of them written. Out: roll-ups put into the row's values. Only figures over one set whose
records are all there: what a form does not hold, the database counts when it is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from patron_engine.fields.field import Field, Rollup
from patron_engine.record.batch import Batch
from patron_engine.record.derive import fitted
from patron_engine.record.row import Row

FIGURES: Mapping[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "count_distinct": lambda values: len(set(values)),
    "sum": lambda values: sum(values, Decimal(0)),
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "avg": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
}  # fmt: skip


def tally(batch: Batch, row: Row) -> None:
    """Brings the figures over the sets that were sent up to date."""
    assert row.change is not None
    sent = {row.program.object.aliases.get(name, name) for name in row.change.set} & set(
        row.program.object.details
    )
    for field in row.program.fields.values():
        spec = field.spec
        if (
            isinstance(spec, Rollup) and spec.path and spec.path[0] in sent and len(spec.path) == 1
            and not spec.deep and spec.function in FIGURES
        ):  # fmt: skip
            object = row.program.object.sets[spec.path[0]].object
            _put(batch, row, field, [c for c in row.children if c.object == object and c.action != "delete"])


def _put(batch: Batch, row: Row, field: Field, rows: Sequence[Row]) -> None:
    spec = field.spec
    assert isinstance(spec, Rollup)
    counted = list(rows)
    if counted and spec.where is not None:
        program = counted[0].program
        batch.environment.fill(counted, program.needs(spec.where))
        holds = program.closure(spec.where)
        context = batch.environment.context
        counted = [r for r in counted if holds(program.in_base(r.values), context)]
    if spec.field is not None and counted and spec.field not in counted[0].program.fields:
        return  # behind a link
    values = [r.values.get(spec.field) if spec.field else True for r in counted]
    row.values[field.name] = fitted(field, FIGURES[spec.function]([v for v in values if v is not None]))
    row.figures.add(field.name)
