"""Updates: the statements that change rows of one table.

In: a table and the columns that change. Out: statements, for one row or for many at once. Kept by the Program.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.record.statements import Statement, compiled
from patron_engine.store.tables import Id


def of_one(table: sa.Table, columns: Sequence[str]) -> Statement:
    """Sets `columns` of the row `row_id`."""
    binds = {c: sa.bindparam(c, type_=table.c[c].type) for c in columns}
    return compiled(table.update().values(binds).where(table.c.id == sa.bindparam("row_id", type_=Id())))


def of_many(table: sa.Table, columns: Sequence[str]) -> Statement | None:
    """The same for many rows in one statement: each bind is a list. None where a column holds lists or JSON, which no list
    of a statement can carry."""
    types = {"row_id": Id(), **{c: table.c[c].type for c in columns}}
    if any(isinstance(t, (pg.ARRAY, pg.JSONB)) for t in types.values()):
        return None
    given = (
        sa.func.unnest(*(sa.bindparam(n, type_=pg.ARRAY(t)) for n, t in types.items()))
        .table_valued(*(sa.column(n, t) for n, t in types.items()))
        .render_derived()
    )
    new = {c: given.c[c] for c in columns}
    return compiled(table.update().values(new).where(table.c.id == given.c.row_id))
