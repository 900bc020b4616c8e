"""Touch: what a changed record means for the figures of its parents. Pure but for climbing over records in between.

In: rows with the image the figures know (`seen`) and the image as it is. Out: `Touches`: for every parent what has to be
added, compared or asked again. Locks and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from patron_engine.record.batch import Batch
from patron_engine.record.feeds import ALIVE, Feeds, Figure, Follower, Hop, feeds_of
from patron_engine.record.links import linked
from patron_engine.record.row import Row
from patron_engine.record.statements import Statement, any_of, compiled

Image = Mapping[str, Any]


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


def gather(batch: Batch, rows: Sequence[Row], blamed: Mapping[str, Mapping[str, Touch]]) -> Touches:
    """Compares each row's images, says what they touch, and takes the new image as seen. `blamed` are the touches
    that changed these rows, so that a grandparent's refusal reaches the record that was saved."""
    feeds = feeds_of(batch.programs)
    found: Touches = defaultdict(lambda: defaultdict(Touch))
    for row in rows:
        new = row.image()
        old, row.seen = row.seen, new
        changed = {n for n in new if old is None or old.get(n) != new[n]}
        if not changed and not row.raised:
            continue
        origins = _origins(row, blamed)
        _raise_master(row, found, origins)
        if not feeds.touches(row.object):
            continue
        for figure in feeds.figures.get(row.object, ()):
            _leaf(batch, figure, row, old, new, changed, origins, found)
        for figure, number in feeds.between.get(row.object, ()):
            _between(batch, figure, number, old, new, changed, origins, found)
        for figure in feeds.trees.get(row.object, ()):
            _moved(batch, figure, old, new, changed, origins, found)
        if old is not None:
            _followers(batch, feeds.followers.get(row.object, ()), row, changed, origins, found)
    return found


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


def _parents(image: Image | None, hop: Hop) -> list[str]:
    if image is None:
        return []
    return [id for object, id in linked(image.get(hop.link.name), hop.link) if object == hop.target]


def _mark(touch: Touch, origins: dict[int, tuple[Row, str]], link: str) -> Touch:
    for key, (row, named) in origins.items():
        touch.origins.setdefault(key, (row, named or link))
    return touch


def _leaf(
    batch: Batch, figure: Figure, row: Row, old: Image | None, new: Image, changed: set[str],
    origins: dict[int, tuple[Row, str]], found: Touches,
) -> None:  # fmt: skip
    hop = figure.hops[0]
    if figure.reads is not None and changed.isdisjoint(figure.reads | ALIVE | {hop.link.name}):
        return
    context = batch.environment.context
    was, now = _live(old), _live(new)
    if figure.where is not None:
        read = batch.programs[hop.object].in_base if not figure.document else dict
        was = was and old is not None and bool(figure.where(read(old), context))
        now = now and bool(figure.where(read(new), context))
    before = _parents(old, hop) if was else []
    after = _parents(new, hop) if now else []
    if not before and not after:
        return
    if len(figure.hops) > 1 or figure.tree is not None:
        for id in _climb(batch, figure, 1, {*before, *after}):
            _mark(found[figure.parent][id], origins, hop.link.name).again.add(figure.name)
            if figure.how == "watch":
                _watch(found[figure.parent][id], figure)
        return
    for id in dict.fromkeys((*before, *after)):
        touch = _mark(found[figure.parent][id], origins, hop.link.name)
        gone = old if id in before else None
        come = new if id in after else None
        _single(touch, figure, gone, come)


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
            touch.deltas[name] = touch.deltas.get(name, Decimal(0)) + delta
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
        return Decimal(0)
    if key is None:
        return Decimal(1)
    value = image.get(key)
    if value is None:
        return Decimal(0)
    return Decimal(1) if figure.function == "count" else Decimal(value)


def _between(
    batch: Batch, figure: Figure, number: int, old: Image | None, new: Image, changed: set[str],
    origins: dict[int, tuple[Row, str]], found: Touches,
) -> None:  # fmt: skip
    """A record between the figure and its records moved, came or went."""
    hop = figure.hops[number]
    if changed.isdisjoint(ALIVE | {hop.link.name}) or (old is None and figure.how != "watch"):
        return  # a new record has nothing below it yet
    above = {*(_parents(old, hop) if _live(old) else ()), *(_parents(new, hop) if _live(new) else ())}
    for id in _climb(batch, figure, number + 1, above):
        touch = _mark(found[figure.parent][id], origins, hop.link.name)
        touch.again.add(figure.name)
        if figure.how == "watch":
            _watch(touch, figure)


def _moved(
    batch: Batch, figure: Figure, old: Image | None, new: Image, changed: set[str],
    origins: dict[int, tuple[Row, str]], found: Touches,
) -> None:  # fmt: skip
    """A record of the tree moved: everything above its old and its new place changes."""
    tree = figure.tree or ""
    if changed.isdisjoint(ALIVE | {tree}) or old is None:
        return
    places = {i for image in (old, new) if _live(image) and (i := image.get(tree))}
    for id in _upwards(batch, figure.parent, tree, places):
        _mark(found[figure.parent][id], origins, tree).again.add(figure.name)


def _climb(batch: Batch, figure: Figure, number: int, ids: set[str]) -> set[str]:
    """From records at one hop up to the parents, then up the parents' tree for figures over trees."""
    for hop in figure.hops[number:]:
        if not ids:
            return ids
        ids = set(above(batch, hop, ids))
    if figure.tree is not None and ids:
        return _upwards(batch, figure.parent, figure.tree, ids)
    return ids


def above(batch: Batch, hop: Hop, ids: Iterable[str]) -> list[str]:
    """The records that `ids` of the hop's object point at."""

    def make() -> Statement:
        program = batch.programs[hop.object]
        if hop.link.link.many:
            table = batch.call.tables.link(hop.link)
            return compiled(sa.select(table.c.target).where(any_of(table.c.record)).distinct())
        column = program.table.c[hop.link.column.name]
        chosen = sa.select(column).where(any_of(program.table.c.id), column.is_not(None)).distinct()
        if hop.link.link.several:
            kind = program.table.c[hop.link.part("object").name]
            chosen = chosen.where(kind == sa.literal(hop.target, sa.Text()))
        return compiled(chosen)

    statement = batch.programs.keep(("touch.above", hop.object, hop.link.name, hop.target), make)
    return [row[0] for row in statement.run(batch.conn, ids=sorted(ids))]


def below(batch: Batch, hop: Hop, ids: Iterable[str]) -> list[str]:
    """The records of the hop's object that point at one of `ids`."""

    def make() -> Statement:
        program = batch.programs[hop.object]
        table, column = program.table, program.table.c[hop.link.column.name]
        chosen = sa.select(table.c.id).where(any_of(column), table.c.deleted_at.is_(None))
        if hop.link.link.several:
            kind = table.c[hop.link.part("object").name]
            chosen = chosen.where(kind == sa.literal(hop.target, sa.Text()))
        return compiled(chosen)

    statement = batch.programs.keep(("touch.below", hop.object, hop.link.name, hop.target), make)
    return [row[0] for row in statement.run(batch.conn, ids=sorted(ids))]


def _upwards(batch: Batch, object: str, tree: str, ids: Iterable[str]) -> set[str]:
    """The records and everything above them in their tree."""

    def make() -> Statement:
        program = batch.programs[object]
        table, column = program.table, program.table.c[program.fields[tree].column.name]
        up = sa.select(table.c.id, column.label("parent")).where(any_of(table.c.id)).cte("up", recursive=True)
        up = up.union(sa.select(table.c.id, column).where(table.c.id == up.c.parent))
        return compiled(sa.select(up.c.id))

    statement = batch.programs.keep(("touch.tree", object, tree), make)
    wanted = sorted(ids)
    return {row[0] for row in statement.run(batch.conn, ids=wanted)} if wanted else set()


def _followers(
    batch: Batch, followers: Sequence[Follower], row: Row, changed: set[str],
    origins: dict[int, tuple[Row, str]], found: Touches,
) -> None:  # fmt: skip
    """Stored formulas of records below that read what changed here."""
    for follower in followers:
        if follower.reads not in changed and changed.isdisjoint({"deleted_at"}):
            continue
        ids: Iterable[str] = [row.id]
        for hop in reversed(follower.hops):
            ids = below(batch, hop, ids)
            if not ids:
                break
        for id in ids:
            _mark(found[follower.object][id], origins, "").formulas.add(follower.name)


def empty(feeds: Feeds, rows: Sequence[Row]) -> bool:
    """True when no figure anywhere depends on these rows."""
    return not any(feeds.touches(r.object) or r.program.object.master for r in rows)
