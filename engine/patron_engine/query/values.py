"""Values: what paths and aggregates give for many records at once, in one statement, in Python form.

In: an object, ids, dotted paths (as in Expression.paths) and aggregates. Out: `{id: {key: value}}`. A save reads through
this what its rules, formulas, fills and finds name on other records. Definitions see all rows: no person's row rule is
applied here; what lies in the recycle bin has no values, here and behind links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.field import Field, FileSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS
from patron_engine.query.binding import ME, NOW, TODAY, Money, SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.masks import Masked, mask, maskable
from patron_engine.query.source import Building, Row, path_steps
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.store.tables import TYPES, Id, Tables

IDS = "ids"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a statement: its columns, and how they become a value in Python."""

    columns: tuple[sa.ColumnElement[Any], ...]
    decode: Callable[[tuple[Any, ...]], Any] | None  # None: the only column is the value


def call_values(call: Call) -> dict[str, Any]:
    """The parameters every statement of a call may have."""
    return {ME: call.actor.user, NOW: call.now, TODAY: call.today}


def fetch_values(
    conn: psycopg.Connection[Any],
    call: Call,
    object: str,
    ids: Sequence[str],
    paths: Iterable[str],
    aggregates: Sequence[Any] = (),
    money: Money = "base",
) -> dict[str, dict[str, Any]]:
    """The values of `paths` and `aggregates` for each of `ids`; ids that do not live are left out. `money` "own": amounts
    as they stand in their record, else in the workspace's currency.

    Keys are the paths as given and the aggregates' `key`. A path over an empty link is None.
    """
    wanted = tuple(dict.fromkeys(paths))
    if not ids:
        return {}
    if not wanted and not aggregates:
        return {id: {} for id in ids}
    alone = len(ids) == 1  # a text of its own, whose plan the server keeps
    key = ("values", object, wanted, tuple(a.key for a in aggregates), money, alone)
    statement, decoders = kept(call.tables).get(
        key, lambda: _make(call.tables, object, wanted, aggregates, money, alone)
    )
    given = call_values(call) | {IDS: ids[0] if alone else list(ids)}
    keys = (*wanted, *(a.key for a in aggregates))
    found: dict[str, dict[str, Any]] = {}
    for row in conn.execute(statement.text, statement.values(given)):
        values = {}
        for name, (start, end, decode) in zip(keys, decoders, strict=True):
            values[name] = row[start] if decode is None else decode(row[start:end])
        found[row[0]] = values
    return found


Decoders = tuple[tuple[int, int, Callable[[tuple[Any, ...]], Any] | None], ...]


def _make(
    tables: Tables, object: str, paths: Sequence[str], aggregates: Sequence[Any], money: Money, alone: bool
) -> tuple[Statement, Decoders]:
    building = Building(tables=tables)
    row = building.root(object)
    binding = SqlBinding(row=row, roots={"this": row}, money=money)
    cells = [cell_of(binding, path) for path in paths]
    cells += [Cell((binding.aggregate(node),), None) for node in aggregates]
    columns, decoders = laid_out(cells, start=1)
    ids = parameter(IDS, Id()) if alone else sa.any_(parameter(IDS, pg.ARRAY(Id())))
    select = sa.select(row.id, *columns).select_from(row.source.from_).where(row.id == ids, *row.live())
    return compiled(select, tables.model.release), decoders


def laid_out(cells: Sequence[Cell], start: int) -> tuple[list[sa.ColumnElement[Any]], Decoders]:
    """The columns of cells one after the other, and where each cell stands in a row."""
    columns: list[sa.ColumnElement[Any]] = []
    decoders: list[tuple[int, int, Callable[[tuple[Any, ...]], Any] | None]] = []
    for cell in cells:
        at = start + len(columns)
        columns.extend(c.label(f"c{at + i}") for i, c in enumerate(cell.columns))
        decoders.append((at, at + len(cell.columns), cell.decode))
    return columns, tuple(decoders)


def cell_of(binding: SqlBinding, path: str) -> Cell:
    """The cell of a path: a field of the row or of a record it links to, or one part of a field."""
    steps = path_steps(path)
    if steps[0] in ("me", "me()") or (steps[0] in binding.roots and len(steps) == 1):
        return Cell((binding.column(path),), None)
    if steps[0] in binding.roots:
        steps = steps[1:]
    found = end_of(binding, binding.row, steps)
    if found is None:
        return Cell((binding.value(binding.row, steps),), None)
    return field_cell(*found)


def end_of(binding: SqlBinding, row: Row, steps: tuple[str, ...]) -> tuple[SqlBinding, Row, Field] | None:
    """The row and field a path ends at, joined on the way; None where it ends at a part or a virtual name."""
    here = row
    at = 0
    while True:
        field = here.object.field(steps[at])
        if field is None:
            return None
        if at == len(steps) - 1:
            return binding, here, field
        if field.expr.kind != "link":
            return None
        target = steps[at + 1][1:-1] if steps[at + 1].startswith("[") else None
        at += 2 if target else 1
        binding = binding.across(here, field, target)
        here = binding.row
        if at == len(steps):
            return binding, here, here.object.fields["id"]


def field_cell(binding: SqlBinding, row: Row, field: Field) -> Cell:
    """The cell of one field of a row."""
    type = type_of(field)
    if not field.columns or isinstance(field.spec, FileSpec) or (field.type in LINKS and field.link.many):
        if field.computed and not field.stored:
            return Cell((binding.of_field(row, field),), lambda parts: type.from_columns(field, parts))
        many = field.type in LINKS or isinstance(field.spec, FileSpec)
        return Cell((binding.of_field(row, field),), _tuple if many else None)
    parts = [c.part for c in field.columns]
    money = "base" in parts and binding.money == "base"
    columns = tuple(
        binding.guarded(
            row, field, row.column(field, "base") if money and c.part == "" else row.table.c[c.name]
        )
        for c in field.columns
    )
    return Cell(columns, lambda parts: type.from_columns(field, parts))


def masked_cell(binding: SqlBinding, path: str) -> Cell:
    """The same for people to look at: where the value is not the asker's to read, its mask where that is his."""
    plain, found = cell_of(binding, path), end_of(binding, binding.row, path_steps(path))
    if found is None or not maskable(found[2]):
        return plain
    inner, row, field = found
    reads, sees = row.reads(field) if inner.ruled else None, row.sees(field) if inner.ruled else None
    if reads is None or isinstance(sees, sa.sql.elements.False_):
        return plain
    cover = mask(field, row.table.c[field.columns[0].name] if field.encrypted else row.column(field))
    covered = sa.case(
        (reads, sa.null()),
        *(((sees, cover),) if sees is not None else ()),
        else_=None if sees is not None else cover,
    )
    decode = plain.decode or _first

    def shown(parts: tuple[Any, ...]) -> Any:
        return Masked(parts[-1]) if parts[-1] is not None else decode(parts[:-1])

    return Cell((*plain.columns, sa.type_coerce(covered, TYPES["text"])), shown)


def _first(parts: tuple[Any, ...]) -> Any:
    return parts[0]


def _tuple(parts: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return tuple(parts[0]) if parts[0] else None
