"""Tasks of stages as a save knows them: where their words stand in a path, and whether somebody has done one.

In: a record, a path, a stage and a task by name. Out: yes or no. The tasks are records of `task` with the fields below; ways/stage_tasks
makes them.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from patron_engine.record.batch import Batch
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, compiled

TASK_FIELDS: Final = frozenset({"title", "about", "status", "stage_path", "stage", "stage_task"})


def task_key(stage: str, task: str, key: str) -> str:
    """Where something of a task stands in its stage path."""
    return f"stages.{stage}.tasks.{task}.{key}"


def was_done(batch: Batch, row: Row, task: tuple[str, str, str], *, otherwise: bool) -> bool:
    """Somebody has done this task of the record; `otherwise` where there are no such tasks to do."""
    known = batch.model.objects.get("task")
    if (
        known is None
        or not set(known.fields) >= TASK_FIELDS
        or row.object not in known.fields["about"].link.to
    ):
        return otherwise

    def make() -> Statement:
        program = batch.programs["task"]
        table, fields = program.table, program.fields

        def column(name: str) -> sa.ColumnElement[Any]:
            found: sa.ColumnElement[Any] = table.c[fields[name].part("").name]
            return found

        given = [
            column(n) == sa.bindparam(n, type_=column(n).type)
            for n in ("about", "stage_path", "stage", "stage_task")
        ]
        done = column("status") == sa.literal("done", sa.Text())
        return compiled(sa.select(table.c.id).where(*given, done, table.c.deleted_at.is_(None)))

    statement: Statement = batch.programs.keep("stages.task_done", make)
    named = dict(zip(("stage_path", "stage", "stage_task"), task, strict=True))
    return bool(statement.run(batch.conn, about=row.id, **named))
