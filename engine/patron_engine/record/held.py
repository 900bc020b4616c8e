"""Held: records whose values a saved record keeps a copy of stay as they are until the save ends.

A stored formula (`account.name`) and a search row (`search: [account.name]`) hold what stands behind a link. Whoever
changes that value brings the copies up to date; a save that points there at the same moment would be seen by nobody.
So the link's target, and what stands behind it along the same path, is locked against changes.

In: the release's stored formulas and search paths. Out: for each link that is read through, how strongly its targets are
locked and which links lead on. What the save's own roll-ups will change anyway is locked as strongly at once, for two
saves that both raise a shared lock would wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from patron_engine.record.batch import Batch
from patron_engine.record.climb import above
from patron_engine.record.feeds import Feeds, Hop, feeds_of
from patron_engine.record.program import Program, Programs
from patron_engine.record.search import showing
from patron_engine.record.statements import ByIds, by_ids

Strength = Literal["stays", "same", "own"]
# stays: it is not deleted meanwhile; same: nobody changes it; own: nobody changes it, and this save will


@dataclass(frozen=True, slots=True)
class Held:
    """What is read through one link of an object: `onward` are the links that lead on from its target."""

    onward: list[Hop] = field(default_factory=list)


Through = Mapping[tuple[str, str, str], Held]  # object, link, target


def through(programs: Programs) -> Through:
    """The links of a release that are read through."""
    found: Through = programs.keep("held.through", lambda: _through(programs))
    return found


def _through(programs: Programs) -> Through:
    found: dict[tuple[str, str, str], Held] = defaultdict(Held)
    chains = [f.hops for fs in feeds_of(programs).followers.values() for f in fs]
    chains += [s.hops for shown in showing(programs).values() for s in shown]
    for hops in chains:
        for number, hop in enumerate(hops):
            held = found[(hop.object, hop.link.name, hop.target)]
            held.onward.extend(h for h in hops[number + 1 : number + 2] if h not in held.onward)
    return dict(found)


def strength(programs: Programs, object: str, links: Collection[str], target: str) -> Strength:
    """How strongly the targets of an object's links are locked. A master is always changed by its details: were it locked
    only then, a detail by itself would take its number first and its master after, and the master's save the other way."""
    if programs[object].object.master in links:
        return "own"
    known = through(programs)
    if not any((object, link, target) in known for link in links):
        return "stays"
    return "own" if target in reached(programs, object) else "same"


def reached(programs: Programs, object: str) -> frozenset[str]:
    """The objects whose stored roll-ups a save of an object may change."""
    found: frozenset[str] = programs.keep(
        ("held.reached", object), lambda: _reached(feeds_of(programs), object)
    )
    return found


def _reached(feeds: Feeds, object: str) -> frozenset[str]:
    found: set[str] = set()
    rest = [object]
    while rest:
        parents = {f.parent for f in feeds.figures.get(rest.pop(), ()) if f.how != "watch"} - found
        found |= parents
        rest += parents
    return frozenset(found)


def lock(programs: Programs, program: Program, how: Strength) -> ByIds:
    """Live records by id, locked, in the order of their ids."""

    def make() -> ByIds:
        table = program.table
        chosen = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
        own, shared = how == "own", how == "stays"
        return by_ids(table.c.id, chosen.with_for_update(read=not own, key_share=own or shared).where)

    found: ByIds = programs.keep(("held.lock", program.object.name, how), make)
    return found


def hold_onward(batch: Batch, object: str, link: str, target: str, ids: Sequence[str]) -> None:
    """Locks what stands behind targets that are locked already, step by step."""
    held = through(batch.programs).get((object, link, target))
    for hop in held.onward if held is not None else ():
        beyond = above(batch, hop, ids)
        if beyond:
            how: Strength = "own" if hop.target in reached(batch.programs, object) else "same"
            lock(batch.programs, batch.programs[hop.target], how).run(batch.conn, sorted(beyond))
            hold_onward(batch, hop.object, hop.link.name, hop.target, beyond)
