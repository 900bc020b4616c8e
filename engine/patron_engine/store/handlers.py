"""Handlers: how each kind of task on tables does one piece of its work.

In: a connection and the task's payload and progress. Out: a Chunk. Each piece may run again after a kill at any moment
and does nothing that was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from patron_engine.names import composed
from patron_engine.store import catalog, ddl
from patron_engine.store.carry import convert_batch, filled
from patron_engine.store.conversion import Conversion, find
from patron_engine.store.copy_table import copy_table
from patron_engine.store.facts import duplicates
from patron_engine.store.indexes import object_indexes
from patron_engine.store.locks import acquire, shared
from patron_engine.store.shape import IndexShape
from patron_engine.store.steps import index_of
from patron_engine.store.tasks import Chunk, Handler, Work

Connection = psycopg.Connection[Any]

ORPHANS_AT_ONCE = 5_000
FAILED_KEPT = 100  # rows named in the progress of a conversion


def build_index(conn: Connection, work: Work) -> Chunk:
    """Builds an index beside the writers, under a name that tells its definition, and puts it in place when valid.

    A build that was killed leaves an invalid index; it is dropped first. A unique index over equal rows fails for good
    and lists them.
    """
    want = index_of(work.payload)
    if not _wanted(work, want):
        conn.execute(ddl.drop_index_concurrently(work.schema, building_name(want)))
        return Chunk(progress={"state": "no longer wanted"}, done=True)
    live = catalog.read(conn, work.schema).tables.get(want.table)
    if live is None or live.indexes.get(want.name) == want:
        return Chunk(progress={"state": "active"}, done=True)
    building = building_name(want)
    try:
        with _unlimited(conn):
            there = live.indexes.get(building)
            if there is not None and not there.valid:
                conn.execute(ddl.drop_index_concurrently(work.schema, building))
                there = None
            if there is None:
                conn.execute(ddl.create_index(work.schema, want, name=building, concurrently=True))
    except errors.UniqueViolation:
        return _not_unique(conn, work.schema, want, building)
    _put_in_place(conn, work.schema, want, building)
    return Chunk(progress={"state": "active"}, done=True)


def _not_unique(conn: Connection, schema: str, want: IndexShape, building: str) -> Chunk:
    conn.execute(ddl.drop_index_concurrently(schema, building))
    found = duplicates(conn, schema, want)
    shown = [{"count": d["count"], "ids": d["ids"], "values": [str(v) for v in d["values"]]} for d in found]
    return Chunk(
        progress={"state": "not active", "duplicates": shown},
        failed=f"records are equal under {want.constraint or want.name}: the rule is not active",
    )


@contextmanager
def _unlimited(conn: Connection) -> Iterator[None]:
    """A build waits for old transactions and takes its time; the session's limits are put back afterwards."""
    before = conn.execute(
        "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    ).fetchone()
    assert before is not None
    limits = "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)"
    conn.execute(limits, ("0", "0"))
    try:
        yield
    finally:
        conn.execute(limits, before)


def _put_in_place(conn: Connection, schema: str, want: IndexShape, building: str) -> None:
    with conn.transaction():
        live = catalog.read(conn, schema).tables[want.table]
        if want.name in live.indexes:
            acquire(conn, schema, [want.table])
            conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, want.name)))
        conn.execute(ddl.rename_index(schema, building, want.name))
        conn.execute(ddl.mark_index(schema, want.name, want.mark))


def building_name(want: IndexShape) -> str:
    """The name of an index while it is built; another definition has another one."""
    return composed(want.name, "b" + (want.mark or "")[-8:])


def _wanted(work: Work, want: IndexShape) -> bool:
    """The release in force still has this index."""
    if work.current is None:
        return True
    model = work.current()
    for object in model.objects.values():
        if object.table == want.table:
            return object_indexes(model, object).get(want.name) == want
    return any(
        want.table.startswith(f"{o.table}__") for o in model.objects.values()
    )  # link and access tables


def validate_constraint(conn: Connection, work: Work) -> Chunk:
    """Empties links whose record is gone, a few thousand at a time, then checks one constraint a piece."""
    shared(conn, work.schema)
    table = str(work.payload["table"])
    done = list(work.progress.get("done", []))
    live = catalog.read(conn, work.schema).tables.get(table)
    if live is None:
        return Chunk(progress={"done": done}, done=True)
    for orphan in work.payload.get("orphans", []):
        name = f"orphans of {orphan['column']}"
        if name in done or orphan["column"] not in live.columns:
            continue
        if _empty_orphans(conn, work.schema, table, orphan) < ORPHANS_AT_ONCE:
            done.append(name)
        return Chunk(progress={"done": done})
    for name in work.payload["names"]:
        if name in done or (name not in live.checks and name not in live.foreign_keys):
            continue
        try:
            with conn.transaction():
                conn.execute(ddl.validate(work.schema, table, name))
        except (errors.CheckViolation, errors.ForeignKeyViolation) as error:
            return Chunk(progress={"done": done}, failed=str(error).splitlines()[0])
        return Chunk(progress={"done": [*done, name]})
    return Chunk(progress={"done": done}, done=True)


def _empty_orphans(conn: Connection, schema: str, table: str, orphan: Mapping[str, str]) -> int:
    column = sql.Identifier(orphan["column"])
    return conn.execute(
        sql.SQL(
            "UPDATE {table} SET {column} = NULL WHERE id IN (SELECT r.id FROM {table} r WHERE r.{column} IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM {target} t WHERE t.id = r.{column}) LIMIT {limit})"
        ).format(
            table=sql.Identifier(schema, table),
            column=column,
            target=sql.Identifier(schema, orphan["target"]),
            limit=sql.Literal(ORPHANS_AT_ONCE),
        )
    ).rowcount


def convert_column(conn: Connection, work: Work) -> Chunk:
    """Converts the next rows of a retyped field. Values that cannot become anything are counted and named; they stay
    where they were, aside."""
    shared(conn, work.schema)
    conversion = _conversion(work)
    if conversion is None:
        return Chunk(progress={**work.progress, "stopped": "no longer wanted"}, done=True)
    assert work.model is not None
    zone = (work.current() if work.current else work.model(conversion.to_release)).workspace.zone
    batch = convert_batch(
        conn,
        work.schema,
        conversion,
        after=work.progress.get("after"),
        zone=zone,
        complete=filled(conn, work.schema, conversion),
    )
    failed = [*work.progress.get("failed", []), *batch.failed]
    progress = {
        "after": batch.after,
        "written": work.progress.get("written", 0) + batch.written,
        "failures": work.progress.get("failures", 0) + len(batch.failed),
        "failed": failed[:FAILED_KEPT],
    }
    return Chunk(progress=progress, done=batch.after is None)


def _conversion(work: Work) -> Conversion | None:
    """The conversion, unless a later release put the field elsewhere again."""
    if work.model is None:
        raise LookupError("a conversion needs the models of its releases")
    current = work.current() if work.current else work.model(int(work.payload["to_release"]))
    found = find(work.model(int(work.payload["from_release"])), current, work.payload)
    if found is None:
        return None
    field = next(o for o in current.objects.values() if o.table == found.table).field(found.new.name)
    return found if field is not None and field.columns == found.new.columns else None


def copy(conn: Connection, work: Work) -> Chunk:
    """Copies a table whose column numbers run out. One transaction: a kill leaves the old table as it was."""
    copied = copy_table(conn, work.schema, str(work.payload["table"]))
    return Chunk(progress={"rows": copied}, done=True)


HANDLERS: Final[Mapping[str, Handler]] = {
    "index_build": Handler(run=build_index, outside=True, tables=True),
    "validate_constraint": Handler(run=validate_constraint, tables=True),
    "convert_column": Handler(run=convert_column, tables=True),
    "copy_table": Handler(run=copy, tables=True),
}
