"""Wire: how PostgreSQL itself writes a record as JSON, byte for byte what fields' `to_wire` would give.

In: a row of the statement and what is shown of it. Out: columns whose JSON form (row_to_json) is the answer's, or None
where only Python can make it (encrypted fields).

    link            {"id", "title"}; with "object" when it may point at several; a list of them when many
    file, image …   {"id", "name", "mime", "size"}; a list when many
    date_range …    an object of its parts, null when all are empty

The title of a record that is in the bin, or that the reader may not see, is null; the id stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from patron_engine.expr.sqlparts import WALL, text
from patron_engine.fields.field import Field, FileSpec
from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS
from patron_engine.query.binding import SqlBinding, file_table
from patron_engine.query.masks import mask, maskable
from patron_engine.query.source import Row, path_steps
from patron_engine.store.tables import TYPES

Column = sa.ColumnElement[Any]
MOMENT = "YYYY-MM-DD HH24:MI"  # of a title that is one; Python's stands in titles.py
PARTED = frozenset({"date_range", "address", "location"})


def wire_column(binding: SqlBinding, row: Row, field: Field) -> Column | None:
    """One field of a row in the form of an answer: empty where it is not the asker's to read, a mask where that is his."""
    made = _wire_column(binding, row, field)
    reads = row.reads(field) if binding.ruled else None
    if made is None and isinstance(reads, sa.sql.elements.False_):
        made = sa.cast(sa.null(), TYPES["text"])  # sealed, and nowhere his to open
    if made is None or reads is None:
        return made
    sees = row.sees(field)
    if isinstance(sees, sa.sql.elements.False_) or not maskable(field):
        return sa.case((reads, made))
    covered: Column = sa.func.to_json(mask(field, row.column(field)), type_=sa.JSON())
    if sees is not None:
        covered = sa.case((sees, covered))
    return sa.case((reads, sa.func.to_json(made, type_=sa.JSON())), else_=covered)


def _wire_column(binding: SqlBinding, row: Row, field: Field) -> Column | None:
    if isinstance(field.spec, FileSpec):
        return _files(binding, row, field)
    if field.type in LINKS and field.link.many:
        return _links(binding, row, field)
    if field.expr.kind == "link" and field.type != "id":
        return _link(binding, row, field)
    if field.encrypted:
        return None
    type = type_of(field)
    if type.name in PARTED and field.columns:
        return _parts(row, field)
    if type.name == "json" and field.columns:
        return row.column(field)
    if field.computed and not field.stored:
        return type.wire_sql(field, (binding.of_field(row, field),))
    if not field.columns:
        return sa.cast(sa.null(), TYPES["text"])
    return type.wire_sql(field, tuple(row.table.c[c.name] for c in field.columns))


def title_column(binding: SqlBinding, row: Row) -> Column:
    """The title of the record of a row, as text."""
    steps = path_steps(row.object.title)
    field = row.object.field(steps[0])
    if (
        field is None or row.object.title == "id"
    ):  # nothing stands for it: the end of its id, as page/show says it
        return sa.func.concat("#", sa.func.upper(sa.func.right(sa.cast(row.id, TYPES["text"]), 6)))
    if field.type in LINKS and not field.link.many and len(field.link.to) == 1 and row.steps < 4:
        joined = row.follow(field, ruled=binding.ruled, counted=False)
        inner = binding.at(joined)
        if len(steps) == 1:
            return title_column(inner, joined)
        return _told(row, inner.value(joined, steps[1:]))
    return _told(row, binding.of_field(row, field))


def _told(row: Row, value: Column) -> Column:
    """A title as text; a moment by the clock that all titles of its object go by."""
    zone = row.object.title_zone
    if zone is None:
        return sa.cast(value, TYPES["text"])
    wall = sa.func.timezone(text(zone.key), value, type_=WALL)
    return sa.func.to_char(wall, text(MOMENT), type_=TYPES["text"])


def composite(row: Row, alias: str, **columns: Column) -> Column:
    """`(SELECT x FROM (SELECT … AS id, … AS title) AS x)`: an object of JSON once it is written as JSON."""
    inner = sa.select(*(c.label(n) for n, c in columns.items()))
    made = inner.correlate(*_froms(row)).subquery(alias)
    return sa.select(made.table_valued()).scalar_subquery()


def _froms(row: Row) -> list[sa.FromClause]:
    here = row.source.from_
    while isinstance(here, sa.Join):
        here = here.left
    return [here, row.table, *row.source.tables]


def _link(binding: SqlBinding, row: Row, field: Field) -> Column:
    """A single link, stored or computed."""
    building = row.building
    if field.type in LINKS and field.link.several:
        id, object = row.column(field), row.column(field, "object")
        titles = {name: _title_of(binding, row, name, id) for name in field.link.to}
        title = sa.case(
            *((object == sa.literal(n, sa.Text()), t) for n, t in titles.items()), else_=sa.null()
        )
        whole = composite(row, building.alias(), object=object, id=id, title=title)
        return sa.case((id.is_not(None), whole))
    id = row.column(field) if field.stored else binding.of_field(row, field)
    targets = field.link.to if field.type in LINKS else field.expr.objects
    if len(targets) != 1 or targets[0] not in building.model.objects:
        return sa.case((id.is_not(None), composite(row, building.alias(), id=id)))
    joined = row.joined(field.name, id, targets[0], [], ruled=binding.ruled, counted=False)
    name = title_column(binding.at(joined), joined)
    return sa.case((id.is_not(None), composite(row, building.alias(), id=id, title=name)))


def _title_of(binding: SqlBinding, row: Row, object: str, id: Column) -> Column:
    """The title of one record, by a subquery: only the branch that fits is run."""
    target = row.building.root(object)
    inner = SqlBinding(row=target, ruled=binding.ruled)
    title = title_column(inner, target)
    conditions = [target.id == id, *target.live(), *(target.ruled() if binding.ruled else [])]
    found = sa.select(title).select_from(target.source.from_).where(*conditions)
    return found.correlate(*_froms(row)).scalar_subquery()


def _links(binding: SqlBinding, row: Row, field: Field) -> Column:
    """Many links, in their order; what is in the bin or may not be seen is left out of the list."""
    building = row.building
    target = building.root(field.link.to[0])
    inner = SqlBinding(row=target, ruled=binding.ruled)
    title = title_column(inner, target)
    table = building.tables.link(field).alias(building.alias())
    conditions = [table.c.record == row.id, *target.live(), *(target.ruled() if binding.ruled else [])]
    source = target.source.from_.join(table, table.c.target == target.id)
    each = (
        sa.select(target.id.label("id"), title.label("title"))
        .select_from(source)
        .where(*conditions)
        .order_by(table.c.position, target.id)
        .correlate(*_froms(row))
        .subquery(building.alias())
    )
    return _list(each)


def _files(binding: SqlBinding, row: Row, field: Field) -> Column:
    building = row.building
    files = file_table(building).alias(building.alias())
    mine = (files.c.object == field.object, files.c.record == row.id, files.c.field == field.name)
    each = (
        sa.select(files.c.id, files.c.name, files.c.mime, files.c.size)
        .where(*mine, files.c.deleted_at.is_(None))
        .order_by(files.c.position, files.c.created_at, files.c.id)
        .correlate(*_froms(row))
    )
    assert isinstance(field.spec, FileSpec)
    if field.spec.many:
        return _list(each.subquery(building.alias()))
    one = each.limit(sa.literal(1)).subquery(building.alias())
    return sa.select(one.table_valued()).scalar_subquery()


def _list(each: Any) -> Column:
    rows = sa.select(sa.func.json_agg(each.table_valued())).select_from(each).scalar_subquery()
    return sa.func.coalesce(rows, sa.cast(sa.literal("[]", sa.Text()), sa.JSON()))


def _parts(row: Row, field: Field) -> Column:
    """A field of several parts. Numbers are texts, as everywhere."""
    parts: dict[str, Column] = {}
    columns: Sequence[Column] = [row.table.c[c.name] for c in field.columns]
    for part, column in zip(field.columns, columns, strict=True):
        parts[part.part] = (
            sa.cast(sa.func.trim_scale(column), TYPES["text"]) if part.sql == "numeric" else column
        )
    whole = composite(row, row.building.alias(), **parts)
    if type_of(field).name == "address":
        filled = sa.func.json_strip_nulls(sa.func.row_to_json(whole))
        return sa.case((sa.or_(*(c.is_not(None) for c in columns)), filled))
    return sa.case((sa.or_(*(c.is_not(None) for c in columns)), whole))
