"""Sorted by: which fields the lists of everybody open in the order of.

In: a sketch, whose documents hold the views, and what is kept in columns. Out: (object, field) of the numbers, dates and moments that
a list is sorted by first. The assembly marks them as indexed: who publishes such a list need not know what an index is. Finds no
problems.

What is worked out counts where it is kept: a save that changes such a roll-up touches the indexes of the record above, about a tenth
of a millisecond (docs/performance.md), and without it the list reads every record. Left out are what the night works out again, for
it changes many at once, what a list groups before it sorts, and texts, choices and links, which have their own way (query/parts.py).
When a record was changed last counts where a list shows it or opens in its order; its index is another one (store/indexes).
An object's first `VIEWS_INDEXED` of the others count, entered values before those worked out, then by the names of the views: each
index costs every save and import.
"""

from __future__ import annotations

from typing import Final

from patron_engine.meta.document import Document
from patron_engine.model.limits import VIEWS_INDEXED
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch
from patron_engine.model.storing import Storing

MEASURED: Final = frozenset(
    {"integer", "decimal", "percent", "money", "rating", "duration", "date", "datetime", "time"}
)
KINDS: Final = frozenset({"number", "duration", "date", "datetime", "time"})  # of what is worked out
CHANGED: Final = "updated_at"


def sorted_by_views(sketch: Sketch, storing: Storing) -> frozenset[tuple[str, str]]:
    """(object, field), by the names of today."""
    found: dict[str, dict[str, FieldSketch]] = {}
    changed: set[tuple[str, str]] = set()
    for (kind, _), document in sorted(sketch.documents.items()):
        one = sketch.object(document.body.get("object")) if kind == "view" else None
        if one is not None and _shows_change(document):
            changed.add((one.name, CHANGED))
        field = _first(one, document) if one is not None else None
        if field is not None and _measured(field, storing):
            found.setdefault(field.object, {})[field.name] = field
    return frozenset(changed).union(
        (object, field.name)
        for object, fields in found.items()
        for field in sorted(fields.values(), key=lambda f: f.computed)[:VIEWS_INDEXED]
    )


def _first(one: ObjectSketch, document: Document) -> FieldSketch | None:
    body = document.body
    sort = body.get("sort")
    if not sort or body.get("group_by") or body.get("type", "list") != "list":
        return None
    return one.field(str(sort[0]).removeprefix("-"))


def _shows_change(document: Document) -> bool:
    body = document.body
    sort = [str(s).removeprefix("-") for s in body.get("sort") or ()][:1]
    return CHANGED in (
        *sort,
        *(c if isinstance(c, str) else c.get("field") for c in body.get("columns") or ()),
    )


def _measured(field: FieldSketch, storing: Storing) -> bool:
    if not field.computed:
        return not field.system and field.type.name in MEASURED
    decided = storing.decide(field)
    return decided.stored and not decided.nightly and field.expr is not None and field.expr.kind in KINDS
