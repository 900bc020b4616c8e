"""Desired: the tables a model wants.

In: a model, and the columns that are kept aside for removed and retyped fields. Out: a SchemaShape. Never talks to a
database, never decides names: columns and tables were named when the model was compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from patron_engine.fields.field import Field
from patron_engine.model.model import LINKS, Model, Object
from patron_engine.model.physical import TABLE, PhysicalColumn
from patron_engine.names import composed
from patron_engine.store.indexes import access_indexes, link_indexes, object_indexes
from patron_engine.store.shape import (
    CHECK_SUFFIX,
    CHECKED,
    FK_SUFFIX,
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    SchemaShape,
    TableShape,
)

ALWAYS = frozenset({"id", "created_at", "updated_at", "version"})  # system columns that are never empty
SYSTEM_MOMENTS = frozenset({"created_at", "updated_at", "deleted_at", "voided_at"})
DELETE_BATCH = "delete__batch"  # which deletion a record went with, so that one restore brings all of it back


def desired(model: Model, schema: str, aside: Iterable[PhysicalColumn] = ()) -> SchemaShape:
    """Tables of objects, of many links, and of rights given for single records."""
    kept = columns_aside(model, aside)
    tables: dict[str, TableShape] = {}
    for object in model.objects.values():
        tables[object.table] = object_table(model, object, kept.get(object.table, ()))
        for field in object.fields.values():
            if is_link_table(field):
                link = link_table(model, object, field)
                tables[link.name] = link
        access = access_table(object)
        tables[access.name] = access
    return SchemaShape(name=schema, tables=dict(sorted(tables.items())))


def object_table(model: Model, object: Object, kept: Iterable[PhysicalColumn] = ()) -> TableShape:
    """The table of one object: its fields' columns, those kept aside, and what every record has."""
    columns: dict[str, ColumnShape] = {}
    for field in object.fields.values():
        filled = (
            {"currency": model.workspace.currency}
            if field.name == "currency" and field.system
            else fills(field)
        )
        for column in field.columns:
            columns.setdefault(
                column.name,
                ColumnShape(
                    name=column.name,
                    sql=column.sql,
                    nullable=column.name not in ALWAYS,
                    fill=filled.get(column.name),
                ),
            )
    columns.setdefault(DELETE_BATCH, ColumnShape(name=DELETE_BATCH, sql="uuid"))
    for old in kept:
        columns.setdefault(old.column, ColumnShape(name=old.column, sql=old.sql, aside=True))
    return TableShape(
        name=object.table,
        columns=columns,
        primary=("id",),
        indexes=object_indexes(model, object),
        foreign_keys=_foreign_keys(model, object),
        checks={c.name: c for c in checks(columns)},
        purpose="object",
    )


def checks(columns: Mapping[str, ColumnShape]) -> list[CheckShape]:
    """The checks that the types of columns ask for. System moments come from the engine's clock and need none."""
    return [
        CheckShape(name=composed(c.name, CHECK_SUFFIX), column=c.name, kind=CHECKED[c.sql])
        for c in columns.values()
        if c.sql in CHECKED and c.name not in SYSTEM_MOMENTS
    ]


def is_link_table(field: Field) -> bool:
    """The field's links stand in a table of their own."""
    return field.type in LINKS and field.link.many


def link_table(model: Model, object: Object, field: Field) -> TableShape:
    """record, target, position; the target has a foreign key when it is of one object."""
    name = field.link.table or composed(field.object, field.name)
    keys = [ForeignKeyShape(name=composed("record", FK_SUFFIX), column="record", target=object.table)]
    target = model.objects.get(field.link.to[0]) if len(field.link.to) == 1 else None
    if target is not None:
        keys.append(ForeignKeyShape(name=composed("target", FK_SUFFIX), column="target", target=target.table))
    return TableShape(
        name=name,
        columns=_columns(record="uuid", target="uuid", position="bigint"),
        primary=("record", "target"),
        indexes=link_indexes(name),
        foreign_keys={k.name: k for k in keys},
        checks={},
        purpose="link",
    )


def access_table(object: Object) -> TableShape:
    """Rights given for single records: team members, shares, approvers. One right may have several reasons; who gave it,
    when, and as what somebody is in the team stand beside it."""
    name = composed(object.table, "access")
    key = ForeignKeyShape(name=composed("record", FK_SUFFIX), column="record", target=object.table)
    columns = _columns(record="uuid", principal="uuid", level="text", reason="text")
    for name_, sql_type in (
        ("until", "timestamptz"),
        ("role", "text"),
        ("by", "uuid"),
        ("at", "timestamptz"),
    ):
        columns[name_] = ColumnShape(name=name_, sql=sql_type)
    return TableShape(
        name=name,
        columns=columns,
        primary=("record", "principal", "level", "reason"),
        indexes=access_indexes(name),
        foreign_keys={key.name: key},
        checks={c.name: c for c in checks(columns)},
        purpose="access",
    )


def fills(field: Field) -> dict[str, Any]:
    """What existing records get when the field is added: a literal default, where the field is always required or a
    boolean (then nobody expects a third state). Other new fields begin empty."""
    if field.system or field.computed or not (field.required is True or field.type == "boolean"):
        return {}
    if len(field.columns) != 1 or not isinstance(field.default, str | int | Decimal | date | datetime | time):
        return {}
    return {field.columns[0].name: field.default}


def _foreign_keys(model: Model, object: Object) -> dict[str, ForeignKeyShape]:
    """Of link fields with one target. Not of owner, department, created_by and the like: the engine writes them, and
    four checks a row would cost an import a quarter of its speed."""
    found: dict[str, ForeignKeyShape] = {}
    for field in object.fields.values():
        if field.system or field.type not in LINKS or not field.columns or field.encrypted:
            continue
        target = model.objects.get(field.link.to[0]) if len(field.link.to) == 1 else None
        if target is not None:
            name = composed(field.column.name, FK_SUFFIX)
            found[name] = ForeignKeyShape(name=name, column=field.column.name, target=target.table)
    return found


def _columns(**types: Any) -> dict[str, ColumnShape]:
    return {name: ColumnShape(name=name, sql=sql, nullable=False) for name, sql in types.items()}


def columns_aside(model: Model, known: Iterable[PhysicalColumn]) -> dict[str, list[PhysicalColumn]]:
    """Columns of removed and retyped fields by table, for tables of objects that are still there."""
    kept: dict[str, list[PhysicalColumn]] = {}
    for column in known:
        object = model.object(column.object)
        if object is not None and column.state == "aside" and column.sql != TABLE:
            kept.setdefault(object.table, []).append(column)
    return kept


def tables_aside(known: Iterable[PhysicalColumn]) -> frozenset[str]:
    """Tables of removed objects and of many links that are no more."""
    return frozenset(c.column for c in known if c.sql == TABLE and c.state == "aside")
