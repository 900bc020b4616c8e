"""Form rights: which fields an open form shows of the records in it, and which it does not let anybody write.

In: a connection, the frame of a call, the rows of a form. Out: by object, the fields its writer reads on every one of these
records, and those he does not set on one of them. Rights on fields may hang on the record; a new one has not any yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from patron_engine.access.decide import readable, writable
from patron_engine.page.form_tree import Opening
from patron_engine.query.call import Call
from patron_engine.query.fitting import readable_here, writable_here
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn

Names = Mapping[str, frozenset[str]]


def rights_here(conn: Conn, call: Call, rows: Iterable[Row]) -> tuple[Names, Names]:
    """(fields he reads, fields he may not set), by object."""
    reads: dict[str, frozenset[str]] = {}
    keeps: dict[str, frozenset[str]] = {}
    for row in rows:
        known, sets = (
            readable(call.model, call.actor, row.object),
            writable(call.model, call.actor, row.object),
        )
        if not row.fresh:
            known, sets = (
                readable_here(conn, call, row.object, row.id, known),
                writable_here(conn, call, row.object, row.id, sets),
            )
        every = frozenset(writable(call.model, call.actor, row.object))
        reads[row.object] = reads.get(row.object, frozenset(known)) & frozenset(known)
        keeps[row.object] = keeps.get(row.object, frozenset()) | (every - frozenset(sets))
    return reads, keeps


def shut_by_lock(call: Call, opening: Opening, keeps: Names) -> Names:
    """With what the lock of the record leaves to nobody, its details among it."""
    if opening.open is None:
        return keeps
    shut = dict(keeps)
    name = opening.object.name
    shut[name] = shut.get(name, frozenset()) | (
        frozenset(writable(call.model, call.actor, name)) - opening.open
    )
    for set in opening.object.details:
        if set not in opening.open:
            of = opening.object.sets[set].object
            shut[of] = frozenset(writable(call.model, call.actor, of))
    return shut
