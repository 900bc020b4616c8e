"""Change: one layer's changes to a document of a layer below, applied element by element, property by property.

In: a Draft (the body so far, with where each part came from) and a `change` document. Out: the Draft, changed, and
Problems for what the change names and is not there. The bodies of lower layers are never touched: a Draft copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from patron_engine.meta.compare import join
from patron_engine.meta.document import Document, Path, element_name, find_element
from patron_engine.meta.languages import is_texts
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """Which document gave a part, and where it stands there."""

    document: Document
    path: Path


@dataclass(slots=True, kw_only=True)
class Draft:
    """A body while layers are put on it.

    given    path by names -> who gave it; the nearest entry above a path counts
    removed  path of a hidden element -> what it was, and who hid it
    """

    base: Document
    body: dict[str, Any]
    given: dict[str, Contribution]
    removed: dict[str, tuple[Any, Contribution]] = field(default_factory=dict)
    hidden: Contribution | None = None

    @classmethod
    def of(cls, document: Document) -> Draft:
        given = {"": Contribution(document=document, path=())}
        return cls(base=document, body=copied(document.body), given=given)

    def give(self, path: str, contribution: Contribution) -> None:
        """What stands at `path` and below comes from there now."""
        for known in [k for k in self.given if k.startswith(f"{path}.")]:
            del self.given[known]
        self.given[path] = contribution


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place in a body: `holder[key]`, and its path by today's names. `missing`: the first step that is not there."""

    holder: Any
    key: Any
    path: str
    missing: str | None = None
    known: tuple[str, ...] = ()


def copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: copied(v) for k, v in value.items()}
    return [copied(v) for v in value] if isinstance(value, list) else value


def locate(body: Any, text: str) -> _Spot:
    """Follows a path by names: keys of maps, names (or former names) of elements. Both may hold dots."""
    holder, key, here, path = None, None, body, ""
    rest = text.split(".")
    while rest:
        found = _step(here, rest)
        if found is None:
            known = tuple(here) if isinstance(here, Mapping) else _names(here)
            if isinstance(here, Mapping):
                return _Spot(here, ".".join(rest), join(path, ".".join(rest)), missing=rest[0], known=known)
            return _Spot(None, None, path, missing=".".join(rest), known=known)
        taken, holder, key = found[0], here, found[1]
        here = holder[key]
        path = join(path, str(key) if isinstance(holder, Mapping) else str(element_name(here)))
        rest = rest[taken:]
    return _Spot(holder, key, path)


def _names(items: Any) -> tuple[str, ...]:
    names = [element_name(item) for item in items] if isinstance(items, list) else []
    return tuple(name for name in names if name)


def _step(here: Any, rest: list[str]) -> tuple[int, Any] | None:
    for taken in range(1, len(rest) + 1):
        name = ".".join(rest[:taken])
        if isinstance(here, Mapping) and name in here:
            return taken, name
        if isinstance(here, list):
            index = find_element(here, name)
            if index is not None:
                return taken, index
    return None


def apply_change(draft: Draft, change: Document) -> list[Problem]:
    """Puts the change onto the draft; what it cannot do is told and left out.

    Elements move before others are added beside them, but for those that move beside an added one.
    """
    problems = list(_set(draft, change))
    waiting = [
        entry for entry in _entries(change, "move") if not _move(draft, change, entry, problems, last=False)
    ]
    problems.extend(_add(draft, change))
    for entry in waiting:
        _move(draft, change, entry, problems, last=True)
    problems.extend(_remove(draft, change))
    return problems


def _entries(change: Document, key: str) -> Iterator[tuple[Path, str, Any]]:
    value = change.body.get(key)
    if isinstance(value, Mapping):
        yield from (((key, path), path, item) for path, item in value.items())


def _set(draft: Draft, change: Document) -> Iterator[Problem]:
    for at, text, value in _entries(change, "set"):
        spot = locate(draft.body, text)
        if spot.holder is None and value is not None:
            spot, value = _below_a_plain_element(draft.body, text, spot, value)
        if spot.path.split(".")[0] in ("kind", "name", "was"):
            hint = "a document keeps its name; write a new one"
            what = Phrase("{text!r} cannot be changed by a change", text=text)
            yield _problem(change, at, "not_changeable", what, hint)
        elif spot.holder is None:
            yield _unknown(change, at, spot)
        elif value is None and isinstance(spot.holder, list):
            what = Phrase("{text!r} is an element of a list", text=text)
            yield _problem(change, at, "not_a_key", what, Phrase("write remove: [{text}]", text=text))
        elif spot.missing is None:
            _merge(draft, spot, value, Contribution(document=change, path=at))
        elif value is not None:
            _deepen(draft, spot, text, copied(value), Contribution(document=change, path=at))


def _below_a_plain_element(body: Any, text: str, spot: _Spot, value: Any) -> tuple[_Spot, Any]:
    """`options.won.label` where won stands as a plain text: the element, and the map it gets."""
    missing = spot.missing or ""
    element = locate(body, text.removesuffix(f".{missing}"))
    if not isinstance(element.holder, list) or not isinstance(element.holder[element.key], str):
        return spot, value
    for step in reversed(missing.split(".")):
        value = {step: value}
    return element, value


def _deepen(draft: Draft, spot: _Spot, text: str, value: Any, by: Contribution) -> None:
    """A key that is not there yet, maybe with maps between: `claim.per_day` where there is no claim."""
    steps = str(spot.key).split(".")
    for step in reversed(steps[1:]):
        value = {step: value}
    spot.holder[steps[0]] = value
    draft.give(spot.path, by)


def _merge(draft: Draft, spot: _Spot, value: Any, by: Contribution) -> None:
    old = spot.holder[spot.key]
    if value is None:
        del spot.holder[spot.key]
        draft.give(spot.path, by)
        return
    if isinstance(old, str) and isinstance(value, Mapping) and isinstance(spot.holder, list):
        old = {_named_by(spot): old.removeprefix("-")}  # a plain element gets properties
        spot.holder[spot.key] = old
    if isinstance(old, str) and is_texts(value):
        old = spot.holder[spot.key] = {"en": old} if "en" not in value else {}
    if not (isinstance(old, dict) and isinstance(value, Mapping)):
        spot.holder[spot.key] = copied(value)
        draft.give(spot.path, by)
        return
    for key, inner in value.items():
        below = Contribution(document=by.document, path=(*by.path, key))
        if key in old:
            _merge(draft, _Spot(old, key, join(spot.path, key)), inner, below)
        elif inner is not None:
            old[key] = copied(inner)
            draft.give(join(spot.path, key), below)


def _named_by(spot: _Spot) -> str:
    listed = spot.path.split(".")
    return "name" if "options" in listed or "related" in listed else "field"


def _add(draft: Draft, change: Document) -> Iterator[Problem]:
    for at, text, items in _entries(change, "add"):
        spot = locate(draft.body, text)
        if spot.holder is None:
            yield _unknown(change, at, spot)
            continue
        if spot.missing is not None:
            _deepen(draft, spot, text, [], Contribution(document=change, path=at))
            spot = locate(draft.body, text)
        target = spot.holder[spot.key]
        if not isinstance(target, list):
            what = Phrase("{text!r} is no list: nothing can be added", text=text)
            yield _problem(change, at, "not_a_list", what, "use set")
            continue
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield from _add_one(draft, change, (*at, index), spot.path, target, item)


def _add_one(
    draft: Draft, change: Document, at: Path, path: str, target: list[Any], item: Any
) -> Iterator[Problem]:
    name = element_name(item)
    if name is None:
        target.append(copied(item))
        draft.give(path, Contribution(document=change, path=at[:-1]))
        return
    if find_element(target, name) is not None:
        hint = "change it by set, or choose another name"
        what = Phrase("there is an element {name!r} in {path} already", name=name, path=path)
        yield _problem(change, at, "element_exists", what, hint)
        return
    element, neighbour = copied(item), None
    if isinstance(element, dict):
        beside = [key for key in ("after", "before") if isinstance(element.get(key), str)]
        neighbour = {key: element.pop(key) for key in beside}
        if set(element) == {"name"} and target and all(isinstance(other, str) for other in target):
            element = name
    index, fault = _position(target, neighbour or {})
    if fault is not None:
        what = Phrase("{fault!r} is not in {path}", fault=fault, path=path)
        yield _problem(change, at, "unknown_element", what, nearest(fault, _names(target)))
    target.insert(index, element)
    draft.give(join(path, name), Contribution(document=change, path=at))


def _position(target: list[Any], neighbour: Mapping[str, Any]) -> tuple[int, str | None]:
    for key, offset in (("after", 1), ("before", 0)):
        name = neighbour.get(key)
        if isinstance(name, str):
            index = find_element(target, name)
            return (len(target), name) if index is None else (index + offset, None)
    return len(target), None


def _move(
    draft: Draft, change: Document, entry: tuple[Path, str, Any], problems: list[Problem], *, last: bool
) -> bool:
    """Moves one element; False where its neighbour is not there (yet: unless `last`, which tells it)."""
    at, text, neighbour = entry
    spot = locate(draft.body, text)
    if spot.missing is not None or not isinstance(spot.holder, list):
        if last:
            problems.append(_unknown(change, at, spot))
        return False
    element = spot.holder.pop(spot.key)
    index, fault = _position(spot.holder, neighbour if isinstance(neighbour, Mapping) else {})
    spot.holder.insert(index if fault is None else spot.key, element)
    if fault is not None and last:
        hint = nearest(fault, _names(spot.holder))
        what = Phrase("{fault!r} is not beside {text!r}", fault=fault, text=text)
        problems.append(_problem(change, at, "unknown_element", what, hint))
    return fault is None


def _remove(draft: Draft, change: Document) -> Iterator[Problem]:
    removed = change.body.get("remove")
    for index, text in enumerate(removed if isinstance(removed, list) else ()):
        at: Path = ("remove", index)
        by = Contribution(document=change, path=at)
        if text == "*":
            draft.hidden = by
            continue
        if not isinstance(text, str):
            continue
        spot = locate(draft.body, text)
        if spot.missing is not None:
            yield _unknown(change, at, spot)
        elif not isinstance(spot.holder, list):
            hint = Phrase("write set: {{{text}: null}}", text=text)
            what = Phrase("{text!r} is a key, no element of a list", text=text)
            yield _problem(change, at, "not_an_element", what, hint)
        else:
            draft.removed[spot.path] = (spot.holder.pop(spot.key), by)


def _unknown(change: Document, at: Path, spot: _Spot) -> Problem:
    step, _, _ = (spot.missing or "").partition(".")
    message = Phrase("there is no {missing!r} in {path}", missing=spot.missing, path=spot.path or change.name)
    there = Phrase("there are {known}", known=list(spot.known[:12])) if spot.known else None
    return _problem(change, at, "unknown_element", message, nearest(step, spot.known) or there)


def _problem(change: Document, at: Path, code: str, message: str, hint: str | None) -> Problem:
    return Problem(code=code, message=message, hint=hint, **change.where(at))
