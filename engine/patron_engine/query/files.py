"""Files: which of them a reader may have, and what hangs on a record. Access is asked here and nowhere else.

In: the id of a file, or a record. Out: what is known of the file, for whoever sends its bytes. A file may be read by who
may read the record and the field it hangs on: the question is put to the way every record is read (resolve, one statement
under his row rule), and the file must stand in the answer. One that hangs nowhere is its sender's alone. Everything else
is answered as a file that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.errors import NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.query import fetch
from patron_engine.query.binding import parameter
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.store import blobs
from patron_engine.store.tables import TYPES, Id, Tables

Connection = psycopg.Connection[Any]
FEATURE = "files"  # of objects whose records have files of their own, in no field


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFound:
    """A file its reader may have. `piece` is the length of the pieces it is kept in."""

    id: str
    name: str
    mime: str
    size: int
    sha256: str
    piece: int


def find_file(conn: Connection, call: Call, id: str) -> FileFound:
    """The file of this id; NotFound for one that is not there, not whole, off its record, or not his to read."""
    try:
        known = read_id(id)
    except ValueFault:
        raise _missing() from None
    statement = kept(call.tables).get(("files.one",), lambda: _one(call.tables))
    row = conn.execute(statement.text, statement.values({"id": known})).fetchone()
    if row is None:
        raise _missing()
    object, record, field, created_by, name, mime, size, sha256 = row
    if object is None and record is None:
        actor = call.actor
        if not (actor.system or (actor.user is not None and created_by == actor.user)):
            raise _missing()
    elif not _stands_in(conn, call, known, object, record, field):
        raise _missing()
    return _found(conn, call, known, name, mime, size, sha256)


def file_at(conn: Connection, call: Call, id: str) -> FileFound:
    """The same, for whoever is known to see what it hangs on."""
    statement = kept(call.tables).get(("files.one",), lambda: _one(call.tables))
    row = conn.execute(statement.text, statement.values({"id": id})).fetchone()
    if row is None:
        raise _missing()
    return _found(conn, call, id, *row[4:])


def _found(conn: Connection, call: Call, id: str, name: str, mime: str, size: int, sha256: str) -> FileFound:
    piece = blobs.piece_size(conn, call.schema, id)
    return FileFound(id=id, name=name, mime=mime, size=size, sha256=sha256, piece=piece)


def record_files(conn: Connection, call: Call, object: str, id: str) -> list[dict[str, Any]]:
    """The files that hang on a record itself, in their order: id, name, mime, size, sha256, created_at, created_by.

    NotFound when the record is not there or not his to read, and for an object without the feature.
    """
    found = known_object(call, object)
    needs_feature(found)
    record = _readable(conn, call, found, id)
    statement = kept(call.tables).get(("files.of",), lambda: _of_record(call.tables))
    given = {"object": found.name, "record": record}
    moment = type_of(found.fields["created_at"])
    return [
        {
            "id": file, "name": name, "mime": mime, "size": size, "sha256": sha256,
            "created_at": moment.to_wire(found.fields["created_at"], at),
            "created_by": None if by is None else {"id": by, "title": person},
        }
        for file, name, mime, size, sha256, at, by, person in conn.execute(
            statement.text, statement.values(given)
        )
    ]  # fmt: skip


def needs_feature(object: Object) -> None:
    """NotFound where records of the object have no files of their own."""
    if FEATURE not in object.features:
        raise NotFound(
            Phrase("{object} has no files of its own", object=object.name),
            code="no_files",
            hint="its definition lacks the feature files",
        )


def described(conn: Connection, call: Call, object: str, record: str, ids: Iterable[str]) -> dict[str, Any]:
    """id -> {"id", "name", "mime", "size"} of files that hang on this record or did, while they are kept."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    statement = kept(call.tables).get(("files.named",), lambda: _named(call.tables))
    given = {"object": object, "record": record, "ids": wanted}
    return {
        id: {"id": id, "name": name, "mime": mime, "size": size}
        for id, name, mime, size in conn.execute(statement.text, statement.values(given))
    }


def _stands_in(
    conn: Connection, call: Call, id: str, object: str | None, record: str | None, field: str | None
) -> bool:
    """Whether the reader's own question for the record, and the field, answers with this file."""
    found = call.model.object(object or "")
    if found is None or record is None or field is None:
        return False
    if field == "":
        if FEATURE not in found.features:
            return False
        asked = "id"
    else:
        own = found.field(field)
        if own is None:
            return False
        asked = own.name
    try:
        question = resolve(call, Ask(object=found.name, fields=(asked,)))
    except (NotFound, Refused):
        return False
    answer = fetch.one(conn, call, question, record)
    if answer is None:
        return False
    if field == "":
        return True
    value = answer.record()[asked]
    return any(one["id"] == id for one in (value if isinstance(value, list) else [value] if value else []))


def _readable(conn: Connection, call: Call, object: Object, id: str) -> str:
    try:
        known = read_id(id)
    except ValueFault:
        known = ""
    question = resolve(call, Ask(object=object.name, fields=("id",)))
    if not known or fetch.one(conn, call, question, known) is None:
        raise NotFound(
            Phrase("there is no such {object}", object=object.name),
            hint="it may have been deleted, or it is not yours to see",
        )
    return known


def _missing() -> NotFound:
    return NotFound("there is no such file", hint="it may have been removed, or it is not yours to see")


def _table(tables: Tables) -> sa.Table:
    return tables.system(
        "sys__file", id="uuid", object="text", record="uuid", field="text", position="bigint", name="text",
        mime="text", size="bigint", sha256="text", created_by="uuid", created_at="timestamptz", deleted_at="timestamptz",
    )  # fmt: skip


def _one(tables: Tables) -> Statement:
    files = _table(tables)
    names = ("object", "record", "field", "created_by", "name", "mime", "size", "sha256")
    here = (files.c.id == parameter("id", Id()), files.c.deleted_at.is_(None), files.c.sha256 != "")
    return compiled(sa.select(*(files.c[n] for n in names)).where(*here), tables.model.release)


def _of_record(tables: Tables) -> Statement:
    files = _table(tables)
    source: sa.FromClause = files
    title: sa.ColumnElement[Any] = sa.cast(sa.null(), TYPES["text"])
    user = tables.model.objects.get("user")
    if user is not None and user.title in user.fields and user.fields[user.title].columns:
        people = tables.of(user).alias("people")
        source = files.outerjoin(people, people.c.id == files.c.created_by)
        title = sa.cast(people.c[user.fields[user.title].column.name], TYPES["text"])
    names = ("id", "name", "mime", "size", "sha256", "created_at", "created_by")
    return compiled(
        sa.select(*(files.c[n] for n in names), title.label("person"))
        .select_from(source)
        .where(
            files.c.object == parameter("object", TYPES["text"]), files.c.record == parameter("record", Id()),
            files.c.field == "", files.c.deleted_at.is_(None),
        )
        .order_by(files.c.position, files.c.created_at, files.c.id),
        tables.model.release,
    )  # fmt: skip


def _named(tables: Tables) -> Statement:
    files = _table(tables)
    return compiled(
        sa.select(files.c.id, files.c.name, files.c.mime, files.c.size).where(
            files.c.object == parameter("object", TYPES["text"]), files.c.record == parameter("record", Id()),
            files.c.id == sa.any_(parameter("ids", pg.ARRAY(Id()))),
        ),
        tables.model.release,
    )  # fmt: skip
