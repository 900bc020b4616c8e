"""Choosing: one of several people gets a record: in turn, whoever has the least, or by chance. Pure.

In: people in the order the words of a definition have, what was given before, what each has. Out: for each record who gets it, None
where nobody may. Steps (`assign`) and assignments choose by the same rules; where the turns and loads come from is theirs
(flow/turns).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final

WAYS: Final = ("turns", "load", "random")


def without(people: Sequence[str], absent: Collection[str]) -> list[str]:
    """Those who are there, in their order."""
    return [person for person in people if person not in absent]


def in_turns(people: Sequence[str], served: Mapping[str, int], count: int = 1) -> list[str | None]:
    """Whoever waited longest gets the next; who never got one comes first, in the order given. `served` is person -> the number
    of the turn in which he was served last: people may come, go and be left out without anybody losing his place.

    >>> in_turns(["a", "b", "c"], {"a": 7, "b": 3}, 4)
    ['c', 'b', 'a', 'c']
    """
    if not people:
        return [None] * count
    last = max(served.values(), default=0)
    turns = {person: served.get(person, 0) for person in people}
    order = {person: place for place, person in enumerate(people)}
    found: list[str | None] = []
    for number in range(count):
        person = min(turns, key=lambda p: (turns[p], order[p]))
        turns[person] = last + number + 1
        found.append(person)
    return found


def by_load(
    people: Sequence[str], load: Mapping[str, int], count: int = 1, most: int | None = None
) -> list[str | None]:
    """Whoever has the least; among equals the first. Nobody gets more than `most`.

    >>> by_load(["a", "b"], {"a": 2}, 4, most=3)
    ['b', 'b', 'a', 'b']
    """
    has = {person: load.get(person, 0) for person in people}
    found: list[str | None] = []
    for _ in range(count):
        open = {person: n for person, n in has.items() if most is None or n < most}
        person = min(open, key=lambda p: open[p]) if open else None
        found.append(person)
        if person is not None:
            has[person] += 1
    return found


def by_chance(people: Sequence[str], keys: Sequence[str]) -> list[str | None]:
    """One of them for each key: chance that gives the same again, so that a step that is repeated chooses nobody else."""
    if not people:
        return [None] * len(keys)
    return [people[int.from_bytes(sha256(key.encode()).digest()[:8]) % len(people)] for key in keys]
