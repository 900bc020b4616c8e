"""Climb: from records to those they point at, to those that point at them, and up a tree. Queries by id, nothing else.

In: ids and one step (a link). Out: ids.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from patron_engine.record.batch import Batch
from patron_engine.record.feeds import Hop
from patron_engine.record.statements import Statement, any_of, compiled


def above(batch: Batch, hop: Hop, ids: Iterable[str]) -> list[str]:
    """The records that `ids` of the hop's object point at."""

    def make() -> Statement:
        program = batch.programs[hop.object]
        if hop.link.link.many:
            table = batch.call.tables.link(hop.link)
            return compiled(sa.select(table.c.target).where(any_of(table.c.record)).distinct())
        column = program.table.c[hop.link.column.name]
        chosen = sa.select(column).where(any_of(program.table.c.id), column.is_not(None)).distinct()
        if hop.link.link.several:
            kind = program.table.c[hop.link.part("object").name]
            chosen = chosen.where(kind == sa.literal(hop.target, sa.Text()))
        return compiled(chosen)

    statement = batch.programs.keep(("touch.above", hop.object, hop.link.name, hop.target), make)
    return [row[0] for row in statement.run(batch.conn, ids=sorted(ids))]


def below(batch: Batch, hop: Hop, ids: Iterable[str]) -> list[str]:
    """The records of the hop's object that point at one of `ids`."""
    key = ("touch.below", hop.object, hop.link.name, hop.target)
    statement = batch.programs.keep(key, lambda: compiled(_below(batch, hop)))
    return [row[0] for row in statement.run(batch.conn, ids=sorted(ids))]


def kept_below(batch: Batch, hop: Hop, ids: Iterable[str]) -> list[str]:
    """The same, locked against changes: who is just being moved away is waited for and is not among them."""

    def make() -> Statement:
        return compiled(_below(batch, hop).order_by("id").with_for_update(read=True))

    statement = batch.programs.keep(("touch.kept_below", hop.object, hop.link.name, hop.target), make)
    return [row[0] for row in statement.run(batch.conn, ids=sorted(ids))]


def _below(batch: Batch, hop: Hop) -> sa.Select[tuple[str]]:
    program = batch.programs[hop.object]
    table, column = program.table, program.table.c[hop.link.column.name]
    chosen = sa.select(table.c.id).where(any_of(column), table.c.deleted_at.is_(None))
    if hop.link.link.several:
        kind = table.c[hop.link.part("object").name]
        chosen = chosen.where(kind == sa.literal(hop.target, sa.Text()))
    return chosen


def upwards(batch: Batch, object: str, tree: str, ids: Iterable[str]) -> set[str]:
    """The records and everything above them in their tree."""

    def make() -> Statement:
        program = batch.programs[object]
        table, column = program.table, program.table.c[program.fields[tree].column.name]
        up = sa.select(table.c.id, column.label("parent")).where(any_of(table.c.id)).cte("up", recursive=True)
        up = up.union(sa.select(table.c.id, column).where(table.c.id == up.c.parent))
        return compiled(sa.select(up.c.id))

    statement = batch.programs.keep(("touch.tree", object, tree), make)
    wanted = sorted(ids)
    return {row[0] for row in statement.run(batch.conn, ids=wanted)} if wanted else set()
