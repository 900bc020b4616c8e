"""Tally: the figures over details that stand in an open form, worked out from its rows and those it does not hold.

In: a row and its children, none of them written. Out: the rows of each set that was sent, roll-ups put into the row's values,
figures over a set as expressions ask for them. Only figures over one set: what lies deeper, the database counts at the save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from patron_engine.expr.compile import Expression
from patron_engine.expr.nodes import AggregateNode
from patron_engine.fields.field import Field, Rollup
from patron_engine.record.batch import Batch
from patron_engine.record.derive import fitted
from patron_engine.record.load import read_images
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled

Sets = Mapping[str, Sequence[Row]]
MOST_KEPT = 10_000  # rows of a set that a form does not hold and that are read for its figures; past it they stay as they were
ROOTS = ("this.", "old.", "me.")

FIGURES: Mapping[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "count_distinct": lambda values: len(set(values)),
    "sum": lambda values: sum(values, Decimal(0)),
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "avg": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
    "average": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
}  # fmt: skip


def sets_of(batch: Batch, row: Row) -> Sets:
    """Set -> every row it will have: those that were sent and stay, then those the form does not hold."""
    assert row.change is not None
    program = row.program
    sent = {program.object.aliases.get(name, name) for name in row.change.set} & set(program.object.details)
    found: dict[str, Sequence[Row]] = {}
    for name in sorted(sent):
        detail = batch.programs[program.object.sets[name].object]
        mine = [c for c in row.children if c.object == detail.object.name]
        kept = [] if row.fresh else _kept(batch, detail, row, mine)
        if kept is not None:
            found[name] = [*(c for c in mine if c.action != "delete"), *kept]
    return found


def _kept(batch: Batch, detail: Program, row: Row, sent: Sequence[Row]) -> list[Row] | None:
    """The rows that are there and were not sent; None where they are too many."""
    link = detail.object.master
    assert link is not None

    def make() -> Statement:
        table = detail.table
        chosen = sa.select(table.c.id).where(
            table.c[detail.fields[link].column.name] == sa.bindparam("master", type_=table.c.id.type),
            table.c.deleted_at.is_(None),
        )
        return compiled(chosen.limit(MOST_KEPT + 1))

    statement = batch.programs.keep(("tally.kept", detail.object.name), make)
    ids = {str(id) for (id,) in statement.run(batch.conn, master=row.id)}
    if len(ids) > MOST_KEPT:
        return None
    found = []
    images = read_images(batch, batch.conn, detail, sorted(ids - {r.id for r in sent}), detail.peek)
    for id, image in images.items():
        made = Row(detail, None, id=id, fresh=False)
        made.old, made.values, made.master = image, dict(image), row
        found.append(made)
    return found


def tally(batch: Batch, row: Row, sets: Sets) -> None:
    """Brings the roll-ups over the sets that were sent up to date."""
    for field in row.program.fields.values():
        if field.columns and over(batch, field, sets):
            row.values[field.name] = rollup(batch, field, sets)
            row.figures.add(field.name)
    row.figures.update(f"set:{name}" for name in sets)


def over(batch: Batch, field: Field, sets: Sets) -> bool:
    """Whether it is a roll-up that can be worked out from these rows: of one set, of no value behind a link."""
    spec = field.spec
    if not isinstance(spec, Rollup) or len(spec.path) != 1 or spec.path[0] not in sets or spec.deep:
        return False
    of = batch.model.objects[batch.model.objects[field.object].sets[spec.path[0]].object]
    return spec.function in FIGURES and (spec.field is None or spec.field in of.fields)


def rollup(batch: Batch, field: Field, sets: Sets) -> Any:
    """The value of such a roll-up."""
    spec = field.spec
    assert isinstance(spec, Rollup)
    rows = _fitting(batch, _alive(sets[spec.path[0]]), spec.where)
    values = [r.values.get(spec.field) if spec.field else True for r in rows]
    return fitted(field, FIGURES[spec.function]([v for v in values if v is not None]))


def answers(node: AggregateNode, sets: Sets) -> bool:
    """Whether a figure an expression asks for can be worked out from these rows."""
    inner = [e for e in (node.value, node.condition) if e is not None]
    plain = all(not path.startswith(ROOTS) for e in inner for path in e.paths)
    return node.base in ("", "this") and len(node.sets) == 1 and node.sets[0] in sets and plain


def figure(batch: Batch, node: AggregateNode, sets: Sets) -> Any:
    """Such a figure."""
    rows = _fitting(batch, _alive(sets[node.sets[0]]), node.condition)
    values: list[Any] = [True] * len(rows)
    if node.value is not None and rows:
        program = rows[0].program
        batch.environment.fill(rows, program.needs(node.value))
        value, context = program.closure(node.value), batch.environment.context
        values = [value(program.in_base(r.values), context) for r in rows]
    return FIGURES[str(node.function).lower()]([v for v in values if v is not None])


def _alive(rows: Sequence[Row]) -> list[Row]:
    """What is voided does not count."""
    return [r for r in rows if r.values.get("voided_at") is None]


def _fitting(batch: Batch, rows: list[Row], condition: Expression | None) -> list[Row]:
    if condition is None or not rows:
        return rows
    program = rows[0].program
    batch.environment.fill(rows, program.needs(condition))
    holds, context = program.closure(condition), batch.environment.context
    return [r for r in rows if holds(program.in_base(r.values), context)]
