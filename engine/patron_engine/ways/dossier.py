"""The way dossier: everything the workspace keeps about one person, for that person: his records with every field, what happened to
them, what hangs on them and what was written about him.

In: an administrator's call, the records of the person. Out: a value of JSON, and the files it names. Records that only link to him are
given whole where they are about him (`ABOUT` and details), else by name. An audit entry says that it was taken out, without a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.model.model import Object
from patron_engine.model.personal import personal_fields
from patron_engine.query.call import Call
from patron_engine.query.history import history_page
from patron_engine.query.spec import MAX_FIELDS, Ask, Within
from patron_engine.record import audit, erasure
from patron_engine.store import blobs
from patron_engine.ways.read import read
from patron_engine.ways.subject import Ref, must_administer, stands, title_of

Connection = psycopg.Connection[Any]
MOST_LINKED = 2_000  # records of one list that are given; what is left out is counted
MOST_DONE = 5_000  # audit entries of a user
ABOUT = frozenset({"comment", "activity", "task", "message"})
HISTORY_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`body` is JSON; `files` are (id, name, size in pieces) of what hangs on his records."""

    body: dict[str, Any]
    files: tuple[tuple[str, str, int], ...]


def dossier(conn: Connection, call: Call, refs: Sequence[Ref]) -> Dossier:
    """NotFound for a record that is not there."""
    must_administer(call)
    records, files = [], []
    for ref in refs:
        record = _record(conn, call, ref)
        records.append(record)
        files += [(f["id"], f["name"], int(f.pop("pieces"))) for f in record["files"]]
    audit.note(conn, call, "person_exported", f"{refs[0].object}/{refs[0].id}", {
        "records": [f"{r.object}/{r.id}" for r in refs], "files": len(files),
    })  # fmt: skip
    body = {"workspace": call.workspace, "at": call.now.isoformat(), "records": records}
    return Dossier(body=body, files=tuple(files))


def bytes_of(conn: Connection, call: Call, file: str, pieces: int) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    for n in range(pieces):
        found = blobs.piece(conn, call.schema, file, n, 0, 2**31 - 2)
        if found is None:
            return
        yield found


def _record(conn: Connection, call: Call, ref: Ref) -> dict[str, Any]:
    object = call.model.objects[ref.object]
    names = _names(call, object)
    values: dict[str, Any] = {}
    deleted = False
    for at in range(0, len(names), MAX_FIELDS - 2):
        part, deleted = stands(conn, call, ref, names[at : at + MAX_FIELDS - 2])
        values |= part
    found: dict[str, Any] = {
        "object": ref.object,
        "id": ref.id,
        "title": title_of(conn, call, ref, deleted),
        "deleted": deleted,
        "personal": sorted(personal_fields(object)),
        "values": values,
        "external_ids": dict(erasure.ids_elsewhere(conn, call, ref.object, ref.id)),
        "files": erasure.files_of(conn, call, ref.object, ref.id),
        "history": list(_history(conn, call, ref)),
        "linked": {} if deleted else dict(_linked(conn, call, object, ref)),
    }
    if ref.object == "user":
        wanted = audit.Wanted(who=ref.id)
        found["done"] = [e.as_dict() for e in audit.entries(conn, call.schema, wanted, MOST_DONE)]
    return found


def _history(conn: Connection, call: Call, ref: Ref) -> Iterator[dict[str, Any]]:
    before: int | None = None
    while True:
        page = history_page(conn, call, ref.object, ref.id, before=before, limit=HISTORY_PAGE)
        yield from page.entries
        if page.next is None:
            return
        before = page.next


def _linked(conn: Connection, call: Call, object: Object, ref: Ref) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lists of a record that are not empty."""
    for name, link in object.sets.items():
        other = call.model.objects[link.object]
        whole = link.master or other.name in ABOUT
        fields = ("id", *_names(call, other)[: MAX_FIELDS - 1]) if whole else ("id", other.title)
        rows: list[dict[str, Any]] = []
        after: str | None = None
        counted: int | None = None
        while len(rows) < MOST_LINKED:
            ask = Ask(
                object=other.name, within=Within(object=ref.object, id=ref.id, set=name), fields=fields, limit=200,
                after=after, voided="yes", count="exact" if after is None else "none",
            )  # fmt: skip
            page = read(conn, call, ask, secret=b"dossier")
            rows += page.rows()
            counted = counted if page.count is None else page.count
            after = page.next
            if after is None:
                break
        if rows:
            left = max(0, (counted or 0) - len(rows))
            yield name, {"object": other.name, "records": rows, **({"left_out": left} if left else {})}


def _names(call: Call, object: Object) -> tuple[str, ...]:
    """Every field there is, long ones too."""
    return tuple(n for n, f in readable(call.model, call.actor, object.name).items() if f.type != "secret" and n not in ("id", "version"))  # fmt: skip
