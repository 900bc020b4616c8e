"""Files: bytes that people send, before they hang on a record. What `record/attach` then makes of them is a save's.

    begin ──▶ row of sys__file, not whole yet     one short transaction, room is looked for
    add   ──▶ a piece of its bytes                 one short transaction each: a slow sender holds nothing
    finish ─▶ size, digest, type; whole from now    in the caller's write transaction, with its idempotency key
    discard, sweep ──▶ gone

In: a name, pieces of bytes, who sends them. Out: a row of sys__file that belongs to its sender until a save attaches it.
A row whose digest is empty is not whole: nobody can attach or read it, and the sweep removes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from unicodedata import normalize

import psycopg
from psycopg import sql

from patron_engine.errors import LimitExceeded, NotFound, Refused
from patron_engine.fields import limits
from patron_engine.fields.filetypes import type_of_bytes
from patron_engine.fields.pixels import pixels
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call

Connection = psycopg.Connection[Any]

# Nothing of these helps to read a name: controls, halves of characters, line ends, marks that turn the direction of what
# follows (`invoice<RLO>fdp.exe` would be shown as `invoiceexe.pdf`).
_NO_NAME: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff\\ufffe\\uffff]"
)
SWEPT_BYTES: Final = 1024 * 1024 * 1024  # that one piece of the sweep removes
SWEPT_FILES: Final = 1_000  # the same, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What is known of a file once all of it is there. `head` are its first bytes, `declared` what its sender calls it."""

    size: int
    chunks: int
    sha256: str
    head: bytes
    declared: str = ""


def file_name(raw: str) -> str:
    """The name as it is kept: no folder, nothing invisible, one form of every character. Only ever shown, never a path.

    >>> file_name("C:\\\\\\\\papers\\\\\\\\a.pdf"), file_name("../../etc/x"), file_name("..")
    ('a.pdf', 'x', 'file')
    """
    last = re.split(r"[/\\\\]", normalize("NFC", _NO_NAME.sub("", raw)))[-1].strip()
    name = last if last.strip(". ") else "file"
    if len(name) > limits.FILE_NAME_LENGTH:
        message = Phrase(
            "a file's name has at most {most} characters, this has {count}",
            most=limits.FILE_NAME_LENGTH,
            count=len(name),
        )
        raise Refused([Problem(code="limit_file_name", message=message, path="file")])
    return name


def begin(conn: Connection, call: Call, name: str, *, expected: int, room: int) -> str:
    """Makes the row of a file that will be `expected` bytes long (0: its sender does not say). Returns its id.

    LimitExceeded: `limit_workspace_files` when the workspace has no room (`room` bytes for all files together),
    `limit_waiting_files` when this person has too many that hang nowhere.
    """
    id = call.new_id()
    with conn.transaction():
        _look_for_room(conn, call, id, expected, room)
        query = sql.SQL(
            "INSERT INTO {}.sys__file (id, name, mime, size, sha256, chunks, created_by, created_at)"
            " VALUES (%s, %s, '', %s, '', 0, %s, %s)"
        )
        given = (id, file_name(name), expected, call.actor.user, call.now)
        conn.execute(query.format(sql.Identifier(call.schema)), given)
    return id


def finish(conn: Connection, call: Call, id: str, whole: Whole, *, room: int) -> dict[str, Any]:
    """Says that all pieces are there. Returns what the API answers: id, name, mime, size, sha256."""
    _look_for_room(conn, call, id, whole.size, room)
    schema = sql.Identifier(call.schema)
    query = sql.SQL("SELECT name FROM {}.sys__file WHERE id = %s AND sha256 = '' FOR UPDATE").format(schema)
    row = conn.execute(query, (id,)).fetchone()
    if row is None:
        raise NotFound("this upload is no longer there", hint="it took too long: send the file again")
    name: str = row[0]
    mime = type_of_bytes(whole.head, name, whole.declared)
    points = pixels(mime, whole.head)
    if points is not None and points > limits.FILE_PIXELS:
        raise LimitExceeded(
            Phrase(
                "a picture has at most {most:,} pixels, this has {points:,}",
                most=limits.FILE_PIXELS,
                points=points,
            ),
            code="limit_pixels",
        )
    write = sql.SQL("UPDATE {}.sys__file SET mime = %s, size = %s, sha256 = %s, chunks = %s WHERE id = %s")
    conn.execute(write.format(schema), (mime, whole.size, whole.sha256, whole.chunks, id))
    return {"id": id, "name": name, "mime": mime, "size": whole.size, "sha256": whole.sha256}


def copied(conn: Connection, call: Call, ids: Sequence[str], object: str, record: str) -> dict[str, str]:
    """Copies of files that hang on this record, as the caller's own uploads: old id -> new. Others are not among them."""
    schema, made = sql.Identifier(call.schema), dict[str, str]()
    row = sql.SQL(
        "INSERT INTO {s}.sys__file (id, name, mime, size, sha256, chunks, created_by, created_at)"
        " SELECT %(new)s, name, mime, size, sha256, chunks, %(by)s, %(now)s FROM {s}.sys__file WHERE id = %(old)s"
        " AND object = %(object)s AND record = %(record)s AND deleted_at IS NULL AND sha256 <> ''"
    ).format(s=schema)
    pieces = sql.SQL(
        "INSERT INTO {s}.sys__file_chunk (file, n, data) SELECT %(new)s, n, data FROM {s}.sys__file_chunk WHERE file = %(old)s"
    ).format(s=schema)
    for old in dict.fromkeys(ids):
        given = {
            "new": call.new_id(), "old": old, "by": call.actor.user, "now": call.now, "object": object, "record": record,
        }  # fmt: skip
        if conn.execute(row, given).rowcount:
            conn.execute(pieces, given)
            made[old] = str(given["new"])
    return made


def discard(conn: Connection, call: Call, id: str) -> bool:
    """Removes an upload of the caller's own that hangs nowhere, with its bytes. Returns whether there was one."""
    query = sql.SQL(
        "DELETE FROM {}.sys__file WHERE id = %s AND record IS NULL AND object IS NULL"
        " AND created_by IS NOT DISTINCT FROM %s"
    )
    return conn.execute(query.format(sql.Identifier(call.schema)), (id, call.actor.user)).rowcount > 0


def sweep(conn: Connection, schema: str, now: datetime) -> bool:
    """Removes uploads nothing was made of and files that were taken off their record long ago, a piece of them at a
    time. Returns whether there may be more."""
    query = sql.SQL(
        "DELETE FROM {s}.sys__file WHERE id IN (SELECT id FROM"
        " (SELECT id, sum(size) OVER (ORDER BY created_at, id) - size AS before FROM {s}.sys__file"
        " WHERE (record IS NULL AND object IS NULL AND created_at < %s) OR deleted_at < %s"
        " ORDER BY created_at, id LIMIT %s) AS due WHERE before < %s)"
        " AND (record IS NULL OR deleted_at IS NOT NULL)"
    )
    unused = now - timedelta(hours=limits.WAITING_HOURS)
    detached = now - timedelta(days=limits.DETACHED_DAYS)
    given = (unused, detached, SWEPT_FILES, SWEPT_BYTES)
    return conn.execute(query.format(s=sql.Identifier(schema)), given).rowcount > 0


def _look_for_room(conn: Connection, call: Call, id: str, size: int, room: int) -> None:
    """One after the other, so that many at once find no more room than there is."""
    schema = sql.Identifier(call.schema)
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", (call.schema,))
    query = sql.SQL("SELECT coalesce(sum(size), 0) FROM {}.sys__file WHERE id <> %s").format(schema)
    row = conn.execute(query, (id,)).fetchone()
    if row is not None and row[0] + size > room:
        raise LimitExceeded(
            Phrase(
                "the files of this workspace have {row:,} bytes, at most {room:,} may be kept",
                row=row[0],
                room=room,
            ),
            code="limit_workspace_files",
            hint="purge records whose files nobody needs, or raise PATRON_FILES",
        )
    query = sql.SQL(
        "SELECT count(*), coalesce(sum(size), 0) FROM {}.sys__file"
        " WHERE record IS NULL AND object IS NULL AND created_by IS NOT DISTINCT FROM %s AND id <> %s"
    ).format(schema)
    mine = conn.execute(query, (call.actor.user, id)).fetchone()
    if mine is not None and (mine[0] >= limits.WAITING_FILES or mine[1] + size > limits.WAITING_BYTES):
        raise LimitExceeded(
            Phrase("{mine} files you uploaded hang on no record", mine=mine[0]), code="limit_waiting_files",
            hint=Phrase("attach or delete them; after {hours} hours they are removed", hours=limits.WAITING_HOURS),
        )  # fmt: skip
