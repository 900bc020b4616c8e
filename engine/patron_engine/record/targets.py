"""Targets: may the record point there? Every changed link at a live record the caller may see, under the lookup's own
condition, and no record below itself.

In: rows whose links are ids. Out: problems. Targets are locked against deletion until the save ends, and against any change
where something of them is kept here (record/held). What is not there and what may not be known get the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import Deny, When, row_rule
from patron_engine.fields.field import Field
from patron_engine.phrases import Phrase
from patron_engine.query.values import fetch_values
from patron_engine.record import held
from patron_engine.record.batch import Batch
from patron_engine.record.closure import CLOSURES
from patron_engine.record.feeds import counted_over
from patron_engine.record.links import linked
from patron_engine.record.load import hold
from patron_engine.record.needs import candidate_paths, this_needs
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled, together
from patron_engine.record.trees import moving

Place = tuple[Row, Field]
Pointing = dict[str, list[Place]]  # id of a target -> who points there, by which link


def check_targets(batch: Batch, rows: Sequence[Row]) -> None:
    """Every changed link points at a live record the caller may see; targets stay until the save ends. Of refused records too: what
    is told of them next is read through their links."""
    pointing: dict[str, Pointing] = defaultdict(lambda: defaultdict(list))
    trusted: dict[str, Pointing] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row.changed:
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
                if (object, id) in before:
                    continue
                if not _trusted(batch, row, field, object, id):
                    pointing[object][id].append((row, field))
                elif held.strength(batch.programs, row.object, [name], object) != "stays":
                    trusted[object][id].append((row, field))
    _hold_onward(batch, trusted)
    for object, living in _living(batch, pointing).items():
        seen = _visible(batch, object, living)
        for id, places in pointing[object].items():
            if id in seen:
                continue
            for row, field in places:
                if id in living and _follows(row, field):
                    continue
                row.wrong(
                    "link_not_found",
                    Phrase(
                        "{field}: there is no {object} {id}", field=batch.label(field), object=object, id=id
                    ),
                    field.name,
                )


def _living(batch: Batch, pointing: dict[str, Pointing]) -> dict[str, set[str]]:
    """Object -> the targets that live, locked until the save ends, and the records this save makes itself."""
    parent = _parent_of_one(batch, pointing)
    found: dict[str, set[str]] = {object: set() for object in sorted(pointing)}
    rest = {object: sorted(id for id in pointing[object] if (object, id) != parent) for object in found}
    asked = [(object, ids) for object, ids in rest.items() if ids]
    statements = [
        held.lock(batch.programs, batch.programs[o], _strength(batch, o, pointing[o])).about(ids)
        for o, ids in asked
    ]
    for (object, _), rows in zip(asked, together(batch.conn, statements), strict=True):
        made = {r.id for r in batch.every() if r.object == object and r.fresh and not r.rejected}
        found[object] |= {row[0] for row in rows} | made
    if parent is not None:
        object, id = parent
        hold(batch, batch.conn, batch.programs[object], [id])
        row = batch.found.get(parent)
        found[object] |= {id} if row is not None and row.values.get("deleted_at") is None else set()
    _hold_onward(batch, pointing)
    return found


def _parent_of_one(batch: Batch, pointing: dict[str, Pointing]) -> tuple[str, str] | None:
    """The one target of one new record that will count it: locked once, as its figures need it.

    Everybody locks other targets, then counters of numbers, then parents from child to ancestor; whoever took a parent
    earlier than that would be waited for by whom he waits for. So not with numbers, not of several parents, and last."""
    every = batch.every()
    if len(every) != 1 or not every[0].fresh or every[0].program.numbers:
        return None
    counted = counted_over(batch.programs, every[0].object)
    parents = [
        (object, id)
        for object, places in pointing.items()
        for id, named in places.items()
        if any(field.name in counted for _, field in named)
    ]
    return parents[0] if len(parents) == 1 else None


def _trusted(batch: Batch, row: Row, field: Field, object: str, id: str) -> bool:
    """A detail's master is locked already; who saves is a user, what he makes is his, and nothing of him is kept here."""
    if row.master is not None and field.name == row.program.object.master:
        return True
    if not field.system or field.name not in ("created_by", "updated_by", "owner") or id != batch.person:
        return False
    return held.strength(batch.programs, row.object, [field.name], object) == "stays"


def _follows(row: Row, field: Field) -> bool:
    """The owner's department comes with the owner (record/derive): nobody chose it, whoever may see it."""
    return field.name == "department" and "department" not in row.given and row.program.object.owner == "user"


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


def _strength(batch: Batch, target: str, pointing: Pointing) -> held.Strength:
    """The strongest lock that any of the links asks for."""
    found: set[held.Strength] = {
        held.strength(batch.programs, object, links, target) for object, links in _links_of(pointing).items()
    }
    return "own" if "own" in found else "same" if "same" in found else "stays"


def _links_of(pointing: Pointing) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for places in pointing.values():
        for row, field in places:
            found[row.object].add(field.name)
    return found


def _hold_onward(batch: Batch, pointing: dict[str, Pointing]) -> None:
    """What is read through the new targets; what was read of them before they were locked is read again."""
    known = held.through(batch.programs)
    for target, places in pointing.items():
        through: dict[tuple[str, str], set[str]] = defaultdict(set)
        for id, rows in places.items():
            for row, field in rows:
                if (row.object, field.name, target) in known:
                    through[(row.object, field.name)].add(id)
        for (object, link), ids in through.items():
            held.hold_onward(batch, object, link, target, sorted(ids))
        if through:
            batch.environment.forget()


def hold_targets(batch: Batch, rows: Sequence[Row]) -> None:
    """Locks everything that is read through the links of records that come back, as if they were new."""
    pointing: dict[str, Pointing] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for field in row.program.links:
            for object, id in linked(row.values.get(field.name), field):
                if held.strength(batch.programs, row.object, [field.name], object) != "stays":
                    pointing[object][id].append((row, field))
    for object in sorted(pointing):
        how = _strength(batch, object, pointing[object])
        held.lock(batch.programs, batch.programs[object], how).run(batch.conn, sorted(pointing[object]))
    _hold_onward(batch, pointing)


def check_conditions(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """A lookup's `where` holds: on creation, and when the link or something of the record's own it names changes."""
    for field, where in program.conditional:
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
                    Phrase("{field}: this {object} cannot be chosen here", field=batch.label(field), object=batch.object_label(object)),
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
        changed = [r for r in rows if not r.rejected and field.name in r.changed]
        if not changed:
            continue
        moving(batch, program.object.name, field.name)
        moved = {r.id: r for r in changed if r.values.get(field.name)}
        parents = {id: row.values[field.name] for id, row in moved.items()}
        parents = {**_ancestors(batch, program, field, set(parents.values())), **parents}
        for id, row in moved.items():
            seen, here = {id}, parents[id]
            while here is not None and here not in seen:
                seen.add(here)
                here = parents.get(here)
            if here == id:
                row.wrong(
                    "tree_cycle",
                    Phrase("{field}: a record cannot stand below itself", field=batch.label(field)),
                    field.name,
                )


def _ancestors(batch: Batch, program: Program, field: Field, ids: set[str]) -> dict[str, str | None]:
    """record -> its parent, for the records named and everything above them."""

    def make() -> Statement:
        table, column = program.table, program.table.c[field.column.name]
        up = sa.select(table.c.id, column.label("parent")).where(any_of(table.c.id)).cte("up", recursive=True)
        up = up.union(sa.select(table.c.id, column).where(table.c.id == up.c.parent))
        return compiled(sa.select(up.c.id, up.c.parent))

    up = batch.programs.keep(("links.tree", program.object.name, field.name), make)
    return dict(up.run(batch.conn, ids=sorted(ids)))
