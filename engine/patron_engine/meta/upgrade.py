"""Upgrade: the workspace's changes meet a new version of the document they change.

In: the document as it was when the change was made (base), as it is in the new version (theirs), and the change.
Out: an Upgrade: per property what is taken, what is kept, and where both changed it a Conflict with both values and
the base. Nothing is decided here; `resolved` makes the next change once a person has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from patron_engine.meta.change import copied, locate
from patron_engine.meta.compare import MISSING, compare, join, same
from patron_engine.meta.document import Body, Document, element_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Both changed one property. MISSING: it is not there."""

    path: str
    base: Any
    theirs: Any
    mine: Any
    entry: tuple[str, str]  # ("set" | "add" | "move" | "remove", the change's path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """taken: paths only the new version changed; kept: paths only the workspace changed."""

    change: Document
    conflicts: tuple[Conflict, ...]
    taken: tuple[str, ...]
    kept: tuple[str, ...]
    obsolete: tuple[tuple[str, str], ...]  # entries that say what the new version says by itself

    def resolved(self, choices: Mapping[str, Literal["mine", "theirs"]], version: str) -> Document | None:
        """The change against the new version; None when nothing is left of it. Every conflict must be in `choices`:
        KeyError names the first that is not."""
        dropped = set(self.obsolete)
        for conflict in self.conflicts:
            if choices[conflict.path] == "theirs":
                dropped.add(_leaf(conflict))
        body = _without(self.change.body, dropped)
        if not any(key in body for key in ("set", "add", "move", "remove")):
            return None
        return replace(self.change, body={**body, "against": version})


def upgrade(base: Body, theirs: Body, change: Document) -> Upgrade:
    conflicts: list[Conflict] = []
    kept: list[str] = []
    obsolete: list[tuple[str, str]] = []
    for entry, path, mine in _entries(base, change):
        before, after = _value(base, path), _value(theirs, path)
        if entry[0] == "set":
            gone = _value(base, _owner(path)) is not MISSING and _value(theirs, _owner(path)) is MISSING
            verdict = "conflict" if gone else _verdict(before, after, mine)
        elif entry[0] == "add":
            verdict = "kept" if after is MISSING else "obsolete" if _same_element(after, mine) else "conflict"
        else:  # moved and hidden elements: what is gone needs neither
            verdict = "obsolete" if after is MISSING else "kept"
        if verdict == "conflict":
            conflicts.append(Conflict(path=path, base=before, theirs=after, mine=mine, entry=entry))
        elif verdict == "obsolete":
            obsolete.append(
                (entry[0], path if entry[0] == "set" else join(entry[1], str(element_name(mine))))
            )
        else:
            kept.append(path)
    touched = {c.path for c in conflicts} | set(kept) | {path for _, path in obsolete}
    taken = tuple(each.path for each in compare(base, theirs) if each.path not in touched)
    return Upgrade(
        change=change, conflicts=tuple(conflicts), taken=taken, kept=tuple(kept), obsolete=tuple(obsolete)
    )


def _verdict(base: Any, theirs: Any, mine: Any) -> str:
    if same(theirs, mine) and not same(base, mine):
        return "obsolete"
    return "kept" if same(base, theirs) else "conflict"


def _entries(base: Body, change: Document) -> Iterator[tuple[tuple[str, str], str, Any]]:
    """The change leaf by leaf: (entry, path, my value)."""
    body = change.body
    for path, value in _map(body.get("set")).items():
        for leaf, mine in _leaves(_value(base, path), path, value):
            yield ("set", path), leaf, mine
    for path, items in _map(body.get("add")).items():
        for item in items if isinstance(items, list) else ():
            name = element_name(item)
            if name is not None:
                yield ("add", path), join(path, name), item
    for path, neighbour in _map(body.get("move")).items():
        yield ("move", ""), path, {"name": path, **_map(neighbour)}
    for path in body.get("remove") or ():
        if path != "*":
            yield ("remove", ""), str(path), path


def _leaves(base: Any, path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Maps merge, so each key of a map that is in the base too is a property of its own."""
    if isinstance(value, Mapping) and isinstance(base, Mapping):
        for key, inner in value.items():
            yield from _leaves(base.get(key, MISSING), join(path, key), inner)
    else:
        yield path, MISSING if value is None else value


def _owner(path: str) -> str:
    return path.rpartition(".")[0]


def _value(body: Body, path: str) -> Any:
    if not path:
        return body
    spot = locate(body, path)
    return MISSING if spot.missing is not None or spot.holder is None else spot.holder[spot.key]


def _same_element(theirs: Any, mine: Any) -> bool:
    plain = (
        {k: v for k, v in mine.items() if k not in ("after", "before")} if isinstance(mine, Mapping) else mine
    )
    return same(theirs, plain)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _leaf(conflict: Conflict) -> tuple[str, str]:
    return (conflict.entry[0], conflict.path)


def _without(body: Body, dropped: set[tuple[str, str]]) -> dict[str, Any]:
    """The body without the entries at these paths; what is left empty goes too."""
    left: dict[str, Any] = {k: v for k, v in body.items() if k not in ("set", "add", "move", "remove")}
    sets = {p: _pruned(copied(v), p, dropped) for p, v in _map(body.get("set")).items()}
    adds = {
        path: [i for i in items if ("add", join(path, str(element_name(i)))) not in dropped]
        for path, items in _map(body.get("add")).items()
    }
    moves = {p: v for p, v in _map(body.get("move")).items() if ("move", p) not in dropped}
    removes = [p for p in body.get("remove") or () if ("remove", p) not in dropped]
    for key, value in (
        ("set", {p: v for p, v in sets.items() if v is not MISSING}),
        ("add", {p: v for p, v in adds.items() if v}),
        ("move", moves),
        ("remove", removes),
    ):
        if value:
            left[key] = value
    return left


def _pruned(value: Any, path: str, dropped: set[tuple[str, str]]) -> Any:
    if ("set", path) in dropped:
        return MISSING
    if not isinstance(value, dict) or not value:
        return value
    inner = {key: _pruned(item, join(path, key), dropped) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item is not MISSING} or MISSING
