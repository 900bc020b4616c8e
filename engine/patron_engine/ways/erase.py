"""The way erase: the personal data of one person is emptied, for good; what he did business about remains.

    who -> his records -> what stands against it -> copies in records that link to him -> shown, with a checksum (ways/erasing)
        -> confirmed -> the way save empties -> history, batches, files, ids, rows of imports forget -> audit

In: an administrator's call, the records of the person, the checksum that was shown. Out: what was done. It cannot be undone. Rules do
not stand in its way; a hold, an active user, a running import do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg

from patron_engine.actor import Cause
from patron_engine.errors import Conflict
from patron_engine.model.personal import follows, replacement
from patron_engine.query.call import Call
from patron_engine.record import audit, erasure
from patron_engine.record.change import Change
from patron_engine.store.counters import raise_any
from patron_engine.ways.erasing import TELLING, Part, Preview, of_people, preview, told_by
from patron_engine.ways.save import save
from patron_engine.ways.subject import Ref

__all__ = ["Preview", "erase", "preview"]
Connection = psycopg.Connection[Any]


def erase(conn: Connection, call: Call, refs: Sequence[Ref], confirm: str) -> Preview:
    """Does what was shown, inside the caller's write transaction. Conflict when something stands against it, or when it is no longer
    what was shown."""
    shown = preview(conn, call, refs)
    if shown.against:
        raise Conflict(shown.against[0].message, code="not_erased", hint="nothing was changed")
    if shown.checksum != confirm:
        raise Conflict(
            "this is no longer what was shown: look at it again",
            code="changed_since",
            hint="nothing was changed",
        )
    inside = replace(call, cause=Cause(kind="erasure"))
    values = told_by(conn, call, refs)
    save(conn, inside, [_change(call, part) for part in shown.parts if not part.deleted])
    for part in shown.parts:
        object = call.model.objects[part.object]
        whole = of_people(object)
        names = frozenset(part.fields) if part.copy else follows(object)
        if part.deleted:
            instead = {n: v for n, v in _change(call, part).set.items() if v is not None}
            erasure.empty_deleted(conn, call, object, part.id, names, instead)
        erasure.forget_values(conn, call, object, part.id, names)
        erasure.remove_files(conn, call, part.object, part.id, None if whole else part.fields)
        if whole:
            erasure.empty_hidden(conn, call, object, part.id)
            erasure.remove_ids_elsewhere(conn, call, part.object, part.id)
            if part.object == "user":
                erasure.forget_own(conn, call, part.id)
    erasure.remove_staged(
        conn, call, [(r.object, r.id) for r in refs], sorted(v for v in values if len(v) >= TELLING)
    )
    raise_any(conn, call.schema)  # what is kept of answers may name him
    _note(conn, call, shown)
    return shown


def _note(conn: Connection, call: Call, done: Preview) -> None:
    first = done.parts[0]
    audit.note(conn, call, "person_erased", f"{first.object}/{first.id}", {
        "records": [f"{p.object}/{p.id}" for p in done.parts],
        "fields": sum(len(p.fields) for p in done.parts),
        "history": sum(p.history for p in done.parts),
        "files": sum(p.files for p in done.parts),
    })  # fmt: skip


def _change(call: Call, part: Part) -> Change:
    object = call.model.objects[part.object]
    values = {n: replacement(object.fields[n], part.id, call.model.workspace.languages) for n in part.fields}
    return Change(action="update", object=part.object, id=part.id, set=values, version=part.version)
