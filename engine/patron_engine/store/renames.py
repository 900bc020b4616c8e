"""Renames: what the workspace's own tables keep under the names of objects and fields goes on under the new ones.

In: the model before and after, within the publication's transaction. Out: files, history, search, numbers, external ids and
batches of renamed objects and fields, carried over. Columns keep their names (model/physical); these rows cannot, for one
day another object may be called so. Costs a pass over the rows of what was renamed and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine.model.model import Model
from patron_engine.store.conversion import same_field

OF_OBJECTS: Final = (
    "sys__file", "sys__history", "sys__search", "sys__number", "sys__external_id", "sys__batch_record", "sys__personal",
    "sys__converted", "sys__merge", "sys__merge_link",
)  # fmt: skip
OF_FIELDS: Final = ("sys__file", "sys__search", "sys__number", "sys__merge_link")


def carry_names(conn: psycopg.Connection[Any], schema: str, old: Model | None, new: Model) -> None:
    """Follows every rename from `old` to `new`, a rollback's as well."""
    if old is None:
        return
    before = {o.table: o for o in old.objects.values()}
    pairs = [(before[o.table], o) for o in new.objects.values() if o.table in before]
    objects = [(a.name, b.name) for a, b in pairs if a.name != b.name]
    fields = [
        (b.name, found.name, field.name)
        for a, b in pairs
        for field in b.fields.values()
        if (found := same_field(a, field)) is not None and found.name != field.name
    ]
    # all of them in one statement a table: two names may change places
    for table in OF_OBJECTS if objects else ():
        query = sql.SQL(
            "UPDATE {} AS t SET object = n.new FROM unnest(%s::text[], %s::text[]) AS n (old, new)"
            " WHERE t.object = n.old"
        )
        conn.execute(query.format(sql.Identifier(schema, table)), _columns(objects))
    for table in OF_FIELDS if fields else ():
        query = sql.SQL(
            "UPDATE {} AS t SET field = n.new FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (object, old, new)"
            " WHERE t.object = n.object AND t.field = n.old"
        )
        conn.execute(query.format(sql.Identifier(schema, table)), _columns(fields))


def _columns(rows: Iterable[tuple[str, ...]]) -> list[list[str]]:
    return [list(column) for column in zip(*rows, strict=True)]
