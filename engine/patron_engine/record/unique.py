"""Unique: turns the database's "duplicate key" into a problem at the field, and finds duplicates before they are written.

In: rows about to be written, or psycopg's error. Out: problems that say the value is taken, never by which record. The
partial unique indexes decide; looking first only lets a batch name every duplicate at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NoReturn

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.errors import Conflict, Refused
from patron_engine.model.model import Unique, say
from patron_engine.names import composed
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.record.batch import Batch, RowsRefused
from patron_engine.record.change import Change
from patron_engine.record.identify import lock_values
from patron_engine.record.program import Program
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.store.indexes import unique_columns


def uniques(program: Program) -> tuple[Unique, ...]:
    """Declared unique rules, and one for each field that is `unique: true` and has none of its own."""
    declared = program.object.uniques
    covered = {u.fields for u in declared if u.where is None}
    single = tuple(
        Unique(
            name=f.name,
            fields=(f.name,),
            where=None,
            index=composed(program.object.table, f"{f.columns[0].name}__unique"),
        )
        for f in program.fields.values()
        if f.unique and f.columns and (f.name,) not in covered
    )
    return declared + single


def building(batch: Batch, program: Program) -> frozenset[str]:
    """The unique indexes of an object that a task is still building. Asked until all are there, then never again."""
    rules = uniques(program)
    key = ("unique.ready", program.object.name)
    if not rules or batch.programs.kept.get(key):
        return frozenset()
    names = [rule.index for rule in rules]
    statement: Statement = batch.programs.keep("unique.indexes", _valid_indexes)
    there = {row[0] for row in statement.run(batch.conn, schema=batch.call.schema, names=names)}
    missing = frozenset(names) - there
    if not missing:
        batch.programs.kept[key] = True
    return missing


def _valid_indexes() -> Statement:
    """Which of some indexes of a schema are complete."""
    catalog = "pg_catalog"
    index = sa.table(
        "pg_index", sa.column("indexrelid"), sa.column("indisvalid", sa.Boolean()), schema=catalog
    )
    name = sa.table(
        "pg_class", sa.column("oid"), sa.column("relname"), sa.column("relnamespace"), schema=catalog
    )
    space = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"), schema=catalog)
    rows = index.join(name, name.c.oid == index.c.indexrelid).join(space, space.c.oid == name.c.relnamespace)
    called = sa.cast(name.c.relname, sa.Text())
    here = sa.cast(space.c.nspname, sa.Text()) == sa.bindparam("schema", type_=sa.Text())
    return compiled(
        sa.select(called).select_from(rows).where(here, any_of(called, "names"), index.c.indisvalid)
    )


def look_first(batch: Batch, program: Program, rows: Sequence[Row]) -> None:
    """Problems for values that are taken, in the batch or in the table. While an index is still being built an
    advisory lock on the value stands in for it. One record alone is left to the index."""
    waiting = building(batch, program)
    if len(rows) == 1 and not batch.each and not waiting:
        return
    for rule in uniques(program):
        if any(n not in program.fields or not program.fields[n].columns for n in rule.fields):
            continue
        due = [r for r in rows if not r.rejected and (r.fresh or {*rule.fields, "deleted_at"} & r.changed)]
        keyed = [
            (r, key)
            for r in due
            if (key := _key(program, rule, r)) is not None and _fits(batch, program, rule, r)
        ]
        if not keyed:
            continue
        if rule.index in waiting:
            lock_values(batch, [(program.object.name, rule.name, repr(key)) for _, key in keyed])
        taken = _taken(batch, program, rule, [key for _, key in keyed])
        mine = {r.id for r, _ in keyed}
        seen: dict[tuple[Any, ...], str] = {}
        for row, key in keyed:
            others = taken.get(key, set()) - mine
            first = seen.setdefault(key, row.id)
            if others or first != row.id:
                row.problems.append(_problem(batch, program, rule, row.path))
                row.rejected = True


def _columns(program: Program, rule: Unique) -> tuple[str, ...]:
    """The columns the rule's index compares."""
    return tuple(c for n in rule.fields for c in unique_columns(program.fields[n]))


def _key(program: Program, rule: Unique, row: Row) -> tuple[Any, ...] | None:
    """The compared values; None when one is empty: empty is not taken."""
    if any(row.values.get(n) is None for n in rule.fields):
        return None
    written = program.encode(row.values, rule.fields)
    key = tuple(written[c] for c in _columns(program, rule))
    return None if any(v is None for v in key) else tuple(tuple(v) if isinstance(v, list) else v for v in key)


def _fits(batch: Batch, program: Program, rule: Unique, row: Row) -> bool:
    if rule.where is None:
        return True
    batch.environment.fill([row], program.needs(rule.where))
    return bool(program.closure(rule.where)(row.values, batch.environment.context))


def _taken(
    batch: Batch, program: Program, rule: Unique, keys: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], set[str]]:
    """Key -> live records that have it and fit the rule's `where`."""

    def make() -> Statement:
        table = program.table
        columns = [table.c[c] for c in _columns(program, rule)]
        asked = (
            sa.func.unnest(*(sa.bindparam(f"k{i}", type_=pg.ARRAY(c.type)) for i, c in enumerate(columns)))
            .table_valued(*(sa.column(f"k{i}", c.type) for i, c in enumerate(columns)))
            .render_derived()
        )
        same = sa.and_(*(c == asked.c[f"k{i}"] for i, c in enumerate(columns)))
        chosen = sa.select(table.c.id, *columns).select_from(table.join(asked, same))
        return compiled(chosen.where(table.c.deleted_at.is_(None)))

    statement = batch.programs.keep(("unique", program.object.name, rule.name), make)
    given = {f"k{i}": [key[i] for key in keys] for i in range(len(keys[0]))}
    found: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    rows = statement.run(batch.conn, **given)
    fitting = {row[0] for row in rows}
    if rule.where is not None and rows:
        fitting = _fitting(batch, program, rule, sorted(fitting))
    for id, *key in rows:
        if id in fitting:
            found[tuple(key)].add(id)
    return found


def _fitting(batch: Batch, program: Program, rule: Unique, ids: Sequence[str]) -> set[str]:
    assert rule.where is not None
    images = {image["id"]: image for image in map(program.decode, program.peek.run(batch.conn, list(ids)))}
    holds = program.closure(rule.where)
    return {id for id, image in images.items() if holds(image, batch.environment.context)}


def _problem(batch: Batch, program: Program, rule: Unique, path: str) -> Problem:
    labels = [batch.label(program.fields[n]) for n in rule.fields]
    message = say(rule.message, batch.call.actor.languages) or Phrase(
        "{labels}: this value is taken", labels=labels
    )
    return Problem(code="taken", message=message, path=f"{path}{rule.fields[0]}", rule=rule.name)


def collided(batch: Batch, changes: Sequence[Change], error: psycopg.errors.UniqueViolation) -> NoReturn:
    """Another save had the value first. An upsert is repeated: it will find that record."""
    if any(change.action == "upsert" for change in changes):
        raise Conflict(
            "another save made the same record at this moment", code="raced", hint="try again"
        ) from error
    problem = _meant(batch, error)
    if problem is None:
        raise error
    raise RowsRefused({}, Refused([problem])) from error


def _meant(batch: Batch, error: psycopg.errors.UniqueViolation) -> Problem | None:
    """The problem a violated index means; None when it is no unique rule of a definition."""
    index, table = error.diag.constraint_name or "", error.diag.table_name or ""
    for object in batch.model.objects.values():
        if object.table != table:
            continue
        program = batch.programs[object.name]
        rows = [r for r in batch.every() if r.object == object.name]
        for rule in uniques(program):
            if rule.index == index:
                return _problem(batch, program, rule, rows[0].path if len(rows) == 1 else "")
        return Problem(
            code="taken",
            message=Phrase("{object}: a value is taken already", object=batch.object_label(object.name)),
        )
    return None
