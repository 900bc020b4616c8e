"""Closure: who reports to whom and which department lies in which, at every depth, as rows that queries can join.

In: users and departments whose place changed. Out: `sys__reports` and `sys__department_tree`, itself (depth 0) included.
A few moves are carried out in place; many at once rebuild the table from the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from patron_engine.fields.field import SqlType
from patron_engine.record.batch import Batch
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled
from patron_engine.store.tables import Id

REBUILD_FROM = 20  # moves in one save


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A closure table over the tree a link makes of an object."""

    object: str
    link: str
    table: str
    above: str
    below: str


CLOSURES: Mapping[str, Closure] = {
    "user": Closure(object="user", link="manager", table="sys__reports", above="boss", below="member"),
    "department": Closure(
        object="department", link="parent", table="sys__department_tree", above="ancestor", below="descendant"
    ),
}


def keep_closures(batch: Batch, rows: Sequence[Row]) -> None:
    """Brings the closures up to date for written rows. Cycles were refused before."""
    for closure in CLOSURES.values():
        object = batch.model.objects.get(closure.object)
        if object is None or closure.link not in object.fields:
            continue
        moved = [
            r for r in rows
            if r.object == closure.object and r.written and (r.fresh or closure.link in r.changed)
        ]  # fmt: skip
        if not moved:
            continue
        statements: _Statements = batch.programs.keep(
            ("closure", closure.object), partial(_make, batch, closure)
        )
        if len(moved) >= REBUILD_FROM:
            statements.clear.do(batch.conn)
            statements.fill.do(batch.conn)
            continue
        for row in sorted(moved, key=lambda r: not r.fresh):
            if row.fresh:
                statements.alone.do(batch.conn, id=row.id)
        for row in moved:
            if not row.fresh:
                statements.cut.do(batch.conn, id=row.id)
            if row.values.get(closure.link) is not None:
                statements.hang.do(batch.conn, id=row.id, parent=row.values[closure.link])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statements:
    """alone: a new node; cut: takes a subtree off; hang: puts it below a parent; clear, fill: all of it anew."""

    alone: Statement
    cut: Statement
    hang: Statement
    clear: Statement
    fill: Statement


def _make(batch: Batch, closure: Closure) -> _Statements:
    columns_of: dict[str, SqlType] = {closure.above: "uuid", closure.below: "uuid", "depth": "bigint"}
    table = batch.call.tables.system(closure.table, **columns_of)
    above, below, depth = table.c[closure.above], table.c[closure.below], table.c.depth
    columns = [closure.above, closure.below, "depth"]
    id, parent = sa.bindparam("id", type_=Id()), sa.bindparam("parent", type_=Id())
    under, over = table.alias("under"), table.alias("over")
    subtree = sa.select(under.c[closure.below]).where(under.c[closure.above] == id)
    program = batch.programs[closure.object]
    link = program.table.c[program.fields[closure.link].column.name]
    walk = sa.select(
        program.table.c.id.label("top"),
        program.table.c.id.label("node"),
        sa.literal(0, sa.BigInteger()).label("depth"),
    )
    tree = walk.cte("tree", recursive=True)
    tree = tree.union_all(
        sa.select(tree.c.top, program.table.c.id, tree.c.depth + 1).where(
            link == tree.c.node, tree.c.depth < 1000
        )
    )
    joined = sa.select(over.c[closure.above], under.c[closure.below], over.c.depth + under.c.depth + 1).where(
        over.c[closure.below] == parent, under.c[closure.above] == id
    )
    return _Statements(
        alone=compiled(table.insert().values({closure.above: id, closure.below: id, "depth": 0})),
        cut=compiled(table.delete().where(below.in_(subtree), above.not_in(subtree))),
        hang=compiled(table.insert().from_select(columns, joined)),
        clear=compiled(table.delete().where(depth >= 0)),
        fill=compiled(table.insert().from_select(columns, sa.select(tree.c.top, tree.c.node, tree.c.depth))),
    )


def forget(batch: Batch, object: str, ids: Sequence[str]) -> None:
    """Removes purged records from their closure."""
    closure = CLOSURES.get(object)
    if closure is None:
        return

    def make() -> Statement:
        columns: dict[str, SqlType] = {closure.above: "uuid", closure.below: "uuid"}
        table = batch.call.tables.system(closure.table, **columns)
        id = sa.bindparam("id", type_=Id())
        return compiled(
            table.delete().where(sa.or_(table.c[closure.above] == id, table.c[closure.below] == id))
        )

    statement = batch.programs.keep(("closure.forget", object), make)
    for id in ids:
        statement.do(batch.conn, id=id)
