"""Same currency: details and records tied by a link with `same_currency` make one document, so their amounts add up as
they stand.

In: rows whose links or currency changed. Out: problems. A record in another currency than the one it is tied to is
refused, and a currency stays as it is while other records are tied to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from patron_engine.model.model import LinkSet
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled
from patron_engine.store.tables import Id


def check_same_currency(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Compares each changed row with the records it is tied to, on both sides."""
    if "currency" not in program.fields:
        return
    due = [row for row in rows if not row.rejected]
    for field in program.links:
        target = field.link.to[0]
        if not field.link.document or "currency" not in batch.model.objects[target].fields:
            continue
        asked = [r for r in due if {field.name, "currency"} & r.changed and r.values.get(field.name)]
        ids = {r.values[field.name] for r in asked if r.master is None or not field.link.master}
        found = batch.environment.fetch(target, ids, ["currency"])
        for row in asked:
            above = row.master.values if row.master is not None and field.link.master else None
            theirs = (above or found.get(row.values[field.name], {})).get("currency")
            own = row.values.get("currency")
            if own is None and (row.problems or (row.master is not None and row.master.problems)):
                continue  # what would have filled it was not reached: that is told already
            if theirs is not None and theirs != own:
                row.wrong(
                    "other_currency",
                    Phrase(
                        "{field}: it is in {theirs}, this record in {own}",
                        field=batch.label(field),
                        theirs=theirs,
                        own=own,
                    ),
                    field.name,
                    hint=Phrase("enter the amounts in {theirs}", theirs=theirs),
                )
    tied = [
        s
        for s in program.object.sets.values()
        if s.document and "currency" in batch.model.objects[s.object].fields
    ]
    for row in due:
        if row.fresh or "currency" not in row.changed:
            continue
        for link_set in tied:
            if _points_here(batch, link_set).run(batch.conn, id=row.id):
                label = batch.label(program.fields["currency"])
                row.wrong(
                    "currency_in_use",
                    Phrase(
                        "{label}: other records in {value} belong to this one",
                        label=label,
                        value=row.old.get("currency"),
                    ),
                    "currency",
                    hint=Phrase("take them away first ({link_set})", link_set=link_set.name),
                )
                break


def _points_here(batch: Batch, link_set: LinkSet) -> Statement:
    child = batch.programs[link_set.object]

    def make() -> Statement:
        table = child.table
        link = table.c[child.fields[link_set.field].column.name]
        mine = link == sa.bindparam("id", type_=Id())
        return compiled(sa.select(sa.literal(1)).where(mine, table.c.deleted_at.is_(None)).limit(1))

    found: Statement = batch.programs.keep(("same_currency", link_set.object, link_set.field), make)
    return found
