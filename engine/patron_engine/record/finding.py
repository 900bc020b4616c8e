"""Finding: the platform chooses the linked record itself (`find`): price lists, discount matrices, stock rows.

In: rows whose values are filled. Out: links put, for fields the caller did not give: on creation where the link is
empty, on update when an own field named in the condition changed. With `create` a record that is missing is made, under a
lock on what it stands for, so that two saves make one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.expr.sql import condition_sql
from patron_engine.fields.field import Field, Find
from patron_engine.phrases import OF_FIELD, Phrase
from patron_engine.query.binding import SqlBinding
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.batch import Batch
from patron_engine.record.change import Change
from patron_engine.record.identify import lock_values
from patron_engine.record.needs import Needs, needs_of, this_needs, union
from patron_engine.record.program import Program
from patron_engine.record.row import Row


def find_links(batch: Batch, program: Program, rows: Sequence[Row]) -> bool:
    """Chooses the links of all rows of one object; True when one was chosen."""
    any_found = False
    for field in program.links:
        find = field.link.find
        if find is None or field.link.many:
            continue
        needs: Needs = batch.programs.keep(
            ("finding", program.object.name, field.name), partial(_needs, program, find)
        )
        due = [
            r for r in rows
            if not r.rejected and field.name not in r.given
            and ((r.fresh and r.values.get(field.name) is None) or (not r.fresh and needs.reads & r.changed))
        ]  # fmt: skip
        if due:
            batch.environment.fill(due, needs)
            any_found = _choose(batch, program, field, find, due) or any_found
    return any_found


def _needs(program: Program, find: Find) -> Needs:
    parts = [this_needs(program.model, program.object, find.where)]
    made = [v for v in (find.create or {}).values() if isinstance(v, Expression)]
    if made:
        parts.append(needs_of(program.model, program.object, made))
    return union(parts)


def _asked(find: Find, row: Row) -> dict[str, Any]:
    """The row's side of the condition, by the names its parameters have."""
    return {p: row.values.get(p) for p in find.where.paths if p.startswith("this.")}


def _choose(batch: Batch, program: Program, field: Field, find: Find, rows: Sequence[Row]) -> bool:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(repr(v) for v in _asked(find, row).values())].append(row)
    firsts = [members[0] for members in groups.values()]
    found = _query(batch, program, field, find, [_asked(find, row) for row in firsts])
    chosen = False
    for members, id in zip(groups.values(), found, strict=True):
        if (
            id is None
            and find.create is not None
            and not batch.looking
            and all(v is not None for v in _asked(find, members[0]).values())
        ):
            id = _make(batch, program, field, find, members[0])
        for row in members:
            row.put(field.name, id)
            chosen = chosen or id is not None
    return chosen


def _query(
    batch: Batch, program: Program, field: Field, find: Find, asked: Sequence[Mapping[str, Any]]
) -> list[str | None]:
    """The first candidate for each question, all in one round trip."""
    key = ("record.find", program.object.name, field.name)
    statement = kept(batch.call.tables).get(key, lambda: _statement(batch, program, field, find))
    given = call_values(batch.call)
    cursors = []
    with batch.conn.pipeline():
        for own in asked:
            cursors.append(batch.conn.execute(statement.text, statement.values(given | dict(own))))
    rows = [cursor.fetchone() for cursor in cursors]
    return [row[0] if row is not None else None for row in rows]


def _statement(batch: Batch, program: Program, field: Field, find: Find) -> Statement:
    building = Building(tables=batch.call.tables)
    row = building.root(field.link.to[0])
    binding = SqlBinding(row=row, roots={"this": program.object.name})
    where = condition_sql(find.where, binding)
    order = []
    for path, descending in find.sort:
        value = binding.value(row, tuple(path.split(".")))
        order.append((value.desc() if descending else value.asc()).nulls_last())
    chosen = sa.select(row.id).select_from(row.source.from_).where(where, *row.live(voided=False))
    return compiled(chosen.order_by(*order, row.id).limit(sa.literal(1)), batch.model.release)


def _make(batch: Batch, program: Program, field: Field, find: Find, row: Row) -> str | None:
    """Makes the missing record, unless another save made it while this one waited for the lock."""
    target = field.link.to[0]
    asked = _asked(find, row)
    lock_values(
        batch,
        [(target, f"{program.object.name}.{field.name}", repr(sorted(asked.items(), key=lambda i: i[0])))],
    )
    again = _query(batch, program, field, find, [asked])[0]
    if again is not None:
        return again
    values = {}
    for name, value in (find.create or {}).items():
        if isinstance(value, Expression):
            value = program.closure(value)(row.values, batch.environment.context)
        values[name] = value
    try:
        outcome = batch.save_more([Change(action="create", object=target, set=values, source="typed")])[0]
    except Refused as error:
        for problem in error.problems:
            row.wrong(
                problem.code,
                Phrase(OF_FIELD, field=batch.label(field), reason=Phrase(problem.message)),
                field.name,
                level=problem.level,
            )
        return None
    return outcome.id
