"""Approval file: one file for whoever may have it because of an approval. Part of the way approve.

In: a file, who asks. Out: the file, where it is of a record he reads, of an approval he sees, or of the record that is about as he reads
it there; NotFound otherwise. Changes nothing.
"""

from __future__ import annotations

from typing import Any

from psycopg import sql

from patron_engine.errors import NotFound, PatronError
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.query.call import Call
from patron_engine.query.files import FileFound, file_at, find_file
from patron_engine.record.statements import Conn
from patron_engine.ways.approvals_seen import look


def file_seen(conn: Conn, call: Call, id: str) -> FileFound:
    """A file for whoever may have it: of a record he reads, of an approval he sees, or of the record it is about as he reads it
    there. NotFound otherwise."""
    try:
        return find_file(conn, call, id)
    except NotFound:
        for approval in _about(conn, call, id):
            try:
                seen = look(conn, call, approval[0])
            except PatronError:
                continue
            if approval[1] or _shows(seen.record, id):
                return file_at(conn, call, id)
        raise


def _about(conn: Conn, call: Call, id: str) -> list[tuple[str, bool]]:
    """(approval, the file is its own) that a file has to do with: the latest of its record."""
    try:
        known = read_id(id)
    except ValueFault:
        return []
    query = sql.SQL(
        "SELECT a.id::text, true FROM {f} f JOIN {a} a ON f.object = 'sys__approval' AND a.id = f.record WHERE f.id = %(id)s"
        " UNION ALL SELECT t.instance::text, true FROM {f} f JOIN {t} t ON f.object = 'approval_task' AND t.id = f.record"
        " WHERE f.id = %(id)s"
        " UNION ALL SELECT a.id::text, false FROM {f} f JOIN {a} a ON a.object = f.object AND a.record = f.record AND a.latest"
        " WHERE f.id = %(id)s AND f.deleted_at IS NULL"
    ).format(
        f=sql.Identifier(call.schema, "sys__file"), a=sql.Identifier(call.schema, "sys__approval"),
        t=sql.Identifier(call.schema, "sys__approval_task"),
    )  # fmt: skip
    return [(str(a), bool(own)) for a, own in conn.execute(query, {"id": known}).fetchall()]


def _shows(record: Any, id: str) -> bool:
    """Whether one of the values he reads there is this file."""
    return any(
        isinstance(one, dict) and one.get("id") == id
        for value in (record or {}).values()
        for one in (value if isinstance(value, list) else [value])
    )
