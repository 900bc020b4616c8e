"""Virtual names in SQL: what flow keeps about a record beside its fields: `approval.state`, `approval.approvers` …

In: a row of a statement, the steps of a name. Out: its value. A name that nothing keeps yet is empty.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.query.source import Row
from patron_engine.query.sqltypes import virtual_type
from patron_engine.query.standing import standing_value
from patron_engine.store.tables import TYPES, Id

_APPROVAL: Final = ("state", "step", "approvers", "submitter", "decided_at", "comment")


def virtual_sql(row: Row, steps: tuple[str, ...]) -> sa.ColumnElement[Any]:
    """The value of a virtual name of a row."""
    if steps[0] == "approval" and len(steps) == 2 and steps[1] in _APPROVAL:
        return _approval(row, steps[1])
    kept = standing_value(row, steps)
    return sa.cast(sa.null(), virtual_type(steps)) if kept is None else kept


def _approval(row: Row, name: str) -> sa.ColumnElement[Any]:
    """Of the record's latest approval; a record without one has the state `none`."""
    latest = sa.table(
        "sys__approval", sa.column("object", sa.Text()), sa.column("record", Id()), sa.column("latest", sa.Boolean()),
        sa.column("state", sa.Text()), sa.column("step", sa.Text()), sa.column("approvers", pg.ARRAY(Id())),
        sa.column("submitter", Id()), sa.column("decided_at", TYPES["timestamptz"]), sa.column("comment", sa.Text()),
        schema=row.building.tables.schema,
    ).alias(row.building.alias())  # fmt: skip
    mine = (
        latest.c.record == row.id,
        latest.c.object == sa.literal(row.object.name, sa.Text()),
        latest.c.latest,
    )
    found = sa.select(latest.c[name]).where(*mine).correlate(row.table).scalar_subquery()
    return (
        sa.func.coalesce(found, sa.literal("none", sa.Text()), type_=sa.Text()) if name == "state" else found
    )
