"""Tables: SQLAlchemy handles of a workspace's tables, made from the model when first asked for.

In: the model and the schema name. Out: `sa.Table` objects whose columns are the physical ones, qualified with the
schema. Statements are only built with these; psycopg executes their text. Never talks to a database.

Values travel as the engine holds them (ids are text, decimals Decimal), so the types here do no conversion; they only
tell SQLAlchemy which cast to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.field import Column, Field, SqlType
from patron_engine.model.model import Model, Object
from patron_engine.names import composed


class Id(sa.types.UserDefinedType[str]):
    """A uuid that is text in Python."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "UUID"


TYPES: Mapping[SqlType, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "numeric": sa.Numeric(),
    "bigint": sa.BigInteger(),
    "uuid": Id(),
    "timestamptz": sa.DateTime(timezone=True),
    "date": sa.Date(),
    "time": sa.Time(),
    "boolean": sa.Boolean(),
    "text[]": pg.ARRAY(sa.Text()),
    "jsonb": pg.JSONB(),
    "bytea": sa.LargeBinary(),
}


class Tables:
    """The handles of one (model, schema). Kept per release; making them costs only what is used."""

    def __init__(self, model: Model, schema: str, collation: str | None = None) -> None:
        """`collation` is what texts are compared by where the database's own is not by code point ("C"), else None."""
        self.model = model
        self.schema = schema
        self.collation = collation
        self._objects: dict[str, sa.Table] = {}
        self._links: dict[tuple[str, str], sa.Table] = {}
        self._system: dict[str, sa.Table] = {}
        self.prepared: dict[
            str, Any
        ] = {}  # what the stages above prepare once for a release, by their own keys

    def of(self, object: Object | str) -> sa.Table:
        """The table of an object."""
        found = self.model.objects[object] if isinstance(object, str) else object
        table = self._objects.get(found.name)
        if table is None:
            table = sa.Table(found.table, sa.MetaData(schema=self.schema), *physical_columns(found))
            self._objects[found.name] = table
        return table

    def column(self, field: Field, part: str = "") -> sa.Column[Any]:
        """The handle of one physical column of a field."""
        return self.of(field.object).c[field.part(part).name]

    def link(self, field: Field) -> sa.Table:
        """The link table of a many link: record, target, position."""
        key = (field.object, field.name)
        table = self._links.get(key)
        if table is None:
            name = field.link.table or composed(field.object, field.name)
            table = sa.Table(
                name,
                sa.MetaData(schema=self.schema),
                sa.Column("record", Id()),
                sa.Column("target", Id()),
                sa.Column("position", sa.BigInteger()),
            )
            self._links[key] = table
        return table

    def access(self, object: str) -> sa.Table:
        """Rights given for single records of an object."""
        return self.system(
            composed(self.model.objects[object].table, "access"),
            record="uuid", principal="uuid", level="text", reason="text", until="timestamptz", role="text", by="uuid",
            at="timestamptz",
        )  # fmt: skip

    def system(self, name: str, /, **columns: SqlType) -> sa.Table:
        """One of the workspace's own tables (`sys__…`), with the columns the caller uses."""
        key = f"{name}({','.join(columns)})"
        table = self._system.get(key)
        if table is None:
            table = sa.Table(
                name, sa.MetaData(schema=self.schema), *(sa.Column(c, TYPES[t]) for c, t in columns.items())
            )
            self._system[key] = table
        return table


def physical_columns(object: Object) -> list[sa.Column[Any]]:
    """Every physical column of an object once, in the order of its fields."""
    seen: dict[str, Column] = {}
    for field in object.fields.values():
        for column in field.columns:
            seen.setdefault(column.name, column)
    return [sa.Column(c.name, TYPES[c.sql]) for c in seen.values()]
