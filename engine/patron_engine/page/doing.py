"""Doing: what the definitions offer to do with a record as it stands: its conversions, those first that the layout names.

In: a connection, the frame of a call, a reader, a record the reader may see. Out: `Doing`s.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.record_tree import Doing
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.prospects import fitting_conversions


def conversions_here(
    conn: Conn, call: Call, reader: Reader, object: Object, id: str, first: Sequence[str]
) -> tuple[Doing, ...]:
    """`first` are names in their order."""
    order = {name: n for n, name in enumerate(first)}
    found = sorted(
        fitting_conversions(conn, call, object.name, id), key=lambda c: order.get(c.name, len(order))
    )
    return tuple(
        Doing(name=c.name, label=reader.say(c.label, c.name), icon=c.icon or "repeat") for c in found
    )
