"""External ids: which record of ours is which record elsewhere. One (object, source, id) names one record.

In: rows whose change carries external ids. Out: rows of `sys__external_id`; a problem where the id names another record.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.identify import EXTERNAL, MAX_SOURCE, external_fault
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

COLUMNS = ("object", "source", "external_id", "record")


def write_external_ids(batch: Batch, rows: Sequence[Row]) -> None:
    """Keeps the external ids given with the changes. Waits for another save that gives the same id."""
    wanted: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        for source, value in _given(row):
            fault = external_fault(source, value)
            if fault is not None:
                row.wrong(fault.code, fault.message, f"{EXTERNAL}{source[:MAX_SOURCE]}", hint=fault.hint)
                continue
            key = (row.object, source, value)
            first = wanted.setdefault(key, row)
            if first is not row:
                _taken(row, source, value)
    if not wanted:
        return
    statement = batch.programs.keep("external", lambda: _insert(batch))
    keys = sorted(wanted)
    columns = {
        "objects": [k[0] for k in keys], "sources": [k[1] for k in keys], "values": [k[2] for k in keys],
        "records": [wanted[k].id for k in keys],
    }  # fmt: skip
    for object, source, value, record in statement.run(batch.conn, **columns):
        row = wanted[(object, source, value)]
        if record != row.id:
            _taken(row, source, value)


def _given(row: Row) -> list[tuple[str, str]]:
    if row.change is None or not (row.change.external_ids or row.change.by):
        return []
    found = [(source, str(value)) for source, value in row.change.external_ids.items()]
    by = row.change.by
    if by is not None and by[0].startswith(EXTERNAL) and row.fresh:
        found.append((by[0][len(EXTERNAL) :], str(by[1])))
    return list(dict.fromkeys(found))


def _taken(row: Row, source: str, value: str) -> None:
    row.wrong(
        "taken",
        Phrase("the external id {value!r} of {source} belongs to another record", value=value, source=source),
        f"external_ids.{source}",
    )


def _insert(batch: Batch) -> Statement:
    """Inserts, or says which record has the id. An id whose record was purged or is in the bin passes on."""
    table = batch.call.tables.system(
        "sys__external_id", object="text", source="text", external_id="text", record="uuid"
    )
    names = ("objects", "sources", "values", "records")
    given = (
        sa.func.unnest(
            *(sa.bindparam(n, type_=pg.ARRAY(c.type)) for n, c in zip(names, table.columns, strict=True))
        )
        .table_valued(*(sa.column(c.name, c.type) for c in table.columns))
        .render_derived()
    )
    new = pg.insert(table).from_select(list(COLUMNS), sa.select(*(given.c[c] for c in COLUMNS)))
    kept = new.on_conflict_do_update(
        index_elements=[table.c.object, table.c.source, table.c.external_id], set_={"record": table.c.record}
    )
    return compiled(kept.returning(*(table.c[c] for c in COLUMNS)))


def forget(batch: Batch, object: str, ids: Sequence[str]) -> None:
    """Frees the external ids of purged records."""

    def make() -> Statement:
        table = batch.call.tables.system("sys__external_id", object="text", record="uuid")
        return compiled(
            table.delete().where(
                table.c.object == sa.bindparam("object", type_=sa.Text()), any_of(table.c.record)
            )
        )

    batch.programs.keep("external.forget", make).do(batch.conn, object=object, ids=list(ids))
