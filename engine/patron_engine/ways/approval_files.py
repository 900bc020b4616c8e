"""Files of approvals: signatures, and what was sent with a comment or a decision. Part of the way approve.

In: ids of files that whoever decides sent and that hang nowhere yet. Out: they hang on his task where it is a record with such a field,
else on the approval; read by whoever sees the approval. Refused for others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from patron_engine.approval.value import Instance, Task
from patron_engine.errors import LimitExceeded, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.statements import Conn

APPROVAL: Final = "sys__approval"  # in place of the object of a file's record
TASK: Final = "approval_task"
MAX_FILES: Final = 10  # limit_approval_files: with one comment


def hang_signature(conn: Conn, call: Call, instance: Instance, task: Task, file: str) -> None:
    """On the record of the task, where it is one that can be signed."""
    object = call.model.objects.get(TASK)
    field = object.field("signature") if object is not None else None
    if field is not None and field.type == "signature" and fetch_values(conn, call, TASK, [task.id], ["id"]):
        _hang(conn, call, [file], TASK, task.id, field.name, "signature")
    else:
        _hang(conn, call, [file], APPROVAL, instance.id, "signature", "signature")


def hang_files(conn: Conn, call: Call, instance: Instance, files: Sequence[str]) -> None:
    """With a comment or a decision."""
    if len(files) > MAX_FILES:
        message = Phrase("at most {most} files with one comment", most=MAX_FILES)
        raise LimitExceeded(message, code="limit_approval_files")
    _hang(conn, call, files, APPROVAL, instance.id, "comment", "files")


def _hang(
    conn: Conn, call: Call, files: Sequence[str], object: str, record: str, field: str, path: str
) -> None:
    statement = sql.SQL(
        "UPDATE {} SET object = %s, record = %s, field = %s WHERE id = %s AND object IS NULL AND record IS NULL"
        " AND sha256 <> '' AND created_by = %s"
    ).format(sql.Identifier(call.schema, "sys__file"))
    for file in files:
        try:
            known = read_id(file)
        except ValueFault:
            known = None
        done = (
            known is not None
            and conn.execute(statement, (object, record, field, known, call.actor.user)).rowcount
        )
        if not done:
            raise Refused(
                [Problem(code="unknown_file", message=Phrase("there is no such file of yours"), path=path)]
            )


def named(conn: Conn, call: Call, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """id -> what files of an approval are called, for who sees it."""
    if not ids:
        return {}
    query = sql.SQL("SELECT id::text, name, mime, size FROM {} WHERE id = ANY(%s::uuid[])").format(
        sql.Identifier(call.schema, "sys__file")
    )
    rows = conn.execute(query, (list(ids),)).fetchall()
    return {id: {"id": id, "name": name, "mime": mime, "size": size} for id, name, mime, size in rows}
