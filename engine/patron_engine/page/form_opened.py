"""Form opened: a form nobody has typed in yet, and one that is asked for more rows of a table.

In: a connection, the frame of a call, what is opened, its sections. Out: a `Typed` as if somebody had typed it: what a new record
is filled with, the details that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from patron_engine.page.form_rows import has_room, next_rows
from patron_engine.page.form_tree import Opening
from patron_engine.page.layout import Section
from patron_engine.page.typed import Group, Typed, TypedRow
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn


def opened(conn: Conn, call: Call, opening: Opening, sections: Sequence[Section]) -> Typed:
    """A form as it begins: of a record that is there with its details, of a new one with a first row to write in."""
    given: dict[str, Group] = {n: {"": (v,)} for n, v in opening.fill.items()}
    if opening.id is None:
        if opening.record_type:
            given["record_type"] = {"": (opening.record_type,)}
        return Typed(fields=given, rows=_first(sections))
    there = {
        s.table.name: next_rows(conn, call, opening.object.name, opening.id, s) for s in sections if s.table
    }
    return Typed(fields=given, rows={name: rows for name, rows in there.items() if rows})


def longer(conn: Conn, call: Call, opening: Opening, sections: Sequence[Section], typed: Typed) -> Typed:
    """The form with more rows in the table that `opening` asks more of; as it was where there is no room."""
    section = next((s for s in sections if s.table and s.table.name == opening.more), None)
    there = typed.rows.get(opening.more, ())
    if opening.id is None or section is None or not has_room(len(there), len(section.places)):
        return typed
    more = next_rows(conn, call, opening.object.name, opening.id, section, there)
    return replace(typed, rows={**typed.rows, opening.more: (*there, *more)})


def _first(sections: Sequence[Section]) -> dict[str, tuple[TypedRow, ...]]:
    """A new record's first table begins with a row to write in."""
    first = next((s.table.name for s in sections if s.table), None)
    return {first: (TypedRow(key="n1", id=None, fields={}, was={}),)} if first else {}
