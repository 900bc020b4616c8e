"""Targets: may the record point there? Every changed link at a live record the caller may see, under the lookup's own
condition, and no record below itself.

In: rows whose links are ids. Out: problems. Targets are locked against deletion (FOR KEY SHARE) until the save ends. What
is not there and what may not be known get the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import Deny, When, row_rule
from patron_engine.fields.field import Field
from patron_engine.query.values import fetch_values
from patron_engine.record.batch import Batch
from patron_engine.record.closure import CLOSURES
from patron_engine.record.links import linked
from patron_engine.record.needs import candidate_paths, this_needs
from patron_engine.record.plan import lock_values
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled, ids_text, together


def check_targets(batch: Batch, rows: Sequence[Row]) -> None:
    """Every changed link points at a live record the caller may see; targets stay until the save ends."""
    pointing: dict[str, dict[str, list[tuple[Row, Field]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.rejected or not row.changed:
            continue
        changed = row.changed
        for name, field in row.program.links_by_name:
            if name not in changed:
                continue
            value = row.values.get(name)
            if value is None:
                continue
            before = () if row.fresh else set(linked(row.old.get(name), field))
            for object, id in linked(value, field):
                if (object, id) not in before and not _trusted(batch, row, field, object, id):
                    pointing[object][id].append((row, field))
    if not pointing:
        return
    objects = sorted(pointing)
    asked = [
        (_keep_targets(batch, batch.programs[o]), {"ids": ids_text(sorted(pointing[o]))}) for o in objects
    ]
    for object, alive in zip(objects, together(batch.conn, asked), strict=True):
        living = {row[0] for row in alive} | {
            r.id for r in batch.every() if r.object == object and r.fresh and not r.rejected
        }
        living = _visible(batch, object, living)
        for id, places in pointing[object].items():
            if id in living:
                continue
            for row, field in places:
                row.wrong("link_not_found", f"{batch.label(field)}: there is no {object} {id}", field.name)


def _trusted(batch: Batch, row: Row, field: Field, object: str, id: str) -> bool:
    """A detail's master is locked already; who creates is a user."""
    if row.master is not None and field.name == row.program.object.master:
        return True
    return field.system and field.name in ("created_by", "updated_by") and id == batch.person


def _visible(batch: Batch, object: str, ids: set[str]) -> set[str]:
    rule = row_rule(batch.model, batch.call.actor, "read", object)
    if isinstance(rule, Deny):
        return set()
    if isinstance(rule, When):
        holds = batch.programs[object].closure(rule.condition)
        paths = sorted(rule.condition.paths)
        found = fetch_values(batch.conn, batch.call, object, sorted(ids), paths, rule.condition.aggregates)
        return {i for i in ids if i in found and holds(found[i], batch.environment.context)}
    return ids


def _keep_targets(batch: Batch, program: Program) -> Statement:
    def make() -> Statement:
        table = program.table
        chosen = sa.select(table.c.id).where(any_of(table.c.id), table.c.deleted_at.is_(None))
        return compiled(chosen.order_by(table.c.id).with_for_update(read=True, key_share=True))

    found: Statement = batch.programs.keep(("links.keep", program.object.name), make)
    return found


def check_conditions(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """A lookup's `where` holds: on creation, and when the link or something of the record's own it names changes."""
    for field in program.links:
        where = field.link.where
        if where is None:
            continue
        needs = batch.programs.keep(
            ("links.where", program.object.name, field.name),
            partial(this_needs, program.model, program.object, where),
        )
        asked = [
            r for r in rows
            if not r.rejected and r.values.get(field.name) is not None
            and (field.name in r.changed or (not r.fresh and needs.reads & r.changed))
        ]  # fmt: skip
        if asked:
            _check_condition(batch, program, field, where, needs, asked)


def _check_condition(
    batch: Batch, program: Program, field: Field, where: Any, needs: Any, rows: Sequence[Row]
) -> None:
    environment = batch.environment
    environment.fill(rows, needs)
    holds = program.closure(where)
    paths = candidate_paths(where)
    level = "warning" if batch.conditions_warn else "error"
    targets: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for object, id in linked(row.values[field.name], field):
            targets[object].add(id)
    values = {o: _candidate_values(batch, o, ids, paths, where.aggregates) for o, ids in targets.items()}
    for row in rows:
        own = {path: row.values.get(path) for path in where.paths if path.partition(".")[0] in ("this", "me")}
        for object, id in linked(row.values[field.name], field):
            if not holds({**values[object].get(id, {}), **own}, environment.context):
                row.wrong(
                    "link_not_allowed",
                    f"{batch.label(field)}: this {batch.object_label(object)} cannot be chosen here",
                    field.name, level=level, rule=f"{field.name}_where",
                )  # fmt: skip


def _candidate_values(
    batch: Batch, object: str, ids: set[str], paths: Sequence[str], aggregates: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    if not paths and not aggregates:
        return {i: {} for i in ids}
    return dict(fetch_values(batch.conn, batch.call, object, sorted(ids), paths, aggregates))


def check_trees(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """A record cannot stand below itself."""
    for field in program.links:
        closure = CLOSURES.get(program.object.name)
        if not field.link.tree and not (closure is not None and closure.link == field.name):
            continue
        moved = {
            r.id: r for r in rows if not r.rejected and field.name in r.changed and r.values.get(field.name)
        }
        if not moved:
            continue
        parents = {id: row.values[field.name] for id, row in moved.items()}
        parents = {**_ancestors(batch, program, field, set(parents.values())), **parents}
        for id, row in moved.items():
            seen, here = {id}, parents[id]
            while here is not None and here not in seen:
                seen.add(here)
                here = parents.get(here)
            if here == id:
                row.wrong(
                    "tree_cycle", f"{batch.label(field)}: a record cannot stand below itself", field.name
                )


def _ancestors(batch: Batch, program: Program, field: Field, ids: set[str]) -> dict[str, str | None]:
    """record -> its parent, for the records named and everything above them."""

    def make() -> Statement:
        table, column = program.table, program.table.c[field.column.name]
        up = sa.select(table.c.id, column.label("parent")).where(any_of(table.c.id)).cte("up", recursive=True)
        up = up.union(sa.select(table.c.id, column).where(table.c.id == up.c.parent))
        return compiled(sa.select(up.c.id, up.c.parent))

    lock = batch.programs.keep(("links.tree", program.object.name, field.name), make)
    _one_mover(batch, program, field)
    return dict(lock.run(batch.conn, ids=sorted(ids)))


def _one_mover(batch: Batch, program: Program, field: Field) -> None:
    """Two moves in one tree come one after the other: else each could hang below the other."""
    lock_values(batch, [(program.object.name, field.name, "tree")])
