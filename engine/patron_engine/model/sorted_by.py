"""Sorted by: which fields the lists of everybody open in the order of.

In: a sketch, whose documents hold the views. Out: (object, field) of the numbers, dates and moments that a list is sorted by first.
The assembly marks them as indexed: who publishes such a list need not know what an index is. Finds no problems.

Left out are what is worked out (a roll-up is written with every save of what it counts, and one without an index touches none),
what a list groups before it sorts, and texts, choices and links, which have their own way (query/parts.py). An object's first
`VIEWS_INDEXED` count, by the names of the views: each index costs every save and import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from patron_engine.meta.document import Document
from patron_engine.model.limits import VIEWS_INDEXED
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch

MEASURED: Final = frozenset(
    {"integer", "decimal", "percent", "money", "rating", "duration", "date", "datetime", "time"}
)


def sorted_by_views(sketch: Sketch) -> frozenset[tuple[str, str]]:
    """(object, field), by the names of today."""
    found: dict[str, dict[str, None]] = {}
    for (kind, _), document in sorted(sketch.documents.items()):
        one = sketch.object(document.body.get("object")) if kind == "view" else None
        for field in _first(one, document) if one is not None else ():
            mine = found.setdefault(field.object, {})
            if len(mine) < VIEWS_INDEXED:
                mine[field.name] = None
    return frozenset((object, name) for object, names in found.items() for name in names)


def _first(one: ObjectSketch, document: Document) -> Iterator[FieldSketch]:
    body = document.body
    sort = body.get("sort")
    if not sort or body.get("group_by") or body.get("type", "list") != "list":
        return
    field = one.field(str(sort[0]).removeprefix("-"))
    if field is not None and not field.system and field.type.name in MEASURED:
        yield field
