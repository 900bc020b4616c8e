"""Numbers: auto numbers, counted in rows of `sys__number` inside the transaction of the save.

In: new rows that passed their checks. Out: numbers put. The counter's row is locked until the save ends, so no number
is given twice, and one that was given to a save that is undone is given again. A block is taken for a whole batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.field import AutoNumber, Field
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled

LAST_NUMBER = 2**63 - 1
_DATES = {
    "YYYY": "%Y",
    "YY": "%y",
    "MM": "%m",
    "DD": "%d",
    "YYYYMM": "%Y%m",
    "YYYYMMDD": "%Y%m%d",
    "YYMM": "%y%m",
}


def number(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Gives every new row of the object its numbers, in the order of the request. A detail that comes to another master
    gets one of that master's; the others it keeps."""
    for field, needs in program.numbers:
        by_master = _spec(field).reset == "master"
        mine = [row for row in rows if not row.rejected and (row.fresh or (by_master and moved(row)))]
        batch.environment.fill(mine, needs)
        scopes: dict[str, list[Row]] = defaultdict(list)
        for row in mine:
            scopes[_scope(batch, program, field, row)].append(row)
        for scope in sorted(scopes):
            _take(batch, program, field, scope, scopes[scope])


def moved(row: Row) -> bool:
    """A detail that was another master's before."""
    return not row.fresh and row.program.object.master in row.changed


def _take(batch: Batch, program: Program, field: Field, scope: str, rows: Sequence[Row]) -> None:
    statement = batch.programs.keep("numbers", lambda: _counter(batch))
    last = statement.run(
        batch.conn, object=program.object.name, field=field.name, scope=scope, many=len(rows)
    )[0][0]  # fmt: skip
    for row, counted in zip(rows, range(last - len(rows) + 1, last + 1), strict=True):
        row.put(field.name, _text(batch, field, counted, row))


def _counter(batch: Batch) -> Statement:
    table = batch.call.tables.system("sys__number", object="text", field="text", scope="text", last="bigint")
    many = sa.bindparam("many", type_=sa.BigInteger())
    new = pg.insert(table).values(
        object=sa.bindparam("object", type_=sa.Text()),
        field=sa.bindparam("field", type_=sa.Text()),
        scope=sa.bindparam("scope", type_=sa.Text()),
        last=many,
    )
    again = new.on_conflict_do_update(
        index_elements=[table.c.object, table.c.field, table.c.scope], set_={"last": table.c.last + many}
    )
    return compiled(again.returning(table.c.last))


def _spec(field: Field) -> AutoNumber:
    assert isinstance(field.spec, AutoNumber)
    return field.spec


def _scope(batch: Batch, program: Program, field: Field, row: Row) -> str:
    """What a counter begins anew for."""
    reset, today = _spec(field).reset, batch.call.today
    if reset == "master":
        value = row.values.get(program.object.master or "")
        return str(value["id"] if isinstance(value, dict) else value)
    return {"never": "", "day": today.isoformat(), "month": f"{today:%Y-%m}", "year": f"{today.year}"}[reset]


def _text(batch: Batch, field: Field, counted: int, row: Row) -> str:
    return "".join(
        _part(batch.call.today, kind, part, counted, row.values) for kind, part in _spec(field).parts
    )


def _part(today: date, kind: str, part: str, counted: int, values: dict[str, Any]) -> str:
    if kind == "text":
        return part
    if kind == "date":
        return today.strftime(_DATES[part])
    if kind == "counter":
        return str(counted).zfill(len(part))
    value = values.get(part)
    return "" if value is None else str(value)
