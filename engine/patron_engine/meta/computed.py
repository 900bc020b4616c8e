"""Computed change: what somebody who wrote a whole document changed in the one below.

In: the body below and the full document above. Out: a `change` document that makes the one out of the other, with the
lines of the full document, or None where nothing differs. `apply(computed_change(a, b), a)` is b.
"""

from __future__ import annotations

from typing import Any

from patron_engine.meta.change import copied, locate
from patron_engine.meta.compare import Difference, compare
from patron_engine.meta.document import Body, Document, Path, walk

_IDENTITY = ("kind", "name")


def computed_change(base: Body, mine: Document, against: str | None = None) -> Document | None:
    body: dict[str, Any] = {"kind": "change", "of": f"{mine.kind}/{mine.name}"}
    if against:
        body["against"] = against
    places: dict[Path, int] = {(): mine.line() or 1}
    sets: dict[str, Any] = {}
    renames: dict[str, Any] = {}
    adds: dict[str, list[Any]] = {}
    moves: dict[str, Any] = {}
    removes: list[str] = []
    below = {k: v for k, v in base.items() if k not in _IDENTITY}
    above = {k: v for k, v in mine.body.items() if k not in _IDENTITY}
    for each in compare(below, above):
        line = _line(mine, each.path)
        if each.what in ("set", "unset"):
            sets[each.path] = copied(each.new) if each.what == "set" else None
            places[("set", each.path)] = line
        elif each.what == "add":
            listed = adds.setdefault(each.list_path, [])
            places[("add", each.list_path, len(listed))] = line
            listed.append(_placed(each))
        elif each.what == "move":
            moves[each.path] = _neighbour(each)
            places[("move", each.path)] = line
        elif each.what == "remove":
            places[("remove", len(removes))] = places[()]
            removes.append(each.path)
        elif each.what == "rename":  # last, so that everything else finds the element by its old name
            renames[each.path] = each.new
    sets.update(renames)
    if not (sets or adds or moves or removes):
        return None
    for key, value in (("set", sets), ("add", adds), ("move", moves), ("remove", removes)):
        if value:
            body[key] = value
    return Document(
        kind="change", name=str(body["of"]), body=body, file=mine.file, places=places, layer=mine.layer
    )


def _placed(each: Difference) -> Any:
    neighbour = _neighbour(each)
    if not neighbour:
        return copied(each.new)
    element = {"name": each.new} if isinstance(each.new, str) else copied(each.new)
    return {**element, **neighbour}


def _neighbour(each: Difference) -> dict[str, str]:
    if each.after is not None:
        return {"after": each.after}
    return {"before": each.before} if each.before is not None else {}


def _line(mine: Document, path: str) -> int:
    """The line of a path by names in the full document, or of the nearest part around it."""
    steps = path.split(".")
    for length in range(len(steps), 0, -1):
        spot = locate(mine.body, ".".join(steps[:length]))
        if spot.missing is None:
            part = spot.holder[spot.key]
            found = next(
                (at for at, value in walk(mine.body) if value is part and at and at[-1] == spot.key), ()
            )
            return mine.line(found) or 1
    return mine.line() or 1
