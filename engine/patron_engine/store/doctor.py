"""Doctor: where the live tables differ from what the release in force says.

In: a connection, a model, the columns known. Out: Problems that name table, column or index and say what to do. Changes
nothing, and looks at rows only where asked (`orphans`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.model.model import Model
from patron_engine.model.physical import PhysicalColumn
from patron_engine.problems import Problem, Problems
from patron_engine.store import catalog, tasks
from patron_engine.store.desired import desired, tables_aside
from patron_engine.store.plan import COLUMN_NUMBERS, COPY_FROM
from patron_engine.store.shape import SchemaShape, TableShape

Connection = psycopg.Connection[Any]

REPAIR = "plan and publish again, the plan puts it right"
LEAVE = "if nothing needs it, drop it by hand"


def drift(
    conn: Connection, model: Model, schema: str, columns: Iterable[PhysicalColumn] = ()
) -> list[Problem]:
    """Missing and stray tables, columns, indexes and constraints, invalid indexes, column numbers, tasks that failed.

    columns  the rows of sys__column, those aside included
    """
    known = tuple(columns)
    want = desired(model, schema, known)
    live = catalog.read(conn, schema)
    pending = {
        str(t.payload.get("name"))
        for t in tasks.listed(conn, schema)
        if t.kind == "index_build" and t.state != "failed"
    }
    found = Problems()
    found.extend(_tables(want, live, tables_aside(known)))
    for name, table in want.tables.items():
        if name in live.tables:
            found.extend(_columns(table, live.tables[name]))
            found.extend(_indexes(table, live.tables[name], pending))
            found.extend(_constraints(table, live.tables[name]))
    found.extend(_registry(model, known, live))
    found.extend(_tasks(conn, schema))
    return list(found)


def orphans(conn: Connection, model: Model, schema: str) -> list[Problem]:
    """Links whose record is not there at all. Looks at every row of every link."""
    live = catalog.read(conn, schema)
    found = Problems()
    for table in desired(model, schema).tables.values():
        there = live.tables.get(table.name)
        for key in table.foreign_keys.values():
            if there is None or key.column not in there.columns or key.target not in live.tables:
                continue
            row = conn.execute(
                sql.SQL(
                    "SELECT count(*) FROM {} r WHERE r.{c} IS NOT NULL"
                    " AND NOT EXISTS (SELECT FROM {} t WHERE t.id = r.{c})"
                ).format(
                    sql.Identifier(schema, table.name),
                    sql.Identifier(schema, key.target),
                    c=sql.Identifier(key.column),
                )
            ).fetchone()
            if row is not None and row[0]:
                found.add(
                    "drift_orphan_rows",
                    f"{row[0]} rows of {table.name} point by {key.column} at records of {key.target} that are gone",
                    path=f"{table.name}.{key.column}",
                    hint="empty these links",
                )
    return list(found)


def _tables(want: SchemaShape, live: SchemaShape, aside: frozenset[str]) -> Iterator[Problem]:
    for name in want.tables.keys() - live.tables.keys():
        yield Problem(code="drift_table_missing", message=f"table {name} is missing", path=name, hint=REPAIR)
    for name in live.tables.keys() - want.tables.keys():
        if name in aside or any(name.startswith(f"{t}__") for t in aside | want.tables.keys()):
            continue
        yield Problem(
            code="drift_table_stray",
            message=f"table {name} belongs to no object",
            path=name,
            hint=LEAVE,
            level="warning",
        )


def _columns(want: TableShape, have: TableShape) -> Iterator[Problem]:
    for column in want.columns.values():
        found = have.columns.get(column.name)
        place = f"{want.name}.{column.name}"
        if found is None:
            hint = "its data is gone" if column.aside else REPAIR
            yield Problem(
                code="drift_column_missing", message=f"column {place} is missing", path=place, hint=hint
            )
        elif found.sql != column.sql:
            message = f"column {place} is {found.sql} and should be {column.sql}"
            yield Problem(
                code="drift_column_type", message=message, path=place, hint="restore the table from a backup"
            )
        elif found.nullable != column.nullable:
            said = "may be empty and must not" if found.nullable else "must not be empty and may"
            yield Problem(
                code="drift_column_null", message=f"column {place} {said}", path=place, level="warning"
            )
    for name in have.columns.keys() - want.columns.keys():
        yield Problem(
            code="drift_column_stray",
            message=f"column {want.name}.{name} belongs to no field",
            path=f"{want.name}.{name}",
            hint=LEAVE,
            level="warning",
        )
    if have.used > COPY_FROM:
        yield Problem(
            code="column_numbers",
            message=f"{want.name} has used up {have.used} of {COLUMN_NUMBERS} column numbers",
            path=want.name,
            hint="the next publication copies the table",
            level="warning",
        )


def _indexes(want: TableShape, have: TableShape, pending: set[str]) -> Iterator[Problem]:
    for name, index in want.indexes.items():
        found = have.indexes.get(name)
        if found == index or (name in pending and (found is None or not found.valid)):
            continue
        what = "unique rule" if index.unique else "index"
        if found is None:
            code, said = "drift_index_missing", "is missing"
        elif not found.valid:
            code, said = "drift_index_invalid", "was left invalid by a build that was interrupted"
        else:
            code, said = "drift_index_differs", "is not the one that was defined"
        message = f"{what} {name} on {want.name} {said}" + (
            "; the rule is not active" if index.unique else ""
        )
        yield Problem(code=code, message=message, path=f"{want.name}.{name}", hint=REPAIR)
    for name in have.indexes.keys() - want.indexes.keys():
        index = have.indexes[name]
        if index.valid and index.mark is None:
            yield Problem(
                code="drift_index_stray",
                message=f"index {name} on {want.name} was made by hand",
                path=f"{want.name}.{name}",
                level="info",
            )
        elif not index.valid and name not in pending and not pending:
            yield Problem(
                code="drift_index_invalid",
                message=f"index {name} on {want.name} was left invalid by a build that was interrupted",
                path=f"{want.name}.{name}",
                hint=LEAVE,
                level="warning",
            )
        elif index.valid:
            message = f"index {name} on {want.name} is wanted by nothing any more"
            yield Problem(
                code="drift_index_unwanted",
                message=message,
                path=f"{want.name}.{name}",
                hint=REPAIR,
                level="warning",
            )


def _constraints(want: TableShape, have: TableShape) -> Iterator[Problem]:
    for kind, wanted, found in (
        ("check", want.checks, have.checks),
        ("foreign key", want.foreign_keys, have.foreign_keys),
    ):
        for name in wanted:
            there = found.get(name)
            if there is None:
                message = f"{kind} {name} of {want.name} is missing"
                yield Problem(
                    code="drift_constraint_missing", message=message, path=f"{want.name}.{name}", hint=REPAIR
                )
            elif not there.validated:
                message = f"{kind} {name} of {want.name} was not checked against old rows yet"
                yield Problem(
                    code="drift_constraint_unchecked",
                    message=message,
                    path=f"{want.name}.{name}",
                    level="info",
                )


def _registry(model: Model, known: tuple[PhysicalColumn, ...], live: SchemaShape) -> Iterator[Problem]:
    """The rows of sys__column against the model: each live column of a field has its row."""
    rows = {(c.object, c.column) for c in known}
    for object in model.objects.values():
        for field in object.fields.values():
            for column in field.columns if rows and not field.system else ():
                if (object.name, column.name) not in rows:
                    yield Problem(
                        code="drift_registry",
                        message=f"sys__column does not know column {column.name} of {object.name}",
                        path=f"{object.name}.{field.name}",
                        hint=REPAIR,
                    )


def _tasks(conn: Connection, schema: str) -> Iterator[Problem]:
    for task in tasks.listed(conn, schema):
        if task.state == "failed":
            place = str(task.payload.get("table", ""))
            message = f"task {task.kind} on {place} failed: {task.error}"
            yield Problem(
                code="task_failed", message=message, path=place, hint="mend the cause and plan again"
            )
