"""Touch: what a changed record means for the figures of its parents. Pure but for climbing over records in between.

In: rows with the image the figures know (`seen`) and the image as it is. Out: `Touches`: for every parent what has to be
added, compared or asked again. Locks and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from patron_engine.record.batch import Batch, by_object
from patron_engine.record.climb import above, below, upwards
from patron_engine.record.feeds import ALIVE, Feeds, Figure, Follower, Hop, feeds_of
from patron_engine.record.links import linked
from patron_engine.record.program import Closure
from patron_engine.record.row import Row
from patron_engine.record.trees import climbing, moving

Image = Mapping[str, Any]
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(slots=True)
class Touch:
    """What has to happen to one parent. `origins` are the saved rows behind it, with the field to blame."""

    deltas: dict[str, Decimal] = field(default_factory=dict)
    entering: dict[str, list[Any]] = field(default_factory=dict)
    leaving: dict[str, list[Any]] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    formulas: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)
    raised: bool = False
    origins: dict[int, tuple[Row, str]] = field(default_factory=dict)


Touches = dict[str, dict[str, Touch]]  # object -> id -> touch


@dataclass(slots=True, eq=False)
class Moved:
    """One row with its two images: as the figures knew it, and as it is. `changed` are the names that differ."""

    row: Row
    old: Image | None
    new: Image
    changed: frozenset[str]
    was: bool  # it counted before: neither deleted nor void
    now: bool
    origins: dict[int, tuple[Row, str]]


def gather(batch: Batch, rows: Sequence[Row], blamed: Mapping[str, Mapping[str, Touch]]) -> Touches:
    """Compares each row's images, says what they touch, and takes the new image as seen. `blamed` are the touches
    that changed these rows, so that a grandparent's refusal reaches the record that was saved."""
    feeds = feeds_of(batch.programs)
    found: Touches = defaultdict(lambda: defaultdict(Touch))
    for program, mine in by_object(rows):
        object = program.object.name
        if not feeds.touches(object) and program.object.master is None:
            continue
        moved = [m for row in mine if (m := _moved_row(row, blamed)) is not None]
        for one in moved if program.object.master is not None else ():
            _raise_master(one.row, found, one.origins)
        for figure in feeds.figures.get(object, ()):
            _leaf(batch, figure, moved, found)
        if not (object in feeds.between or object in feeds.trees or object in feeds.followers):
            continue
        for one in moved:
            for figure, number in feeds.between.get(object, ()):
                _between(batch, figure, number, one, found)
            for figure in feeds.trees.get(object, ()):
                _in_tree(batch, figure, one, found)
            if one.old is not None and object in feeds.followers:
                _followers(batch, feeds.followers[object], one, found)
    return found


def _moved_row(row: Row, blamed: Mapping[str, Mapping[str, Touch]]) -> Moved | None:
    new = row.image()
    old, row.seen = row.seen, new
    changed = row.program.kept_names if old is None else _differing(row.program.kept, old, new)
    if not changed and not row.raised:
        return None
    return Moved(
        row=row,
        old=old,
        new=new,
        changed=changed,
        was=_live(old),
        now=_live(new),
        origins=_origins(row, blamed),
    )


def _differing(names: Sequence[str], old: Image, new: Image) -> frozenset[str]:
    return frozenset(
        n for n in names if (value := new.get(n)) is not (before := old.get(n)) and value != before
    )


def _origins(row: Row, blamed: Mapping[str, Mapping[str, Touch]]) -> dict[int, tuple[Row, str]]:
    if row.own:
        return {id(row): (row, "")}
    touch = blamed.get(row.object, {}).get(row.id)
    return touch.origins if touch is not None else {}


def _raise_master(row: Row, found: Touches, origins: dict[int, tuple[Row, str]]) -> None:
    """A detail's own change raises its master's version."""
    master = row.program.object.master
    if master is None or not (row.raised or (row.own and row.changed)):
        return
    for object, id in linked(row.values.get(master), row.program.fields[master]):
        touch = found[object][id]
        touch.raised = True
        touch.origins.update(origins)


def _live(image: Image | None) -> bool:
    return image is not None and image.get("deleted_at") is None and image.get("voided_at") is None


def _parents(image: Image | None, hop: Hop) -> tuple[str, ...]:
    value = image.get(hop.link.name) if image is not None else None
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(id for object, id in linked(value, hop.link) if object == hop.target)


def _mark(touch: Touch, origins: dict[int, tuple[Row, str]], link: str) -> Touch:
    for key, (row, named) in origins.items():
        if key not in touch.origins:
            touch.origins[key] = (row, named or link)
    return touch


def _leaf(batch: Batch, figure: Figure, moved: Sequence[Moved], found: Touches) -> None:
    """One figure over all rows it is made of."""
    hop = figure.hops[0]
    link = hop.link.name
    watched = None if figure.reads is None else figure.reads | ALIVE | {link}
    single = len(figure.hops) == 1 and figure.tree is None
    parents = found[figure.parent]
    where, context = _where(batch, figure, hop), batch.environment.context
    for one in moved:
        if watched is not None and one.old is not None and watched.isdisjoint(one.changed):
            continue
        old = one.old if one.was else None
        before = _parents(old, hop) if old is not None and (where is None or where(old, context)) else ()
        after = _parents(one.new, hop) if one.now and (where is None or where(one.new, context)) else ()
        if not before and not after:
            continue
        if single:
            for id in after if before == after or not before else dict.fromkeys((*before, *after)):
                touch = _mark(parents[id], one.origins, link)
                _single(touch, figure, one.old if id in before else None, one.new if id in after else None)
            continue
        for id in _climb(batch, figure, 1, {*before, *after}):
            touch = _mark(parents[id], one.origins, link)
            touch.again.add(figure.name)
            if figure.how == "watch":
                _watch(touch, figure)
    if not parents:
        del found[figure.parent]


def _where(batch: Batch, figure: Figure, hop: Hop) -> Closure | None:
    """The figure's condition on an image of its record."""
    where, program = figure.where, batch.programs[hop.object]
    if where is None or figure.document or not program.bases:
        return where
    return lambda image, context: where(program.in_base(image), context)


def _watch(touch: Touch, figure: Figure) -> None:
    touch.again.discard(figure.name)
    touch.watched.add(figure.name)


def _single(touch: Touch, figure: Figure, gone: Image | None, come: Image | None) -> None:
    """One record of a figure over one link: what leaves and what enters."""
    name, key = figure.name, figure.value
    if figure.how == "watch":
        touch.watched.add(name)
    elif figure.how == "delta":
        delta = _counted(figure, come, key) - _counted(figure, gone, key)
        if delta:
            touch.deltas[name] = touch.deltas.get(name, ZERO) + delta
    elif figure.how == "compare" and key is not None:
        leaves = gone.get(key) if gone is not None else None
        enters = come.get(key) if come is not None else None
        if leaves == enters:
            return
        if leaves is not None:
            touch.leaving.setdefault(name, []).append(leaves)
        if enters is not None:
            touch.entering.setdefault(name, []).append(enters)
    else:
        touch.again.add(name)


def _counted(figure: Figure, image: Image | None, key: str | None) -> Decimal:
    if image is None:
        return ZERO
    if key is None:
        return ONE
    value = image.get(key)
    if value is None:
        return ZERO
    return ONE if figure.function == "count" else Decimal(value)


def _between(batch: Batch, figure: Figure, number: int, one: Moved, found: Touches) -> None:
    """A record between the figure and its records moved, came or went."""
    hop = figure.hops[number]
    if one.changed.isdisjoint(ALIVE | {hop.link.name}) or (one.old is None and figure.how != "watch"):
        return  # a new record has nothing below it yet
    above = {*(_parents(one.old, hop) if one.was else ()), *(_parents(one.new, hop) if one.now else ())}
    for id in _climb(batch, figure, number + 1, above):
        touch = _mark(found[figure.parent][id], one.origins, hop.link.name)
        touch.again.add(figure.name)
        if figure.how == "watch":
            _watch(touch, figure)


def _in_tree(batch: Batch, figure: Figure, one: Moved, found: Touches) -> None:
    """A record of the tree moved: everything above its old and its new place changes."""
    tree = figure.tree or ""
    if one.old is None or one.changed.isdisjoint(ALIVE | {tree}):
        return
    moving(batch, figure.parent, tree)
    places = {i for image in (one.old, one.new) if _alive(image) and (i := image.get(tree))}
    for id in upwards(batch, figure.parent, tree, places):
        _mark(found[figure.parent][id], one.origins, tree).again.add(figure.name)


def _alive(image: Image) -> bool:
    return image.get("deleted_at") is None


def _climb(batch: Batch, figure: Figure, number: int, ids: set[str]) -> set[str]:
    """From records at one hop up to the parents, then up the parents' tree for figures over trees."""
    for hop in figure.hops[number:]:
        if not ids:
            return ids
        ids = set(above(batch, hop, ids))
    if figure.tree is not None and ids:
        climbing(batch, figure.parent, figure.tree)
        return upwards(batch, figure.parent, figure.tree, ids)
    return ids


def _followers(batch: Batch, followers: Sequence[Follower], one: Moved, found: Touches) -> None:
    """Stored formulas of records below that read what changed here."""
    for follower in followers:
        if follower.reads not in one.changed and "deleted_at" not in one.changed:
            continue
        ids: Iterable[str] = [one.row.id]
        for hop in reversed(follower.hops):
            ids = below(batch, hop, ids)
            if not ids:
                break
        for id in ids:
            _mark(found[follower.object][id], one.origins, "").formulas.add(follower.name)


def empty(feeds: Feeds, rows: Sequence[Row]) -> bool:
    """True when no figure anywhere depends on these rows."""
    return not any(feeds.touches(r.object) or r.program.object.master for r in rows)
