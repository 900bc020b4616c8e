"""Derive: what the platform fills in: owner, defaults, what a chosen record brings (`fill`), records it finds itself.

In: bound rows. Out: further values put. A field the caller gave is never touched. Decides nothing about right or wrong,
but that a default has to be a value its field can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, Rollup
from patron_engine.record.batch import Batch
from patron_engine.record.codec import fitter
from patron_engine.record.finding import find_links
from patron_engine.record.links import linked
from patron_engine.record.money import brought_amount, currencies
from patron_engine.record.program import Program
from patron_engine.record.row import Row

BIRTH = ("created_at", "created_by", "updated_at", "updated_by")
ZERO_OF_NOTHING = frozenset({"count", "count_distinct", "sum"})


def derive(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Everything the platform fills in, in order: birth, owner, defaults, fill, find, and what was found fills again."""
    fresh = [r for r in rows if r.fresh]
    if fresh:
        _births(batch, program, fresh)
        _figures(program, fresh)
        _owners(batch, program, fresh)
        currencies(batch, program, fresh)
        _defaults(batch, program, fresh)
    filled = _fill(batch, program, rows, {})
    found = find_links(batch, program, rows)
    if found:
        _fill(batch, program, rows, filled)
    _departments(batch, program, rows)


def _births(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Who makes a new record and when, for rules and formulas that read it; one that comes with its history has its own."""
    for row in rows:
        for name in BIRTH:
            if row.values.get(name) is None and name in program.fields:
                row.values[name] = batch.call.now if name.endswith("_at") else batch.person


def _figures(program: Program, rows: Sequence[Row]) -> None:
    """A new record's roll-ups: over nothing."""
    for field in program.rollups:
        spec = field.spec
        assert isinstance(spec, Rollup)
        value = fitted(field, Decimal(0)) if spec.function in ZERO_OF_NOTHING else None
        for row in rows:
            row.values[field.name] = value


def _owners(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """A new record belongs to who makes it, unless he names somebody or a queue."""
    if "owner" not in program.fields or batch.person is None:
        return
    for row in rows:
        if "owner" not in row.given and row.values.get("queue") is None:
            row.put("owner", batch.person)


def _departments(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """The owner's department is written with the owner."""
    if "owner" not in program.fields or "department" not in program.fields or program.object.owner != "user":
        return
    moved = [r for r in rows if "owner" in r.changed and not r.rejected]
    if (
        not moved
        or "user" not in batch.model.objects
        or batch.model.objects["user"].field("department") is None
    ):
        return
    users = batch.environment.fetch(
        "user", {r.values["owner"] for r in moved if r.values["owner"]}, ["department"]
    )
    for row in moved:
        if "department" not in row.given:
            row.put("department", users.get(row.values["owner"], {}).get("department"))
        if row.values["owner"] is not None and "queue" in program.fields and "queue" not in row.given:
            row.put("queue", None)


def _defaults(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    fields = [f for f in program.fields.values() if f.default is not None and not f.computed]
    for literal_first in (False, True):  # expressions may read what literals gave
        for field in fields:
            if isinstance(field.default, Expression) is not literal_first:
                continue
            open_rows = [r for r in rows if field.name not in r.given and r.values.get(field.name) is None]
            if not open_rows:
                continue
            if not isinstance(field.default, Expression):
                for row in open_rows:
                    row.put(field.name, field.default)
                continue
            batch.environment.fill(open_rows, program.needs(field.default))
            value = program.closure(field.default)
            for row in open_rows:
                row.put(field.name, fitted(field, value(row.values, batch.environment.context)))


def _fill(
    batch: Batch, program: Program, rows: Sequence[Row], done: dict[tuple[str, str], Any]
) -> dict[Any, Any]:
    """A newly chosen record brings values, to fields the caller did not give."""
    for field in program.filling:
        spec = field.link
        chosen = [
            r for r in rows
            if not r.rejected and field.name in r.changed and done.get((r.path + r.id, field.name)) != r.values[field.name]
        ]  # fmt: skip
        by_target: dict[str, list[tuple[Row, str]]] = {}
        for row in chosen:
            done[(row.path + row.id, field.name)] = row.values[field.name]
            for object, id in linked(row.values[field.name], field):
                by_target.setdefault(object, []).append((row, id))
        for object, pairs in by_target.items():
            found = batch.environment.fetch(object, {id for _, id in pairs}, sorted(set(spec.fill.values())))
            for row, id in pairs:
                brought = found.get(id, {})
                for name, path in spec.fill.items():
                    if name not in row.given and name in program.fields:
                        value = brought.get(path)
                        if name in program.bases:
                            value = brought_amount(batch, program, row, name, value, of=(object, id, path))
                        row.put(name, fitted(program.fields[name], value))
    return done


def fitted(field: Field, value: Any) -> Any:
    """A computed value as its field keeps it: decimals rounded half up to the field's scale, whole numbers whole."""
    return fitter(field)(value)
