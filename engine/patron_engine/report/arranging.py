"""Arranging: in which order members are shown, which of them stand for themselves, which empty periods are between them.

In: a Plan, its figures by key, what members are called. Out: row keys and column keys in their order, the members that are kept. What
is empty comes last, the rest after it. Groups are sorted level by level: the members of one group under the same members above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from patron_engine.expr.context import Context
from patron_engine.expr.functions.periods import period
from patron_engine.fields.pinyin import sort_key
from patron_engine.report.answer import REST, Key
from patron_engine.report.formulas import Values
from patron_engine.report.groups import Group
from patron_engine.report.plan import Plan

Titles = Mapping[tuple[str, Any], str]


@dataclass(frozen=True, slots=True)
class Order:
    """How the members of a plan's groups follow one another."""

    plan: Plan
    values: Values
    titles: Titles

    def rows(self, keys: Iterable[Key]) -> list[Key]:
        return self._sorted(keys, self.plan.rows, self.plan.sort, lambda key: (key, ()))

    def rows_of(self, firsts: Iterable[Key]) -> list[Key]:
        """The same for members of the first row group alone."""
        return self._sorted(firsts, self.plan.rows[:1], self.plan.sort, lambda key: (key, ()))

    def columns(self, keys: Iterable[Key]) -> list[Key]:
        names = {n for g in self.plan.columns for n in (g.name, g.place.path)}
        sort = tuple(s for s in self.plan.sort if s[0] in names)
        return self._sorted(keys, self.plan.columns, sort, lambda key: ((), key))

    def _sorted(
        self,
        keys: Iterable[Key],
        groups: Sequence[Group],
        sort: Sequence[tuple[str, bool]],
        place: Callable[[Key], Any],
    ) -> list[Key]:
        return _level(list(dict.fromkeys(keys)), 0, [self._ranking(g, sort, place) for g in groups])

    def _ranking(
        self, group: Group, sort: Sequence[tuple[str, bool]], place: Callable[[Key], Any]
    ) -> Callable[[Key], Any]:
        """What decides the place of the last member of a key among its siblings. Where no figure does, a member stands in the same
        place under every other, and is looked at once."""
        own = ((group.sort.removeprefix("-"), group.sort.startswith("-")),) if group.sort else sort
        names = {f.name for f in self.plan.figures}
        natural = self._natural(group)
        parts = [(n, d) for n, d in own if n in names or n in (group.name, group.place.path)]

        def ranked(prefix: Key) -> Any:
            figures = self.values.get(place(prefix), {})
            here = [_ranked(figures.get(n) if n in names else natural(prefix[-1]), d) for n, d in parts]
            return (prefix[-1] is REST, *here, _ranked(natural(prefix[-1]), False))

        if any(n in names for n, _ in parts):
            return ranked
        known: dict[Any, Any] = {}

        def looked_up(prefix: Key) -> Any:
            member = prefix[-1]
            if member not in known:
                known[member] = ranked(prefix)
            return known[member]

        return looked_up

    def _natural(self, group: Group) -> Callable[[Any], Any]:
        """What a member is sorted by where no figure decides."""
        positions = {name: at for at, name in enumerate(group.options)}
        linked, numbers = group.linked, group.place.type.kind in ("number", "duration")

        def natural(member: Any) -> Any:
            if member is None or member is REST:
                return None
            if positions:
                return positions.get(member, len(positions))
            if linked:
                title = self.titles.get((group.name, member))
                return sort_key(title) if title else "\uffff" + str(member)
            return Decimal(member) if numbers and isinstance(member, str) else member

        return natural


def _level(keys: list[Key], depth: int, rankings: Sequence[Callable[[Key], Any]]) -> list[Key]:
    if depth == len(rankings) or not keys:
        return keys
    if depth + 1 == len(rankings):
        return sorted(keys, key=rankings[depth])
    below: dict[Any, list[Key]] = {}
    for one in keys:
        below.setdefault(one[: depth + 1], []).append(one)
    ordered = sorted(below, key=rankings[depth])
    return [k for prefix in ordered for k in _level(below[prefix], depth + 1, rankings)]


def _ranked(value: Any, descending: bool) -> Any:
    """A value as a sort key: empty last, whichever way."""
    if value is None:
        return (True,)
    if not descending:
        return (False, value)
    return (False, value.copy_negate() if isinstance(value, Decimal) else _falling(value))


@cmp_to_key
def _falling(a: Any, b: Any) -> int:
    return 0 if a == b else -1 if a > b else 1


# -- limits -----------------------------------------------------------------------------------------------------------


def limit_of(plan: Plan, place: int) -> int | None:
    """How many members of a group stand for themselves: the group's own limit, of the first row group the report's too."""
    limits = [plan.groups[place].limit, plan.limit if place == 0 and plan.rows else None]
    return min((n for n in limits if n is not None), default=None)


def first_members(plan: Plan, order: Order, most: int) -> list[Any] | None:
    """The first members of the plan's first row group, by their own figures over everything; None where all of them are."""
    firsts = list(dict.fromkeys(k[:1] for k, c in order.values if len(k) == 1 and not c))
    return [k[0] for k in order.rows_of(firsts)[:most]] if len(firsts) > most else None


# -- empty periods ----------------------------------------------------------------------------------------------------


def filled(
    keys: Sequence[Key], groups: Sequence[Group], context: Context, most: int
) -> tuple[list[Key], bool]:
    """The keys with those of empty periods between the first and the last, and whether they had to be left out."""
    found = list(dict.fromkeys(keys))
    for place, group in enumerate(groups):
        if not group.fill:
            continue
        members = periods_between([k[place] for k in found], group, context, most)
        if members is None:
            return list(keys), True
        seen = set(found)
        for above in dict.fromkeys(k[:place] for k in found):
            tails = dict.fromkeys(
                k[place + 1 :] for k in found if k[:place] == above and k[place] is not REST
            )
            if place + 1 < len(groups):
                continue  # an empty period has no members below it
            for member in members:
                key = (*above, member)
                if key not in seen and tails:
                    seen.add(key)
                    found.append(key)
        if len(found) > most:
            return list(keys), True
    return found, False


def periods_between(members: Sequence[Any], group: Group, context: Context, most: int) -> list[Any] | None:
    """All members from the first to the last; None for more than `most`."""
    known = sorted({m for m in members if m is not None and m is not REST})
    if not known or group.axis.kind not in ("period", "bucket"):
        return list(known)
    if not group.period:
        borders = {"hour": (0, 23), "weekday": (1, 7)}.get(group.axis.by or "", (0, len(group.axis.buckets)))
        return list(range(borders[0], borders[1] + 1))
    here, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    found = []
    while here <= last:
        found.append(here.isoformat())
        if len(found) > most:
            return None
        following = period(context, group.axis.by or "day", 1, here)
        if following is None:
            break
        here = following
    return found
