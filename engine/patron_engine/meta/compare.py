"""Compare: two bodies of one document, property by property and element by element.

In: two plain bodies. Out: Differences in the order of the newer body. Elements of named lists are matched by name, and
by `was` where the newer one renames; other lists and scalars are compared whole. Computed changes, upgrades and the
printed diff are all made of this.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from patron_engine.meta.document import element_name, former_names, is_named_list

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "(nothing)", "__bool__": lambda self: False})()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that differs.

    path  by names: "fields.amount.label.zh-CN"; of a renamed element by its old name
    what  set (old and new value; old is MISSING for a new key), unset (a key is gone), add, remove (elements),
          move (the element stands elsewhere), rename (the `name` of an element, which keeps the old one in `was`)
    list_path      of add, remove and move: the list
    after, before  of add and move: the element it follows in the newer body, else the one it comes before. A move
                   names only elements that are in both bodies, so moves can be made before anything is added
    """

    path: str
    what: Literal["set", "unset", "add", "remove", "move", "rename"]
    old: Any = MISSING
    new: Any = MISSING
    list_path: str = ""
    after: str | None = None
    before: str | None = None


def compare(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _maps(old, new, path)
    elif is_named_list(old) and is_named_list(new):
        yield from _lists(old, new, path)
    elif not same(old, new):
        yield Difference(path=path, what="set", old=old, new=new)


def same(old: Any, new: Any) -> bool:
    """Equal in value and in kind: true is not 1."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(same(old[k], new[k]) for k in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)


def _maps(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key, value in new.items():
        here = join(path, key)
        if key not in old:
            yield Difference(path=here, what="set", new=value)
        else:
            yield from compare(old[key], value, here)
    for key, value in old.items():
        if key not in new:
            yield Difference(path=join(path, key), what="unset", old=value)


def _lists(old: list[Any], new: list[Any], path: str) -> Iterator[Difference]:
    before = {str(element_name(item)): item for item in old}
    matched = {str(element_name(item)): _old_name(item, before) for item in new}
    kept = [name for name in matched.values() if name is not None]
    for name, item in before.items():
        if name not in kept:
            yield Difference(path=join(path, name), what="remove", old=item, list_path=path)
    order = [name for name in before if name in kept]
    moved = _moved(order, kept)
    previous = behind = None  # the element before this one; the same among those that both bodies have
    for item in new:
        name = str(element_name(item))
        was = matched[name]
        if was is None:
            first = None if previous else next(iter(kept), None)
            yield Difference(
                path=join(path, name), what="add", new=item, list_path=path, after=previous, before=first
            )
        else:
            here = join(path, was)
            yield from _element(before[was], item, here)
            if was in moved:
                first = None if behind else order[0]
                yield Difference(path=here, what="move", list_path=path, after=behind, before=first)
            behind = name
        previous = name


def _element(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for each in _maps(old, new, path):
            renamed = each.path == join(path, "name") and element_name(old) != element_name(new)
            yield replace(each, what="rename") if renamed else each
    elif not same(old, new):
        yield Difference(path=path, what="set", old=old, new=new)


def _old_name(item: Any, before: Mapping[str, Any]) -> str | None:
    name = element_name(item)
    if name in before:
        return name
    former = former_names(item) if isinstance(item, Mapping) else ()
    return next((old for old in former if old in before), None)


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The fewest names that must move to turn one order into the other (all but a longest rising run)."""
    place = {name: index for index, name in enumerate(before)}
    ranks = [place[name] for name in after]
    tails: list[int] = []
    ends: list[int] = []
    came_from: list[int] = []
    for index, rank in enumerate(ranks):
        at = bisect_left(tails, rank)
        came_from.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [rank]
        ends[at : at + 1] = [index]
    stay, index = set(), ends[-1] if ends else -1
    while index >= 0:
        stay.add(after[index])
        index = came_from[index]
    return set(after) - stay


def join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
