"""The way duplicates: records of an object that may be the same, a part of the object at a time, the newest first.

In: a connection, an object with duplicate rules, where to go on. Out: groups of records that the caller may read, with the rule that
found them, and where the next part begins. A part is bounded, so that an object with a million records is looked through in steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from patron_engine.model.duplicate_rules import Match, matches_of
from patron_engine.model.model import label_of, say
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.record.look_alikes import Pair, look_alikes
from patron_engine.record.statements import Conn
from patron_engine.ways.prospects import Hit, hits
from patron_engine.ways.read import read

LOOKED_THROUGH: Final = 200  # records of one part
MOST_TOGETHER: Final = 20  # records of one group


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Records that may be the same; `why` the labels of the matches."""

    records: tuple[Hit, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    groups: tuple[Group, ...]
    looked: int
    next: str | None


def duplicates_of(conn: Conn, call: Call, object: str, *, after: str | None, secret: bytes) -> Part:
    """The next part of the object. CursorOutdated where `after` is no more."""
    known = known_object(call, object)
    if not any(m.object == known.name for m in matches_of(call.model, known.name)):
        return Part(groups=(), looked=0, next=None)
    ask = Ask(object=known.name, fields=("id",), sort=("-created_at",), limit=LOOKED_THROUGH, after=after)
    found = read(conn, call, ask, secret=secret)
    ids = [str(row["id"]) for row in found.rows()]
    groups = []
    for together, matches in _grouped(look_alikes(conn, call, known.name, ids)):
        records = hits(conn, call, known.name, sorted(together)[:MOST_TOGETHER])
        if len(records) > 1:
            groups.append(Group(records=records, why=tuple(dict.fromkeys(_why(call, m) for m in matches))))
    return Part(groups=tuple(groups), looked=len(ids), next=found.next)


def like_this(conn: Conn, call: Call, object: str, id: str) -> tuple[Hit, ...]:
    """The records that may be the same as one, as far as the caller may read them."""
    known = known_object(call, object)
    pairs = look_alikes(conn, call, known.name, [id])
    others = dict.fromkeys(b if a == id else a for a, b, _ in pairs)
    return hits(conn, call, known.name, list(others)[:MOST_TOGETHER])


def _why(call: Call, match: Match) -> str:
    languages = call.actor.languages
    return say(match.message, languages) or str(label_of(match.label, match.rule, languages))


def _grouped(pairs: Iterable[Pair]) -> list[tuple[set[str], list[Match]]]:
    """Records that are joined by pairs, in the order they were found."""
    groups: list[tuple[set[str], list[Match]]] = []
    for a, b, match in pairs:
        touched = [g for g in groups if a in g[0] or b in g[0]]
        ids, matches = {a, b}, [match]
        for g in touched:
            ids |= g[0]
            matches = [*g[1], *matches]
            groups.remove(g)
        groups.append((ids, matches))
    return groups
