"""Hits: what a search finds, by object, with the part of each record that fits.

In: a connection, the frame of a call, a reader, words. Out: `Group`s of `Hit`s in the order of the menus; only objects and
fields the asker may read. Reads by the way read alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.model.model import Object
from patron_engine.page.marks import Pieces, fits, marked
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.query.call import Call
from patron_engine.query.found import Candidates, found_in
from patron_engine.query.spec import Ask
from patron_engine.query.titles import title_of
from patron_engine.ways.read import read

MAX_WORDS = 200  # characters of a question
HINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One record. `hints`: label of a field and its value in pieces; those that fit come first."""

    id: str
    title: Pieces
    hints: tuple[tuple[str, Pieces], ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The records of one object. `more` says that there are others."""

    object: Object
    hits: tuple[Hit, ...]
    more: bool


def hits(
    conn: psycopg.Connection[Any],
    call: Call,
    reader: Reader,
    words: str,
    *,
    limit: int,
    first: Sequence[str] = (),
) -> tuple[Group, ...]:
    """At most `limit` records of every object; of those as near to the words, objects named in `first` come first."""
    if not words:
        return ()
    names = [o.name for o in call.model.objects.values() if _searched(call, o)]
    place = {name: n for n, name in enumerate(first)}
    found = found_in(conn, call, words, names)
    groups = [_group(conn, call, reader, call.model.objects[n], words, limit, found[n]) for n in found]

    def nearest(group: Group) -> tuple[int, int, str]:
        """Whose own name was typed comes before whose note or customer it was: the less else a title says, the sooner."""
        titles = [len(hit.text) for hit in group.hits if any(marked for _, marked in hit.title)]
        name = group.object.name
        return min(titles, default=MAX_WORDS), place.get(name, len(place)), name

    return tuple(sorted((group for group in groups if group.hits), key=nearest))


def _searched(call: Call, object: Object) -> bool:
    return (
        bool(object.search) and object.master is None and bool(readable(call.model, call.actor, object.name))
    )


def _group(
    conn: psycopg.Connection[Any],
    call: Call,
    reader: Reader,
    object: Object,
    words: str,
    limit: int,
    found: Candidates | None,
) -> Group:
    names = readable(call.model, call.actor, object.name)
    paths = [p for p in object.search if p != object.title and p.partition(".")[0] in names]
    title = (object.title,) if object.title.partition(".")[0] in names else ()
    ask = Ask(object=object.name, q=words, fields=("id", *title, *paths), limit=limit + 1)
    rows = found_rows(conn, call, ask, found)
    made = tuple(_hit(call, reader, object, paths, row, words) for row in rows[:limit])
    return Group(object=object, hits=made, more=len(rows) > limit)


def found_rows(
    conn: psycopg.Connection[Any], call: Call, ask: Ask, found: Candidates | None
) -> list[dict[str, Any]]:
    """The first records of a search: of its candidates; where these are too few and not all, of everything."""
    rows = read(conn, call, replace(ask, ids=found.ids), secret=b"").rows() if found else []
    if len(rows) < ask.limit and not (found and found.whole):
        rows = read(conn, call, ask, secret=b"").rows()
    return rows


def _hit(
    call: Call, reader: Reader, object: Object, paths: Sequence[str], row: Mapping[str, Any], words: str
) -> Hit:
    values = list(_values(call, reader, object, paths, row))
    fitting = [(label, text) for label, text in values if fits(text, words)]
    others = [pair for pair in values if pair not in fitting]
    return Hit(
        id=str(row["id"]),
        title=marked(title_of(object, row), words),
        hints=tuple((label, marked(text, words)) for label, text in [*fitting, *others][:HINTS]),
    )


def _values(
    call: Call, reader: Reader, object: Object, paths: Sequence[str], row: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for path in paths:
        field = call.model.follow(object.name, path)
        if field is None:
            continue
        value = shown(field, row.get(path), reader)
        if not value.empty:
            own = call.model.objects[object.name].field(path.partition(".")[0]) or field
            yield reader.say(own.label, own.name), value.text
