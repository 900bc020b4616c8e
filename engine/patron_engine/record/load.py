"""Load: the records of a level as they are, locked, read under the caller's row rule.

In: rows with ids. Out: `old` and `values` filled, versions compared, rights judged on the row before the change. What is
not there and what may not be known get the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from patron_engine.access.decide import Action, Decision, Deny, When, after_rule, row_rule
from patron_engine.errors import StaleVersion
from patron_engine.expr.nodes import Expression
from patron_engine.fields.registry import type_of
from patron_engine.record.batch import Batch, by_object
from patron_engine.record.layout import Layout
from patron_engine.record.plan import not_found
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn, Statement, any_of, compiled, ids_text

RIGHT: dict[str, Action] = {
    "create": "create", "update": "update", "delete": "delete", "restore": "restore", "void": "void",
    "unvoid": "void", "purge": "purge",
}  # fmt: skip

HANDING = frozenset({"owner", "department", "queue"})  # what says whose a record is


def load_rows(batch: Batch, rows: Sequence[Row], *, deleted: bool = False, seize: bool = False) -> None:
    """Locks and reads the rows that exist already. `deleted` asks for records in the recycle bin instead of live
    ones; `seize` also keeps new links to them away."""
    for program, mine in by_object(r for r in rows if not r.rejected and not r.fresh):
        _masters_first(batch, program, [r.id for r in mine if r.master is None])
        found = read_images(
            batch, batch.conn, program, [r.id for r in mine], program.seize if seize else program.load
        )
        for row in mine:
            image = found.get(row.id)
            if image is None or (image.get("deleted_at") is not None) is not deleted:
                not_found(batch, row, row.id)
                continue
            if row.master is not None and image.get(program.object.master or "") != row.master.id:
                not_found(batch, row, row.id)
                continue
            accept(batch, row, image)


def _masters_first(batch: Batch, program: Program, ids: Sequence[str]) -> None:
    """A detail saved by itself changes its master too, and is locked after it, as in its master's own save."""
    link = program.object.master
    if link is None or not ids:
        return

    def make() -> Statement:
        master = batch.programs[program.fields[link].link.to[0]].table
        named = sa.select(program.table.c[program.fields[link].column.name]).where(any_of(program.table.c.id))
        chosen = sa.select(master.c.id).where(master.c.id.in_(named)).order_by(master.c.id)
        return compiled(chosen.with_for_update(key_share=True))

    batch.programs.keep(("load.masters", program.object.name), make).run(batch.conn, ids=sorted(set(ids)))


def accept(batch: Batch, row: Row, image: dict[str, Any]) -> None:
    """Makes an image read from the database the row's own."""
    row.old = row.seen = image  # nobody changes either
    row.values = {**row.values, **image}
    row.version = image["version"]
    batch.register(row)


def hold(batch: Batch, conn: Conn, program: Program, ids: Iterable[str]) -> None:
    """Locks and reads records that the caller does not save, but that may change with those he does."""
    missing = [id for id in ids if (program.object.name, id) not in batch.found]
    if missing:
        for id, image in read_images(batch, conn, program, missing, program.load).items():
            row = Row(program, None, id=id, fresh=False)
            row.own = False
            accept(batch, row, image)


def read_images(
    batch: Batch,
    conn: Conn,
    program: Program,
    ids: Sequence[str],
    statement: Statement,
    layout: Layout | None = None,
) -> dict[str, dict[str, Any]]:
    """id -> own values, many links and files included. `layout` is that of the statement where it does not read all."""
    images = map((layout or program.layout).decode, statement.run(conn, ids=ids_text(sorted(set(ids)))))
    found = {image["id"]: image for image in images}
    if found:
        _many_links(batch, conn, program, found)
        _files(batch, conn, program, found)
    return found


def _many_links(batch: Batch, conn: Conn, program: Program, images: dict[str, dict[str, Any]]) -> None:
    for field in program.many:

        def make(field: Any = field) -> Statement:
            table = batch.call.tables.link(field)
            chosen = sa.select(table.c.record, table.c.target).where(any_of(table.c.record))
            return compiled(chosen.order_by(table.c.record, table.c.position))

        statement = batch.programs.keep(("load.many", program.object.name, field.name), make)
        targets: dict[str, list[str]] = defaultdict(list)
        for record, target in statement.run(conn, ids=sorted(images)):
            targets[record].append(target)
        for id, image in images.items():
            image[field.name] = tuple(targets[id]) if id in targets else None


def _files(batch: Batch, conn: Conn, program: Program, images: dict[str, dict[str, Any]]) -> None:
    if not program.files:
        return

    def make() -> Statement:
        table = batch.call.tables.system(
            "sys__file", id="uuid", object="text", record="uuid", field="text", position="bigint",
            created_at="timestamptz", deleted_at="timestamptz",
        )  # fmt: skip
        where = (
            table.c.object == sa.bindparam("object", type_=sa.Text()),
            any_of(table.c.record),
            table.c.deleted_at.is_(None),
        )
        chosen = sa.select(table.c.record, table.c.field, table.c.id).where(*where)
        return compiled(chosen.order_by(table.c.position, table.c.created_at, table.c.id))

    statement = batch.programs.keep("load.files", make)
    kept: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record, field, id in statement.run(conn, object=program.object.name, ids=sorted(images)):
        kept[(record, field)].append(id)
    for id, image in images.items():
        for field_ in program.files:
            found = kept.get((id, field_.name))
            image[field_.name] = tuple(found) if found else None


def compare_versions(batch: Batch, rows: Sequence[Row]) -> None:
    """A caller who has seen another version is told what differs. Called after the values are bound.

    One record: StaleVersion with both values. Several: a problem at each.
    """
    for row in rows:
        seen = row.change.version if row.change is not None else None
        if seen is None or row.fresh or row.rejected or seen == row.version:
            continue
        if len(batch.levels[0]) == 1 and row.master is None:
            raise stale(row)
        row.wrong("stale_version", f"the record has version {row.version} by now, not {seen}", "version")


def stale(row: Row) -> StaleVersion:
    """The error with both values of what the caller wanted to change."""

    differs: dict[str, Any] = {}
    for name in sorted(row.given):
        field = row.program.fields.get(name)
        if field is None or row.values.get(name) == row.old.get(name):
            continue
        kind = type_of(field)
        mine, theirs = row.values.get(name), row.old.get(name)
        differs[name] = {
            "mine": None if mine is None else kind.to_wire(field, mine),
            "theirs": None if theirs is None else kind.to_wire(field, theirs),
        }
    return StaleVersion(
        f"somebody changed the record meanwhile: it has version {row.version} by now",
        hint="look at both values and save again with the new version",
        values={**differs, "version": row.version},
    )


def authorise(batch: Batch, rows: Sequence[Row]) -> None:
    """May he do this to the record as it is? Judged on the locked row."""
    _judge(batch, rows, before=True)


def authorise_after(batch: Batch, rows: Sequence[Row]) -> None:
    """May he still, as the record is now? A change must not carry a record out of one's rights, or into them."""
    _judge(batch, rows, before=False)


def _judge(batch: Batch, rows: Sequence[Row], *, before: bool) -> None:
    judged = [r for r in rows if not r.rejected and not (r.master is not None and r.master.fresh)]  # its master's right
    for program, mine in by_object(judged):
        name = program.object.name
        readable = row_rule(batch.model, batch.call.actor, "read", name)
        actions = sorted({RIGHT[r.action] for r in mine})
        for action in actions:
            acting = [r for r in mine if RIGHT[r.action] == action]
            rule = row_rule(batch.model, batch.call.actor, action, name)
            if isinstance(readable, Deny):
                for row in acting:
                    row.problems.clear()
                    row.wrong(
                        "not_found", f"there is no object {name!r}" if row.fresh else _unknown(batch, row)
                    )
            elif isinstance(rule, Deny):
                for row in acting:
                    row.wrong(
                        "forbidden",
                        f"you may not {action} {batch.object_label(name)}",
                        hint="; ".join(rule.reasons),
                    )
            elif before:
                _fits(batch, acting, readable, unseen=True)
                _fits(batch, [r for r in acting if not r.rejected], rule)
            else:
                _fits_still(batch, acting, action, (readable, rule))


def _fits(batch: Batch, rows: Sequence[Row], rule: Decision, *, unseen: bool = False) -> None:
    """A conditional right is judged on the record as it is, by the same closure rules use. What he may not even see is not
    there for him."""
    if not isinstance(rule, When):
        return
    for row in _beyond(batch, [r for r in rows if not r.fresh], rule.condition):
        if unseen:
            not_found(batch, row, row.id)
        else:
            row.wrong("forbidden", f"you may not do this to this {batch.object_label(row.object)}")


def _fits_still(batch: Batch, rows: Sequence[Row], action: Action, rules: Sequence[Decision]) -> None:
    """The record as it is now. Who hands it to somebody else, and may, need not keep it in sight; what his roles say of
    the record itself holds all the same."""
    handed = [r for r in rows if r in batch.handed]
    kept = [r for r in rows if r not in batch.handed]
    within = (after_rule(batch.model, batch.call.actor, a, r.object) for r in handed[:1] for a in ("read", action))
    for some, judged in ((kept, rules), (handed, tuple(within))):
        for rule in judged:
            if isinstance(rule, When):
                for row in _beyond(batch, [r for r in some if not r.rejected], rule.condition):
                    row.wrong(
                        "forbidden", f"this change would put {batch.object_label(row.object)} beyond your rights"
                    )


def authorise_handing(batch: Batch, rows: Sequence[Row]) -> None:
    """Owner, department and queue are changed by whoever may assign the record as it was; a new one goes to somebody else
    where its maker may assign at all. Called after the values are bound."""
    for program, mine in by_object(r for r in rows if not r.rejected and r.own and r.changed & HANDING):
        moving = [r for r in mine if not r.fresh or r.values.get("owner") not in (None, batch.person)]
        if not moving or "owner" not in program.fields:
            continue
        rule = row_rule(batch.model, batch.call.actor, "assign", program.object.name)
        refused = set(moving) if isinstance(rule, Deny) else set()
        if isinstance(rule, When):
            images = [(r, r.values) for r in moving if not r.fresh]
            for row, _ in images:
                row.values = {**row.old}
            refused = set(_beyond(batch, [r for r, _ in images], rule.condition))
            for row, values in images:
                row.values = values
        for row in moving:
            if row in refused:
                name = min(row.changed & HANDING, key=("owner", "queue", "department").index)
                row.wrong("forbidden", f"you may not assign this {batch.object_label(row.object)}", name)
            else:
                batch.handed.add(row)


def _beyond(batch: Batch, rows: Sequence[Row], condition: Expression) -> list[Row]:
    """The rows that do not fit a condition."""
    if not rows:
        return []
    program = rows[0].program
    batch.environment.fill(rows, program.needs(condition))
    holds = program.closure(condition)
    return [r for r in rows if not holds(program.in_base(r.values), batch.environment.context)]


def _unknown(batch: Batch, row: Row) -> str:
    return f"there is no {batch.object_label(row.object)} {row.id}"
