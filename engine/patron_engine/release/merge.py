"""Merge: two people changed the same document since the same release.

In: three bodies: as it was, as it is published now, as the draft wants it. Out: one body with both people's changes, and
a Difference for every property that both changed to different values. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.meta.compare import MISSING, same
from patron_engine.meta.document import element_name, is_named_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A property both changed. `base` is what it was; MISSING is shown as None."""

    document: str
    path: str
    base: Any
    theirs: Any
    mine: Any

    def as_dict(self) -> dict[str, Any]:
        values = {
            n: None if v is MISSING else v
            for n, v in zip(("base", "theirs", "mine"), self._three, strict=True)
        }
        return {"document": self.document, "path": self.path, **values}

    @property
    def _three(self) -> tuple[Any, Any, Any]:
        return (self.base, self.theirs, self.mine)


def merge(document: str, base: Any, theirs: Any, mine: Any) -> tuple[Any, tuple[Clash, ...]]:
    """The body with both changes (None: the document is gone), and what clashes.

    >>> merge("d", {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 3})
    ({'a': 2, 'b': 3}, ())
    """
    clashes: list[Clash] = []
    b, t, m = (MISSING if v is None else v for v in (base, theirs, mine))
    merged = _merge(document, "", b, t, m, clashes)
    return (None if merged is MISSING else merged), tuple(clashes)


def _merge(document: str, path: str, base: Any, theirs: Any, mine: Any, clashes: list[Clash]) -> Any:
    if _equal(theirs, base):
        return mine
    if _equal(mine, base) or _equal(theirs, mine):
        return theirs
    if isinstance(theirs, Mapping) and isinstance(mine, Mapping):
        before = base if isinstance(base, Mapping) else {}
        return _maps(document, path, before, theirs, mine, clashes)
    if is_named_list(theirs) and is_named_list(mine):
        before = base if is_named_list(base) else []
        return _lists(document, path, before, theirs, mine, clashes)
    clashes.append(Clash(document=document, path=path, base=base, theirs=theirs, mine=mine))
    return theirs


def _maps(
    document: str,
    path: str,
    base: Mapping[str, Any],
    theirs: Mapping[str, Any],
    mine: Mapping[str, Any],
    clashes: list[Clash],
) -> dict[str, Any]:
    made = {}
    for key in dict.fromkeys((*theirs, *mine)):
        here = f"{path}.{key}" if path else str(key)
        value = _merge(
            document, here, base.get(key, MISSING), theirs.get(key, MISSING), mine.get(key, MISSING), clashes
        )
        if value is not MISSING:
            made[key] = value
    return made


def _lists(
    document: str, path: str, base: list[Any], theirs: list[Any], mine: list[Any], clashes: list[Clash]
) -> list[Any]:
    """Element by element, in the published order; what only the draft has stands after its neighbour there."""
    at = [{element_name(item): item for item in items} for items in (base, theirs, mine)]
    order = [element_name(i) for i in theirs]
    for index, item in enumerate(mine):
        name = element_name(item)
        if name not in order:
            before = element_name(mine[index - 1]) if index else None
            order.insert(order.index(before) + 1 if before in order else 0, name)
    made = []
    for name in order:
        here = f"{path}.{name}" if path else str(name)
        b, t, m = (known.get(name, MISSING) for known in at)
        value = _merge(document, here, b, t, m, clashes)
        if value is not MISSING:
            made.append(value)
    return made


def _equal(a: Any, b: Any) -> bool:
    if a is MISSING or b is MISSING:
        return a is b
    return same(a, b)
